import { type Signal, signal } from "@preact/signals";
import {
  type Answer,
  LINK_TEST_VERSION,
  type LinkTestFromClient,
  type LinkTestFromServer,
  type LinkTestPhase,
  type LinkTestResult,
  type LinkTestTrouble,
} from "../protocol";
import { Exchange } from "./exchange";
import { type Point, pointOf, type Reading } from "./readings";

const READ_EVERY_MS = 500;
const OBSERVED_EVERY = 2;
/** From pressing the button to the server's first word. */
const FIRST_WORD_MS = 10_000;

/** `waiting`: others test now. `since_ms` of `performance.now()`. */
export type Step =
  | { readonly name: "idle" }
  | { readonly name: "starting" }
  | { readonly name: "waiting"; readonly sameLink: boolean }
  | { readonly name: "running"; readonly phase: LinkTestPhase; readonly since_ms: number; readonly seconds: number }
  | { readonly name: "refused"; readonly code: LinkTestTrouble | "connection_lost" }
  | { readonly name: "done"; readonly result: LinkTestResult };

/** One test after another; `start` from a press of a button. */
export class LinkTest {
  readonly step: Signal<Step> = signal({ name: "idle" });
  readonly points: Signal<readonly Point[]> = signal([]);
  #socket: WebSocket | null = null;
  #exchange: Exchange | null = null;
  #answers = new Map<string, (sdp: string) => void>();
  #timers: number[] = [];
  #last: Reading | null = null;
  #began_ms = 0;
  #reads = 0;

  start(token: string | null, place: string): void {
    this.#end();
    this.points.value = [];
    this.#last = null;
    this.step.value = { name: "starting" };
    this.#exchange = new Exchange({
      publish: (sdp, sources) => this.#offer("publish", { type: "offer_publish", sdp, sources, fresh: true }),
      subscribe: (sdp, slots) => this.#offer("subscribe", { type: "offer_subscribe", sdp, slots, fresh: true }),
    });
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/link-test`);
    this.#socket = socket;
    socket.onopen = () => this.#send({ type: "begin", version: LINK_TEST_VERSION, token, place });
    socket.onmessage = (event) => this.#receive(JSON.parse(String(event.data)) as LinkTestFromServer);
    socket.onclose = () => {
      if (socket === this.#socket) this.#fail("connection_lost");
    };
    this.#timers.push(
      setTimeout(() => {
        if (this.step.peek().name === "starting") this.#fail("connection_lost");
      }, FIRST_WORD_MS),
    );
  }

  /** Whatever is under way ends without a result. */
  stop(): void {
    this.#end();
    this.step.value = { name: "idle" };
  }

  #offer(kind: Answer["kind"], message: LinkTestFromClient): Promise<string> {
    return new Promise((resolve) => {
      this.#answers.set(kind, resolve);
      this.#send(message);
    });
  }

  #send(message: LinkTestFromClient): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #receive(message: LinkTestFromServer): void {
    switch (message.type) {
      case "waiting":
        this.step.value = { name: "waiting", sameLink: message.same_link };
        break;
      case "phase":
        this.#begin(message.phase, message.seconds);
        break;
      case "answer":
        this.#answers.get(message.kind)?.(message.sdp);
        break;
      case "refused":
        this.#fail(message.code);
        break;
      case "result":
        this.#end();
        this.step.value = { name: "done", result: message };
        break;
    }
  }

  #begin(phase: LinkTestPhase, seconds: number): void {
    if (phase === "done") return;
    this.step.value = { name: "running", phase, since_ms: performance.now(), seconds };
    if (phase === "connecting") this.#exchange?.open();
    if (phase === "up") {
      this.#began_ms = performance.now();
      this.#timers.push(setInterval(() => void this.#read(), READ_EVERY_MS));
    }
    if (phase === "down") this.#exchange?.sendLittle();
  }

  async #read(): Promise<void> {
    const exchange = this.#exchange;
    const now = await exchange?.read(performance.now());
    if (!now || exchange !== this.#exchange) return;
    if (this.#last) this.points.value = [...this.points.peek(), pointOf(this.#last, now, this.#began_ms)];
    this.#last = now;
    if (this.#reads++ % OBSERVED_EVERY) return;
    const { rtt_ms, jitter_ms, loss_down, loss_up } = now;
    this.#send({ type: "observed", rtt_ms, jitter_ms, loss_down, loss_up });
  }

  #fail(code: LinkTestTrouble | "connection_lost"): void {
    this.#end();
    this.step.value = { name: "refused", code };
  }

  #end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    this.#answers.clear();
    this.#exchange?.close();
    this.#exchange = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
