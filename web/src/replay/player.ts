import { batch, computed, signal } from "@preact/signals";
import { type RecordingDetail, recordingDetail } from "./api";
import { placeIn, rememberPlace } from "./places";
import { Stream, type StreamTrouble } from "./stream";
import {
  FOLLOWING_SOUNDS,
  heightsOf,
  inSpan,
  keepInStep,
  MAIN_SOUND,
  mainPicture,
  nextSpan,
  PICTURES,
  type PictureSlot,
  packed,
  spansOf,
} from "./timeline";

/** Plays a recording. The teacher's sound is the clock; pictures and other sounds follow it, each where it has something.
 * So a hole in a picture, or a picture that a poor link cannot bring in time, never interrupts the teacher's words. */

const STEP_MS = 200;
const LOOK_MS = 5000;
const KEEP_MS = 5000;
const SOUND_AHEAD_S = 60;
const PICTURE_AHEAD_S = 20;
/** With less sound than this in store pictures wait, until there is that much. */
const SOUND_SHORT_S = 4;
const SOUND_ENOUGH_S = 12;
/** What is nearer to the end of a lesson that goes on is not yet here. */
const LIVE_S = 15;
/** Whoever stopped here has seen it all. */
const OVER = 0.97;

interface Follower {
  readonly element: HTMLMediaElement;
  readonly stream: Stream;
}

/** "auto": what the link carries; "sound": no pictures; else the height. */
export type Quality = "auto" | "sound" | number;

export class Player {
  readonly detail = signal<RecordingDetail>({} as RecordingDetail);
  readonly at = signal(0);
  readonly playing = signal(false);
  /** Playing, but the sound has to come first. */
  readonly waiting = signal(false);
  readonly rate = signal(1);
  readonly muted = signal(false);
  /** This computer has no sound device. */
  readonly silent = signal(false);
  readonly quality = signal<Quality>("auto");
  readonly trouble = signal<StreamTrouble | null>(null);
  /** The heights that are shown now, by slot. */
  readonly shown = signal<ReadonlyMap<PictureSlot, number>>(new Map());
  readonly main = computed(() => mainPicture(this.detail.value.tracks, this.at.value));
  readonly growing = computed(() => this.detail.value.state !== "ready");
  readonly heights = computed(() => heightsOf(this.detail.value.tracks));
  readonly duration = computed(() => this.detail.value.duration_s);

  readonly sound = new Audio();
  readonly #soundStream: Stream;
  readonly #followers = new Map<string, Follower>();
  readonly #elements = new Map<PictureSlot, HTMLVideoElement>();
  readonly #timers: number[] = [];
  #short = false;

