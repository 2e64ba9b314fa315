import { type Signal, signal } from "@preact/signals";
import type { Connection } from "../classroom/connection";
import { RequestError } from "../classroom/connection";
import type { Slot } from "../protocol";
import { MediaLink } from "./media_link";

export const AUDIO_SLOTS = ["teacher_audio", "screen_audio", "floor_audio"] as const satisfies readonly Slot[];
export const VIDEO_SLOTS = ["teacher_video", "screen_video", "floor_video"] as const satisfies readonly Slot[];

export type VideoSlotName = (typeof VIDEO_SLOTS)[number];

interface View {
  paused: boolean;
  height: number;
}

const HIDDEN: View = { paused: true, height: 0 };

/** The receiving connection: three sounds and three pictures, each in its slot. The server begins each paused; what the
 * page shows is told by `setView`, and told again to every fresh connection. */
export class Subscriber {
  readonly link: MediaLink;
  readonly streams: Signal<ReadonlyMap<Slot, MediaStream>> = signal(new Map());
  #transceivers = new Map<Slot, RTCRtpTransceiver>();
  #views = new Map<Slot, View>(AUDIO_SLOTS.map((slot) => [slot, { paused: false, height: 0 }]));
  #ready = false;

  constructor(private readonly connection: Connection) {
    this.link = new MediaLink({
      build: (pc) => this.#build(pc),
      answered: () => this.#tellAll(),
      negotiate: async (_pc, sdp, fresh) => {
        const slots: Record<string, Slot> = {};
        for (const [slot, { mid }] of this.#transceivers) if (mid !== null) slots[mid] = slot;
        const reply = await connection.ask({ type: "offer_subscribe", sdp, slots, fresh });
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

  /** The server may have forgotten: tell again what is shown. */
  resend(): void {
    if (this.#ready) this.#tellAll();
  }

  #build(pc: RTCPeerConnection): void {
    this.#ready = false;
    this.#transceivers.clear();
    for (const slot of [...AUDIO_SLOTS, ...VIDEO_SLOTS]) {
      const kind = (AUDIO_SLOTS as readonly Slot[]).includes(slot) ? "audio" : "video";
      this.#transceivers.set(slot, pc.addTransceiver(kind, { direction: "recvonly" }));
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
