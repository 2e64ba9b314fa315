import { computed, type Signal, signal } from "@preact/signals";
import { chosenDevice, rememberDevice } from "../storage";

export type DeviceKind = "camera" | "microphone";

/** Why a device gives nothing; each has its sentence in the locale files. */
export type DeviceTrouble = "denied" | "missing" | "busy" | "unplugged" | "insecure" | "failed";

const MEDIA: Record<
  DeviceKind,
  { input: MediaDeviceKind; constraint: "video" | "audio"; ideal: MediaTrackConstraints }
> = {
  camera: {
    input: "videoinput",
    constraint: "video",
    ideal: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } },
  },
  microphone: {
    input: "audioinput",
    constraint: "audio",
    ideal: { channelCount: { ideal: 1 }, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  },
};

/** A 720p camera on a weak bus may refuse; half of it is better than none. */
const MODEST_CAMERA: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 360 } };

export function troubleOf(error: unknown): DeviceTrouble {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "failed";
}

/** One camera or one microphone: which, its live track while `wanted`, and what is wrong with it. */
export class Device {
  readonly track: Signal<MediaStreamTrack | null> = signal(null);
  readonly trouble: Signal<DeviceTrouble | null> = signal(null);
  readonly choices: Signal<readonly MediaDeviceInfo[]> = signal([]);
  readonly wanted = signal(false);
  readonly chosen: Signal<string>;
  readonly stream = computed(() => (this.track.value ? new MediaStream([this.track.value]) : null));
  #acquiring: Promise<void> | null = null;

  constructor(readonly kind: DeviceKind) {
    this.chosen = signal(chosenDevice(kind));
  }

  /** Ask the browser for the device. Settles always; failure is in `trouble`. */
  async acquire(): Promise<void> {
    this.wanted.value = true;
    if (this.track.value?.readyState === "live") return;
    this.#acquiring ??= this.#acquire().finally(() => {
      this.#acquiring = null;
    });
    await this.#acquiring;
  }

  /** Let go: the device's lamp goes out. */
  release(): void {
    this.wanted.value = false;
    this.#drop();
  }

  async choose(deviceId: string): Promise<void> {
    this.chosen.value = deviceId;
    rememberDevice(this.kind, deviceId);
    if (!this.wanted.value) return;
    this.#drop();
    await this.acquire();
  }

  async refresh(): Promise<void> {
    const { input } = MEDIA[this.kind];
    const found = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === input && one.deviceId);
    this.choices.value = found;
    if (this.wanted.value && !this.track.value && found.length > 0) await this.acquire();
  }

  async #acquire(): Promise<void> {
    if (!navigator.mediaDevices) {
      this.trouble.value = "insecure";
      return;
    }
    try {
      const track = await openTrack(this.kind, this.chosen.value);
      if (!this.wanted.value) return track.stop();
      track.addEventListener("ended", () => this.#unplugged(track));
      if (this.kind === "camera") track.contentHint = "motion";
      this.track.value = track;
      this.trouble.value = null;
    } catch (error) {
      this.trouble.value = troubleOf(error);
    }
  }

  #unplugged(track: MediaStreamTrack): void {
    if (track !== this.track.value) return;
    this.track.value = null;
    this.trouble.value = "unplugged";
    void this.refresh();
  }

  #drop(): void {
    this.track.value?.stop();
    this.track.value = null;
    this.trouble.value = null;
  }
}

async function openTrack(kind: DeviceKind, deviceId: string): Promise<MediaStreamTrack> {
  const { constraint, ideal } = MEDIA[kind];
  const attempts: MediaTrackConstraints[] = deviceId ? [{ ...ideal, deviceId: { exact: deviceId } }, ideal] : [ideal];
  if (kind === "camera") attempts.push(MODEST_CAMERA);
  let failure: unknown;
  for (const constraints of attempts) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [constraint]: constraints });
      const track = stream.getTracks()[0];
      if (track) return track;
    } catch (error) {
      failure = error;
      if (troubleOf(error) === "denied") break;
    }
  }
  throw failure;
}

/** The page's camera and microphone. Devices that come and go are followed. */
export class Devices {
  readonly camera = new Device("camera");
  readonly microphone = new Device("microphone");

  constructor() {
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.refresh());
  }

  /** One after the other: two questions of the browser at once confuse people. */
  async acquire(): Promise<void> {
    await this.microphone.acquire();
    await this.camera.acquire();
    await this.refresh();
  }

  async refresh(): Promise<void> {
    if (!navigator.mediaDevices) return;
    await Promise.all([this.camera.refresh(), this.microphone.refresh()]);
  }

  release(): void {
    this.camera.release();
    this.microphone.release();
  }
}
