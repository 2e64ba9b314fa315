import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import type { Devices } from "../media/devices";
import { Publisher } from "../media/publisher";
import { ScreenShare } from "../media/screen";
import { Subscriber } from "../media/subscriber";
import {
  type ErrorCode,
  type FromClient,
  type FromServer,
  PROTOCOL_VERSION,
  type Source,
  type Welcome,
} from "../protocol";
import { forgetSeat, keepSeat, type Seat } from "../storage";
import { Connection, RequestError } from "./connection";
import { ReceptionWatch } from "./reception";
import { SendingWatch } from "./sending";
import {
  type ClassroomState,
  floorAnswered,
  fromWelcome,
  hasFloor,
  isTeaching,
  mayPublish,
  needsDevices,
  own,
  reduce,
} from "./state";

const TICK_MS = 500;

const PAGE_SOURCES: readonly Source[] = ["microphone", "camera"];
const TEACHING_SOURCES: readonly Source[] = ["microphone", "camera", "screen", "screen_sound"];

/** One seat in one lesson: what the server said, the two media connections and the devices, held together. */
export class Classroom {
  readonly state: Signal<ClassroomState | null> = signal(null);
  /** The server's last refusal of something a person did; shown for some seconds. */
  readonly refusal: Signal<ErrorCode | "connection_lost" | null> = signal(null);
  readonly connection: Connection;
  readonly subscriber: Subscriber;
  readonly publisher: Signal<Publisher | null> = signal(null);
  readonly reception: ReceptionWatch;
  readonly sending = new SendingWatch(this.publisher, (message) => this.connection.send(message));
  readonly screen = new ScreenShare();
  readonly microphoneOn = signal(true);
  readonly cameraOn = signal(true);
  /** Whether this page sends now: the one place where media leaves the computer. */
  readonly publishing = computed(() => {
    const state = this.state.value;
    return state !== null && mayPublish(state, this.screen.on.value);
  });
  #seat: Seat;
  #epoch = 0;
  /** The receiving connection was offered with the join, before the welcome. */
  #offeredAlong = false;
  #sharing = false;
  #timer = 0;
  #disposers: (() => void)[] = [];

  constructor(
    token: string,
    readonly devices: Devices,
  ) {
    this.#seat = { token, name: "", resume: "" };
    this.connection = new Connection(
      () => ({
        type: "join",
        version: PROTOCOL_VERSION,
        token: this.#seat.token,
        name: this.#seat.name,
        resume: this.#seat.resume || null,
      }),
      () => this.#joining(),
      (message) => this.#receive(message),
    );
    this.subscriber = new Subscriber(this.connection);
    this.reception = new ReceptionWatch(this.subscriber, this.state, (message) => this.connection.send(message));
  }

  /** The link's token, for what the teacher does through the API. */
  get token(): string {
    return this.#seat.token;
  }

