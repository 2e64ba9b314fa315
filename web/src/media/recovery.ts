import { backoffMs } from "../classroom/backoff";

export type RecoveryStep = "none" | "restart" | "fresh";

const DISCONNECTED_MS = 2000;
const GIVE_UP_MS = 8000;

/** When a media connection is restarted (ICE restart) and when it is made anew. Time is passed in, in milliseconds.
 *
 * `disconnected` for 2 s or `failed`: one ICE restart. Not connected 8 s after trouble began, or after a fresh start: a
 * fresh connection. A negotiation that failed is tried again, fresh, after the usual back-off. */
export class Recovery {
  #since: number | null = null;
  #restarted = false;
  #retryAt: number | null = null;
  #failures = 0;

  /** A fresh connection begins. */
  began(now: number): void {
    this.#since = now;
    this.#restarted = true;
    this.#retryAt = null;
  }

  /** An offer was not answered. */
  negotiationFailed(now: number, random: number): void {
    this.#retryAt = now + backoffMs(this.#failures++, random);
  }

  step(state: RTCPeerConnectionState, now: number): RecoveryStep {
    if (this.#retryAt !== null) return now >= this.#retryAt ? "fresh" : "none";
    if (state === "connected") {
      this.#since = null;
      this.#restarted = false;
      this.#failures = 0;
      return "none";
    }
    this.#since ??= now;
    if (state === "closed" || now - this.#since >= GIVE_UP_MS) return "fresh";
    const broken = state === "failed" || (state === "disconnected" && now - this.#since >= DISCONNECTED_MS);
    if (!broken || this.#restarted) return "none";
    this.#restarted = true;
    return "restart";
  }
}