  constructor(
    detail: RecordingDetail,
    readonly token: string | null,
  ) {
    this.detail.value = detail;
    const start_s = Math.min(placeIn(detail.recording_id), detail.duration_s);
    this.at.value = start_s;
    const track = detail.tracks.find(({ slot }) => slot === MAIN_SOUND);
    if (!track) throw new Error("a recording without sound has no clock");
    this.sound.preservesPitch = true;
    this.#listen();
    this.#soundStream = new Stream(this.sound, track.playlist, token, start_s, SOUND_AHEAD_S, (trouble) => {
      this.trouble.value = trouble;
    });
    this.#timers.push(
      setInterval(() => this.#step(), STEP_MS),
      setInterval(() => void this.#look(), LOOK_MS),
      setInterval(() => this.#keepPlace(), KEEP_MS),
    );
  }

  /** The picture's element is on the page. */
  attach(slot: PictureSlot, element: HTMLVideoElement): void {
    this.#elements.set(slot, element);
    this.#follow();
  }

  toggle(): void {
    if (!this.sound.paused) this.sound.pause();
    else void this.sound.play().catch(() => undefined); // the browser wants a click first: the button is there
  }

  seek(to_s: number): void {
    const end = this.growing.value ? this.duration.value - 1 : this.duration.value - 0.1;
    const at = Math.max(0, Math.min(to_s, end));
    this.sound.currentTime = at;
    this.at.value = at;
    this.#step();
  }

  skip(by_s: number): void {
    this.seek(this.sound.currentTime + by_s);
  }

  toLive(): void {
    this.seek(this.duration.value - LIVE_S);
    if (this.sound.paused) this.toggle();
  }

  /** Near enough to the end of a lesson that goes on. */
  readonly live = computed(() => this.growing.value && this.duration.value - this.at.value < 2 * LIVE_S);

  setRate(rate: number): void {
    this.rate.value = rate;
    this.sound.playbackRate = rate;
    this.#step();
  }

  toggleMuted(): void {
    this.muted.value = !this.muted.value;
    this.sound.muted = this.muted.value;
    for (const slot of FOLLOWING_SOUNDS) {
      const follower = this.#followers.get(slot);
      if (follower) follower.element.muted = this.muted.value;
    }
  }

  changeVolume(by: number): void {
    this.sound.volume = Math.max(0, Math.min(1, this.sound.volume + by));
    for (const slot of FOLLOWING_SOUNDS) {
      const follower = this.#followers.get(slot);
      if (follower) follower.element.volume = this.sound.volume;
    }
  }

  setQuality(quality: Quality): void {
    this.quality.value = quality;
    for (const slot of PICTURES) this.#followers.get(slot)?.stream.setHeight(typeof quality === "number" ? quality : 0);
    this.#step();
  }

  close(): void {
    this.#keepPlace();
    for (const timer of this.#timers) clearInterval(timer);
    this.sound.pause();
    this.#soundStream.close();
    for (const { element, stream } of this.#followers.values()) {
      element.pause();
      stream.close();
    }
  }

  #listen(): void {
    const tell = () => {
      batch(() => {
        this.playing.value = !this.sound.paused;
        this.waiting.value = !this.sound.paused && this.sound.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
        if (!this.sound.seeking) this.at.value = this.sound.currentTime;
      });
      this.#step();
    };
    for (const name of ["play", "pause", "playing", "waiting", "seeked", "timeupdate", "ended"] as const)
      this.sound.addEventListener(name, tell);
    this.sound.addEventListener("pause", () => this.#keepPlace());
    this.sound.addEventListener("error", () => this.#playSilently());
  }

  /** Firefox ends what it cannot make sound; muted it plays on, and the pictures with it. */
  #playSilently(): void {
    if (this.muted.value || !this.sound.error?.message.includes("Sink")) return;
    this.silent.value = true;
    this.toggleMuted();
    this.#soundStream.recover();
  }

  /** Begin to follow with every track that has a place on the page, or needs none. */
  #follow(): void {
    for (const { slot, playlist, spans } of this.detail.value.tracks) {
      const element = this.#elementOf(slot);
      if (this.#followers.has(slot) || !element) continue;
      const start_s = packed(spans, this.sound.currentTime);
      const stream = new Stream(element, playlist, this.token, start_s, PICTURE_AHEAD_S, () => undefined);
      const quality = this.quality.value;
      stream.setHeight(typeof quality === "number" ? quality : 0);
      this.#followers.set(slot, { element, stream });
    }
  }

  #elementOf(slot: string): HTMLMediaElement | null {
    const picture = this.#elements.get(slot as PictureSlot);
    if (picture) return picture;
    if (!(FOLLOWING_SOUNDS as readonly string[]).includes(slot)) return null;
    const sound = new Audio();
    sound.muted = this.muted.value;
    sound.volume = this.sound.volume;
    return sound;
  }

  #step(): void {
    this.#soundFirst();
    const clock = this.sound.currentTime;
    const running =
      !this.sound.paused && !this.sound.seeking && this.sound.readyState > HTMLMediaElement.HAVE_CURRENT_DATA;
    const shown = new Map<PictureSlot, number>();
    for (const [slot, follower] of this.#followers) {
      const spans = spansOf(this.detail.value.tracks, slot);
      const wanted = inSpan(spans, clock) && !(slot.endsWith("_video") && this.quality.value === "sound");
      if (wanted) {
        step(follower.element, packed(spans, clock), running, this.rate.value);
        if (follower.element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA)
          shown.set(slot as PictureSlot, follower.stream.height);
      } else rest(follower.element, packed(spans, nextSpan(spans, clock) ?? clock));
    }
    this.shown.value = shown;
  }

  /** On a poor link everything but the teacher's sound waits. */
  #soundFirst(): void {
    const ahead = this.#soundStream.ahead_s;
    const left = this.duration.value - this.sound.currentTime;
    if (this.sound.paused || ahead >= Math.min(SOUND_ENOUGH_S, left - 2)) this.#short = false;
    else if (ahead < Math.min(SOUND_SHORT_S, left - 2 * LIVE_S)) this.#short = true;
    for (const [slot, { stream }] of this.#followers) {
      const unwanted = slot.endsWith("_video") && this.quality.value === "sound";
      stream.setLoading(!this.#short && !unwanted);
    }
  }

  /** While the lesson goes on, the recording grows. */
  async #look(): Promise<void> {
    if (!this.growing.value) return;
    try {
      this.detail.value = await recordingDetail(this.detail.value.recording_id, this.token ?? undefined);
      this.#follow();
    } catch {
      // The streams tell what is wrong; the next look may succeed.
    }
  }

  #keepPlace(): void {
    const over = !this.growing.value && this.at.value > this.duration.value * OVER;
    rememberPlace(this.detail.value.recording_id, over ? 0 : this.at.value);
  }
}

function step(element: HTMLMediaElement, clock: number, running: boolean, rate: number): void {
  if (element.seeking) return;
  const correction = keepInStep(element.currentTime, clock, rate);
  if (correction.jump || (!running && Math.abs(element.currentTime - clock) > 0.05)) element.currentTime = clock;
  if (element.playbackRate !== correction.rate) element.playbackRate = correction.rate;
  if (running && element.paused)
    void element.play().catch(() => undefined); // paused again meanwhile
  else if (!running && !element.paused) element.pause();
}

/** Nothing of it now: it waits where it will be needed next, so that it can begin in time. */
function rest(element: HTMLMediaElement, next: number): void {
  if (!element.paused) element.pause();
  if (!element.seeking && Math.abs(element.currentTime - next) > 0.05) element.currentTime = next + 0.01;
}
