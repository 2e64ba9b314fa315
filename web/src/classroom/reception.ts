import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type InboundStats, NOTHING_PLAYED, playbackSince, type Reading, readingOf } from "../media/playback";
import {
  isStill,
  type Reception,
  receptionOf,
  type Sample,
  type Shown,
  shownBetween,
  withSample,
} from "../media/shown";
import type { Subscriber, VideoSlotName } from "../media/subscriber";
import { VIDEO_SLOTS } from "../media/subscriber";
import type { FromClient, Slot } from "../protocol";
import type { ClassroomState } from "./state";

const LOOK_EVERY_MS = 2500;
/** Pictures are judged over two looks: a slow one must not seem to stand still. */
const LOOKS = 2;
/** For so long after still pictures a browser may count their last gap as a freeze: from report to report, and a look. */
const STILL_BEFORE_MS = (LOOKS + 1) * LOOK_EVERY_MS;

/** Watches what this page receives: for the page's own words and chart, and for the server. */
export class ReceptionWatch {
  readonly now: Signal<Reception> = signal("waiting");
  readonly shown: Signal<Shown | null> = signal(null);
  readonly samples: Signal<readonly Sample[]> = signal([]);
  #pc: RTCPeerConnection | null = null;
  #readings: Reading[] = [];
  #looks = 0;
  #told = NOTHING_PLAYED;
  #stillAt = Number.NEGATIVE_INFINITY;
  #timer = 0;

  constructor(
    private readonly subscriber: Subscriber,
    private readonly state: ReadonlySignal<ClassroomState | null>,
    private readonly send: (message: FromClient) => void,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const pc = this.subscriber.link.pc;
    const state = this.state.peek();
    if (!pc || !state || pc.connectionState !== "connected") {
      this.now.value = "waiting";
      return;
    }
    const report = [...(await pc.getStats()).values()] as InboundStats[];
    const reading = readingOf(report, this.subscriber.slotsByTrack(), performance.now());
    if (pc !== this.#pc) this.#readings = [nothingRead(reading.at_ms - LOOK_EVERY_MS)];
    this.#pc = pc;
    this.#readings = [...this.#readings, reading].slice(-LOOKS - 1);
    const [before] = this.#readings;
    if (before) this.#judge(before, reading, state);
  }

  #judge(before: Reading, reading: Reading, state: ClassroomState): void {
    const asked = askedPictures(state, this.subscriber);
    const link = state.links.down;
    const stills = link?.link === "still";
    if (stills) this.#stillAt = reading.at_ms;
    const shown = shownBetween(before, reading, asked, stills);
    this.shown.value = shown;
    const short = [...asked.keys()].some((slot) => state.slots.get(slot)?.short);
    this.now.value = receptionOf(shown, asked, link, short);
    const last = this.#readings.at(-2) ?? before;
    this.samples.value = withSample(this.samples.peek(), {
      at_s: reading.at_ms / 1000,
      estimate_bps: link?.estimate_bps ?? null,
      arrived_bps: Math.max(0, (reading.bytes - last.bytes) * 8000) / (reading.at_ms - last.at_ms),
      loss: link?.loss ?? 0,
      height: shown.height,
    });
    this.#looks += 1;
    if (this.#looks % LOOKS !== 0) return;
    const report = playbackSince(this.#told, reading.totals, reading.at_ms - this.#stillAt < STILL_BEFORE_MS);
    this.#told = reading.totals;
    this.send({ ...report, height: Math.min(16384, shown.height), still: isStill(shown) });
  }
}

/** A new connection counts from zero. */
const nothingRead = (at_ms: number): Reading => readingOf([], new Map(), at_ms);

/** The pictures that are sent and that this page shows, each with the height it could have here. */
function askedPictures(state: ClassroomState, subscriber: Subscriber): Map<Slot, number> {
  const asked = new Map<Slot, number>();
  for (const slot of VIDEO_SLOTS satisfies readonly VideoSlotName[]) {
    const sent = state.slots.get(slot);
    const seen = subscriber.seenHeight(slot);
    if (sent?.flowing && seen > 0 && sent.participant_id !== state.me) asked.set(slot, Math.min(seen, sent.height));
  }
  return asked;
}
