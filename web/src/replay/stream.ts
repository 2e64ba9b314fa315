import Hls, { type ErrorData, type HlsConfig } from "hls.js/light";
import { levelFor } from "./timeline";

/** One track of a recording on one media element, by hls.js. */

export type StreamTrouble = "not_found" | "connection_lost" | "unplayable";

const AGAIN_AFTER_MS = 2000;
const CONFIG: Partial<HlsConfig> = {
  // The pages' Content-Security-Policy has no place for a worker made from a blob; fMP4 needs no repacking anyway.
  enableWorker: false,
  backBufferLength: 60,
  // Begin low: on a poor link the first picture comes soon, and the next segment may be better.
  abrEwmaDefaultEstimate: 250_000,
  startLevel: 0,
  capLevelToPlayerSize: true,
  // Lessons that still go on are watched from anywhere in them.
  liveDurationInfinity: false,
};

export class Stream {
  readonly #hls: Hls;
  readonly #element: HTMLMediaElement;
  #loading = true;
  #again = 0;
  #height = 0;

  constructor(
    element: HTMLMediaElement,
    playlist: string,
    token: string | null,
    start_s: number,
    ahead_s: number,
    readonly onTrouble: (trouble: StreamTrouble | null) => void,
  ) {
    this.#element = element;
    this.#hls = new Hls({
      ...CONFIG,
      startPosition: start_s,
      maxBufferLength: ahead_s,
      maxMaxBufferLength: ahead_s,
      xhrSetup: (xhr, url) => {
        if (!token) return;
        xhr.open("GET", url, true);
        xhr.setRequestHeader("Authorization", `Bearer ${token}`);
      },
    });
    this.#hls.on(Hls.Events.ERROR, (_, data) => this.#failed(data));
    this.#hls.on(Hls.Events.FRAG_BUFFERED, () => onTrouble(null));
    this.#hls.on(Hls.Events.MANIFEST_PARSED, () => this.setHeight(this.#height));
    this.#hls.loadSource(playlist);
    this.#hls.attachMedia(element);
  }

  static get supported(): boolean {
    return Hls.isSupported();
  }

  /** Bits per second that the next segment may count on. */
  get estimate_bps(): number {
    return this.#hls.bandwidthEstimate;
  }

  /** The height of what is being shown; 0 before anything is. */
  get height(): number {
    return this.#hls.levels[this.#hls.currentLevel]?.height ?? 0;
  }

  get heights(): readonly number[] {
    return this.#hls.levels.map((level) => level.height);
  }

  /** 0: chosen by what the link carries. */
  setHeight(height: number): void {
    this.#height = height;
    if (this.#hls.levels.length === 0) return;
    this.#hls.nextLevel = height === 0 ? -1 : levelFor(this.heights, height);
  }

  /** Seconds that are there after the present place. */
  get ahead_s(): number {
    const { buffered, currentTime } = this.#element;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= currentTime + 0.1 && buffered.end(index) > currentTime)
        return buffered.end(index) - currentTime;
    }
    return 0;
  }

  setLoading(on: boolean): void {
    if (on === this.#loading) return;
    this.#loading = on;
    if (on) this.#hls.startLoad(this.#element.currentTime);
    else this.#hls.stopLoad();
  }

  close(): void {
    clearTimeout(this.#again);
    this.#hls.destroy();
  }

  #failed(data: ErrorData): void {
    if (!data.fatal) return;
    const status = data.response?.code ?? 0;
    if (status === 401 || status === 403 || status === 404) this.onTrouble("not_found");
    else if (data.type === Hls.ErrorTypes.NETWORK_ERROR) {
      this.onTrouble("connection_lost");
      clearTimeout(this.#again);
      this.#again = setTimeout(() => this.#loadAgain(), AGAIN_AFTER_MS);
    } else if (data.type === Hls.ErrorTypes.MEDIA_ERROR) this.#recover();
    else this.onTrouble("unplayable");
  }

  /** hls.js begins anew at the same place, but leaves the element paused. A computer without a sound device is such a case. */
  #recover(): void {
    const played = !this.#element.paused;
    this.#hls.recoverMediaError();
    if (played) void this.#element.play().catch(() => undefined); // the button is there
  }

  #loadAgain(): void {
    if (this.#hls.levels.length === 0 && this.#hls.url) this.#hls.loadSource(this.#hls.url);
    else if (this.#loading) this.#hls.startLoad(this.#element.currentTime);
  }
}
