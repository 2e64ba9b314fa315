import { type Signal, signal } from "@preact/signals";
import { Recovery } from "./recovery";

/** What the page says of a media connection: `interrupted` was connected and comes back by itself. */
export type LinkPhase = "idle" | "connecting" | "connected" | "interrupted";

/** A connection whose offer is being made. */
interface Draft {
  readonly pc: RTCPeerConnection;
  readonly offer: Promise<string>;
  /** When it was begun (`performance.now()`). */
  readonly since: number;
}

/** After this long the computer may have moved to another network: an offer made before it is not sent any more. */
const DRAFT_HOLDS_MS = 30_000;

export interface LinkParts {
  /** Add transceivers to a new connection. */
  build(pc: RTCPeerConnection): void;
  /** Carry the offer to the server; gives its SDP answer. */
  negotiate(pc: RTCPeerConnection, sdp: string, fresh: boolean): Promise<string>;
  /** The answer of a fresh connection was applied. */
  answered?(pc: RTCPeerConnection): void;
}

/** One RTCPeerConnection that stays: it is restarted or made anew until `close`. The browser offers, the ICE-lite server
 * answers with its own addresses, so no candidate of ours needs to be waited for. */
export class MediaLink {
  readonly phase: Signal<LinkPhase> = signal("idle");
  #pc: RTCPeerConnection | null = null;
  #draft: Draft | null = null;
  #recovery = new Recovery();
  #wasConnected = false;

  constructor(private readonly parts: LinkParts) {}

  get pc(): RTCPeerConnection | null {
    return this.#pc;
  }

  /** Make the first connection and its offer ahead of `open`: the browser takes its time for both. */
  draft(): void {
    this.#draft = this.#begin();
  }

  /** Open a fresh connection in place of the present one. */
  open(): void {
    this.#pc?.close();
    const { pc, offer } = this.#takeDraft() ?? this.#begin();
    this.#pc = pc;
    this.#recovery.began(performance.now());
    this.phase.value = this.#wasConnected ? "interrupted" : "connecting";
    pc.onconnectionstatechange = () => this.#changed(pc);
    void this.#negotiate(pc, offer, true);
  }

  close(): void {
    this.#takeDraft()?.pc.close();
    this.#pc?.close();
    this.#pc = null;
    this.#wasConnected = false;
    this.phase.value = "idle";
  }

  /** Look after the connection; called about twice a second while the server can be reached. */
  tick(now: number): void {
    const pc = this.#pc;
    if (!pc) return;
    const step = this.#recovery.step(pc.connectionState, now);
    if (step === "fresh") this.open();
    if (step === "restart") {
      pc.restartIce();
      void this.#negotiate(pc, offerOf(pc), false);
    }
  }

  #begin(): Draft {
    const pc = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
    this.parts.build(pc);
    const offer = offerOf(pc);
    offer.catch(() => undefined); // whoever sends it sees the failure
    return { pc, offer, since: performance.now() };
  }

  #takeDraft(): Draft | null {
    const draft = this.#draft;
    this.#draft = null;
    if (!draft || performance.now() - draft.since < DRAFT_HOLDS_MS) return draft;
    draft.pc.close();
    return null;
  }

  async #negotiate(pc: RTCPeerConnection, offer: Promise<string>, fresh: boolean): Promise<void> {
    try {
      const answer = await this.parts.negotiate(pc, await offer, fresh);
      if (pc !== this.#pc) return;
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      if (fresh) this.parts.answered?.(pc);
    } catch (error) {
      if (pc !== this.#pc) return;
      console.warn("media negotiation failed", error);
      this.#recovery.negotiationFailed(performance.now(), Math.random());
    }
  }

  #changed(pc: RTCPeerConnection): void {
    if (pc !== this.#pc) return;
    if (pc.connectionState === "connected") {
      this.#wasConnected = true;
      this.phase.value = "connected";
    } else if (this.#wasConnected) {
      this.phase.value = "interrupted";
    }
  }
}

async function offerOf(pc: RTCPeerConnection): Promise<string> {
  await pc.setLocalDescription();
  return pc.localDescription?.sdp ?? "";
}
