import { computed, type Signal, signal } from "@preact/signals";

/** The shared screen with its sound, while it is shared. */
export class ScreenShare {
  readonly video: Signal<MediaStreamTrack | null> = signal(null);
  readonly audio: Signal<MediaStreamTrack | null> = signal(null);
  readonly on = computed(() => this.video.value !== null);
  readonly stream = computed(() => (this.video.value ? new MediaStream([this.video.value]) : null));
  /** The browser would not give the screen (not: the person changed their mind). */
  readonly failed = signal(false);

  static get supported(): boolean {
    return typeof navigator.mediaDevices?.getDisplayMedia === "function";
  }

  async start(): Promise<void> {
    this.failed.value = false;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 8 } }, audio: true });
      const video = stream.getVideoTracks()[0] ?? null;
      if (video) {
        video.contentHint = "detail";
        video.addEventListener("ended", () => this.stop());
      }
      this.audio.value = stream.getAudioTracks()[0] ?? null;
      this.video.value = video;
    } catch (error) {
      const declined = error instanceof DOMException && error.name === "NotAllowedError";
      this.failed.value = !declined;
    }
  }

  stop(): void {
    this.video.value?.stop();
    this.audio.value?.stop();
    this.video.value = null;
    this.audio.value = null;
  }
}
