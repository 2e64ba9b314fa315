import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { available, type Lowered, lowered, type OutboundStats } from "../media/lowered";
import type { Publisher } from "../media/publisher";
import type { FromClient } from "../protocol";

const LOOK_EVERY_MS = 5000;
const MOST_BPS = 1_000_000_000;

/** Watches what this page sends of its pictures, and what the browser or the server has lowered of it; tells the server
 * what the browser makes of the uplink. */
export class SendingWatch {
  /** What was so at two looks in a row: a browser takes some seconds to find its pace. */
  readonly lowered: Signal<ReadonlySet<Lowered>> = signal(new Set());
  #before: ReadonlySet<Lowered> = new Set();
  #timer = 0;

  constructor(
    private readonly publisher: ReadonlySignal<Publisher | null>,
    private readonly send: (message: FromClient) => void,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const publisher = this.publisher.peek();
    const pc = publisher?.link.pc;
    const connected = pc?.connectionState === "connected";
    const report = connected ? ([...(await pc.getStats()).values()] as OutboundStats[]) : [];
    const now = lowered(report, publisher?.limits());
    if (publisher?.withheld.peek().size) now.delete("spared");
    if (connected) {
      const available_bps = Math.min(MOST_BPS, Math.round(available(report)));
      this.send({ type: "report_sending", available_bps, short: now.has("link") });
    }
    const before = this.#before;
    const lasting = [...now].filter((one) => before.has(one));
    if (lasting.length !== this.lowered.peek().size || lasting.some((one) => !this.lowered.peek().has(one))) {
      this.lowered.value = new Set(lasting);
    }
    this.#before = now;
  }
}
