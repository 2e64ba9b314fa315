import { type Signal, signal } from "@preact/signals";
import type { Connection } from "../classroom/connection";
import { RequestError } from "../classroom/connection";
import type { Slot } from "../protocol";
import { receivedCodecs } from "./encodings";
import { MediaLink } from "./media_link";

export const AUDIO_SLOTS = ["teacher_audio", "screen_audio", "floor_audio"] as const satisfies readonly Slot[];
export const VIDEO_SLOTS = ["teacher_video", "screen_video", "floor_video"] as const satisfies readonly Slot[];

export type VideoSlotName = (typeof VIDEO_SLOTS)[number];

/** A slow screen share still shows a frame now and then; a camera many. */
const STANDS_STILL_MS = 2500;

interface View {
  paused: boolean;
  height: number;
}

const HIDDEN: View = { paused: true, height: 0 };

/** The receiving connection: three sounds and three pictures, each in its slot. The server begins each paused; what the
 * page shows is told by `setView`, and told again to every fresh connection. */
export class Subscriber {
  readonly link: MediaLink;
  /** Pictures of which a frame was shown within the last moment: what the page sees, before the server can tell. */
  readonly moving: Signal<ReadonlySet<Slot>> = signal(new Set());
  readonly streams: Signal<ReadonlyMap<Slot, MediaStream>> = signal(new Map());
  #transceivers = new Map<Slot, RTCRtpTransceiver>();
  #views = new Map<Slot, View>(AUDIO_SLOTS.map((slot) => [slot, { paused: false, height: 0 }]));
  #shownAt = new Map<Slot, number>();
  #ready = false;

  constructor(private readonly connection: Connection) {
    this.link = new MediaLink({
      build: (pc) => this.#build(pc),
      negotiate: async (_pc, sdp, fresh) => {
        const slots: Record<string, Slot> = {};
        for (const [slot, { mid }] of this.#transceivers) if (mid !== null) slots[mid] = slot;
        const asked = connection.ask({ type: "offer_subscribe", sdp, slots, fresh });
        if (fresh) this.#tellAll(); // the server takes messages in order: what is shown need not wait for the answer
        const reply = await asked;
        if (reply.type !== "answer") throw new RequestError("bad_message");
        return reply.sdp;
      },
    });
  }

  /** `height` in device pixels; 0 hides the slot, and the server sends nothing for it. */
  setView(slot: VideoSlotName, height: number): void {
    const view = height > 0 ? { paused: false, height: Math.min(16384, Math.round(height)) } : HIDDEN;
    const known = this.#views.get(slot) ?? HIDDEN;
    if (known.paused === view.paused && known.height === view.height) return;
    this.#views.set(slot, view);
    if (this.#ready) this.#tell(slot, view);
  }

  /** Device pixels; 0 while hidden. */
  seenHeight(slot: VideoSlotName): number {
    return this.#views.get(slot)?.height ?? 0;
  }

  slotsByTrack(): Map<string, Slot> {
    return new Map([...this.#transceivers].map(([slot, { receiver }]) => [receiver.track.id, slot]));
  }

  frameShown(slot: Slot, now: number): void {
    this.#shownAt.set(slot, now);
    if (!this.moving.peek().has(slot)) this.moving.value = new Set(this.moving.peek()).add(slot);
  }

  /** Called about twice a second; `now` in milliseconds as for `frameShown`. */
  tick(now: number): void {
    this.link.tick(now);
    const moving = [...this.moving.peek()].filter((slot) => now - (this.#shownAt.get(slot) ?? 0) < STANDS_STILL_MS);
    if (moving.length < this.moving.peek().size) this.moving.value = new Set(moving);
  }

  /** The server may have forgotten: tell again what is shown. */
  resend(): void {
    if (this.#ready) this.#tellAll();
  }

  #build(pc: RTCPeerConnection): void {
    this.#ready = false;
    this.#transceivers.clear();
    for (const [kind, slots] of [["audio", AUDIO_SLOTS] as const, ["video", VIDEO_SLOTS] as const]) {
      const codecs = receivedCodecs(RTCRtpReceiver.getCapabilities(kind)?.codecs ?? []);
      for (const slot of slots) {
        const transceiver = pc.addTransceiver(kind, { direction: "recvonly" });
        transceiver.setCodecPreferences(codecs);
        this.#transceivers.set(slot, transceiver);
      }
    }
    this.streams.value = new Map(
      [...this.#transceivers].map(([slot, { receiver }]) => [slot, new MediaStream([receiver.track])]),
    );
  }

  #tellAll(): void {
    this.#ready = true;
    for (const [slot, view] of this.#views) if (!view.paused) this.#tell(slot, view);
  }

  #tell(slot: Slot, view: View): void {
    this.connection.send({ type: "set_view", slot, paused: view.paused, height: view.height });
  }
}