  enter(seat: Seat): void {
    this.#seat = seat;
    // Nearly everybody comes to see the teacher: the picture is asked for before the page has drawn and measured it.
    if (!document.hidden) this.subscriber.setView("teacher_video", heightInWindow());
    this.connection.open();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.reception.start();
    this.sending.start();
    this.#disposers = [
      effect(() => this.#followNeed()),
      effect(() => this.#followDevices()),
      effect(() => this.#followPublishing()),
      effect(() => this.#followSharing()),
      effect(() => this.#followEnd()),
    ];
    addEventListener("pagehide", this.#closeMedia);
  }

  /** Give the seat up for good. */
  leave(): void {
    this.connection.send({ type: "leave" });
    this.connection.close("left");
  }

  // ------------------------------------------------------------ what a person does

  /** Ask for something; a refusal is shown in words. True when it was done. */
  async request(message: FromClient): Promise<boolean> {
    try {
      await this.connection.ask(message);
      return true;
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.refusal.value = error.code;
      return false;
    }
  }

  async answerFloor(accept: boolean): Promise<void> {
    this.#change((state) => floorAnswered(state, accept));
    const done = await this.request({ type: "answer_floor", accept });
    if (!done) this.#change((state) => floorAnswered(state, false));
  }

  toggleMicrophone(): void {
    this.microphoneOn.value = !this.microphoneOn.value;
  }

  /** A camera that is off is let go, so that its lamp goes out. */
  toggleCamera(): void {
    this.cameraOn.value = !this.cameraOn.value;
  }

  async toggleSharing(): Promise<void> {
    if (this.screen.on.value) this.screen.stop();
    else await this.screen.start();
  }

  // ------------------------------------------------------------ what the server says

  /** The first offer goes out behind the join, so that its answer comes behind the welcome. */
  #joining(): void {
    this.#offeredAlong = this.subscriber.link.pc === null;
    if (this.#offeredAlong) this.subscriber.link.open();
  }

  #receive(message: FromServer): void {
    this.#change((state) => reduce(state, message, Date.now() / 1000));
    switch (message.type) {
      case "welcome":
        this.#welcome(message);
        break;
      case "media_lost":
        this.#epoch = message.epoch;
        this.#reopenMedia();
        break;
      case "encodings_wanted":
        this.publisher.peek()?.apply(message);
        break;
      case "peer_lost":
        if (message.kind === "subscribe") this.subscriber.link.open();
        else if (this.publishing.peek()) this.publisher.peek()?.link.open();
        break;
    }
  }

  #welcome(welcome: Welcome): void {
    this.#seat = { ...this.#seat, resume: welcome.resume };
    keepSeat(this.#seat);
    const keepsMedia = welcome.resumed && welcome.media_epoch === this.#epoch && this.subscriber.link.pc !== null;
    this.#epoch = welcome.media_epoch;
    if (!this.publisher.peek()) {
      this.publisher.value = new Publisher(this.connection, isTeaching(welcome.role) ? TEACHING_SOURCES : PAGE_SOURCES);
    }
    const former = this.state.peek();
    const state = fromWelcome(welcome, Date.now() / 1000);
    this.state.value = state;
    // A server that was restarted may not know any more that this class has agreed to be recorded.
    if (former && own(former)?.consent && !own(state)?.consent) {
      this.connection.send({ type: "set_consent", agree: true });
    }
    if (welcome.lesson.state === "ended") return;
    if (welcome.role === "teacher") this.subscriber.setView("teacher_video", 0);
    if (this.screen.on.value) this.connection.send({ type: "set_sharing", on: true });
    const publisher = this.publisher.peek()?.link;
    if (this.#offeredAlong) {
      if (this.publishing.peek() && !publisher?.pc) publisher?.open();
    } else if (keepsMedia) this.subscriber.resend();
    else this.#reopenMedia();
  }

  #change(to: (state: ClassroomState) => ClassroomState): void {
    const state = this.state.peek();
    if (state) this.state.value = to(state);
  }

  #reopenMedia(): void {
    this.subscriber.link.open();
    const publisher = this.publisher.peek()?.link;
    if (this.publishing.peek()) publisher?.open();
  }

  // ------------------------------------------------------------ what follows

  #tick(): void {
    if (this.connection.status.peek() !== "open") return;
    const now = performance.now();
    this.subscriber.tick(now);
    this.publisher.peek()?.link.tick(now);
  }

  #followNeed(): void {
    const state = this.state.value;
    if (!state) return;
    const needed = needsDevices(state);
    const cameraOn = this.cameraOn.value;
    untracked(() => {
      const { camera, microphone } = this.devices;
      if (needed) void microphone.acquire().then(() => this.devices.refresh());
      else microphone.release();
      if (needed && cameraOn) void camera.acquire();
      else camera.release();
    });
  }

  #followDevices(): void {
    const publisher = this.publisher.value;
    const state = this.state.value;
    if (!publisher || !state) return;
    const speaks = state.role === "teacher" || hasFloor(state);
    const microphone = speaks ? this.devices.microphone.track.value : null;
    if (microphone) microphone.enabled = this.microphoneOn.value;
    publisher.setTrack("microphone", microphone);
    publisher.setTrack("camera", speaks ? this.devices.camera.track.value : null);
    publisher.setTrack("screen", this.screen.video.value);
    publisher.setTrack("screen_sound", this.screen.audio.value);
  }

  #followPublishing(): void {
    const link = this.publisher.value?.link;
    const publishing = this.publishing.value;
    if (!link) return;
    if (publishing && !link.pc) link.open();
    if (!publishing && link.pc) {
      link.close();
      this.connection.send({ type: "stop_publish" });
    }
  }

  #followSharing(): void {
    const on = this.screen.on.value;
    if (on !== this.#sharing) this.connection.send({ type: "set_sharing", on });
    this.#sharing = on;
  }

  #followEnd(): void {
    const ended = this.state.value?.lesson.state === "ended";
    const closed = this.connection.status.value === "closed";
    untracked(() => {
      if (ended) {
        this.#closeMedia();
        this.screen.stop();
      }
      if (closed) this.#dispose();
    });
  }

  readonly #closeMedia = (): void => {
    this.subscriber.link.close();
    this.publisher.peek()?.link.close();
  };

  #dispose(): void {
    clearInterval(this.#timer);
    this.reception.stop();
    this.sending.stop();
    for (const dispose of this.#disposers) dispose();
    removeEventListener("pagehide", this.#closeMedia);
    this.#closeMedia();
    this.screen.stop();
    this.devices.release();
    if (this.connection.ending.peek() !== "taken_over") forgetSeat();
  }
}

/** Device pixels of a picture that fills the window. */
const heightInWindow = (): number => Math.min(innerHeight, (innerWidth * 9) / 16) * devicePixelRatio;
