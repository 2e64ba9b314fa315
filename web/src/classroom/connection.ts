import { type Signal, signal } from "@preact/signals";
import type { Answer, ErrorCode, FromClient, FromServer, Join, Reply } from "../protocol";
import { backoffMs } from "./backoff";

/** `closed` is final: the reason is in `Connection.ending`. */
export type ConnectionStatus = "connecting" | "open" | "lost" | "closed";

/** Why the server will not have us back without a person's doing. */
export type Ending = ErrorCode | "taken_over" | "left";

/** A request that the server refused (`code`) or that the connection lost before its answer came. */
export class RequestError extends Error {
  constructor(readonly code: ErrorCode | "connection_lost") {
    super(code);
  }
}

interface Pending {
  resolve(message: Answer | Reply): void;
  reject(error: RequestError): void;
  timer: number;
}

const TAKEN_OVER = 4001;
const PING_EVERY_MS = 20_000;
const PONG_WITHIN_MS = 8_000;
const WELCOME_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 10_000;
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["too_fast", "media_unavailable"]);

const connect = (): WebSocket =>
  new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/classroom`);

/** The WebSocket of one seat: joins, answers pings, comes back by itself with jittered back-off. `join` is asked before
 * every attempt, so that it carries the newest `resume` secret; `onJoin` may send what need not wait for the welcome. */
export class Connection {
  readonly status: Signal<ConnectionStatus> = signal("connecting");
  readonly ending: Signal<Ending | null> = signal(null);
  #ahead: WebSocket | null = null;
  #socket: WebSocket | null = null;
  #joined = false;
  #attempt = 0;
  #nextId = 1;
  #pending = new Map<number, Pending>();
  #retry = 0;
  #ping = 0;
  #watchdog = 0;

  constructor(
    private readonly join: () => Join,
    private readonly onJoin: () => void,
    private readonly onMessage: (message: FromServer) => void,
  ) {
    addEventListener("online", this.#retryNow);
  }

  /** Connect while it is not known yet who joins. The server waits some seconds for the join; later `open` connects. */
  connectAhead(): void {
    this.#ahead = connect();
  }

  open(): void {
    clearTimeout(this.#retry);
    const socket = this.#takeAhead() ?? connect();
    this.#socket = socket;
    this.#expect(WELCOME_WITHIN_MS);
    socket.onopen = () => this.#sendJoin(socket);
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#receive(JSON.parse(String(event.data)) as FromServer);
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event.code);
    };
    if (socket.readyState === WebSocket.OPEN) this.#sendJoin(socket);
  }

  #takeAhead(): WebSocket | null {
    const socket = this.#ahead;
    this.#ahead = null;
    return socket && socket.readyState <= WebSocket.OPEN ? socket : null;
  }

  #sendJoin(socket: WebSocket): void {
    if (socket !== this.#socket) return;
    socket.send(JSON.stringify(this.join()));
    this.#joined = true;
    this.onJoin();
  }

  /** False until the join is sent, and while there is no connection; nothing is queued, since the state it spoke of may
   * be over by then. */
  send(message: FromClient): boolean {
    if (!this.#joined || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Sends with an id and gives the server's answer. Rejects with `RequestError`. */
  ask(message: FromClient): Promise<Answer | Reply> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (!this.send({ ...message, id })) return reject(new RequestError("connection_lost"));
      const timer = setTimeout(() => this.#settle(id)?.reject(new RequestError("connection_lost")), ANSWER_WITHIN_MS);
      this.#pending.set(id, { resolve, reject, timer });
    });
  }

  close(ending: Ending): void {
    if (this.status.value === "closed") return;
    this.status.value = "closed";
    this.ending.value = ending;
    removeEventListener("online", this.#retryNow);
    this.#takeAhead()?.close();
    this.#drop();
  }

  #receive(message: FromServer): void {
    switch (message.type) {
      case "welcome":
        this.#welcome();
        break;
      case "refused":
        if (!PASSING.has(message.code)) this.close(message.code);
        break;
      case "pong":
        clearTimeout(this.#watchdog);
        break;
      case "reply":
      case "answer": {
        const pending = message.id === null ? undefined : this.#settle(message.id);
        if (message.type === "reply" && !message.ok) pending?.reject(new RequestError(message.code ?? "bad_message"));
        else pending?.resolve(message);
        break;
      }
    }
    this.onMessage(message);
  }

  #welcome(): void {
    this.#attempt = 0;
    this.status.value = "open";
    clearTimeout(this.#watchdog);
    this.#ping = setInterval(() => {
      this.send({ type: "ping", sent: performance.now() / 1000 });
      this.#expect(PONG_WITHIN_MS);
    }, PING_EVERY_MS);
  }

  /** A connection that does not answer in time is dead, whatever TCP still believes. */
  #expect(withinMs: number): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lost(0), withinMs);
  }

  #lost(code: number): void {
    if (code === TAKEN_OVER) this.close("taken_over");
    if (this.status.value === "closed") return;
    this.#drop();
    this.status.value = "lost";
    this.#retry = setTimeout(() => this.open(), backoffMs(this.#attempt++, Math.random()));
  }

  readonly #retryNow = (): void => {
    if (this.status.value === "lost") this.open();
  };

  #drop(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    clearInterval(this.#ping);
    const socket = this.#socket;
    this.#socket = null;
    this.#joined = false;
    socket?.close();
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(new RequestError("connection_lost"));
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (pending) clearTimeout(pending.timer);
    this.#pending.delete(id);
    return pending;
  }
}
