import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import { AUDIO_SLOTS, type Subscriber, type VideoSlotName } from "../media/subscriber";
import { Button } from "./button";

const RESIZE_SETTLES_MS = 250;

/** True while the browser waits for a person's touch before it lets anything sound. */
const soundBlocked = signal(false);

export function LocalVideo(props: {
  readonly stream: MediaStream;
  readonly label: string;
  readonly testid: string;
}): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = props.stream;
  }, [props.stream]);
  return <video ref={video} autoplay muted playsInline aria-label={props.label} data-testid={props.testid} />;
}

/** A received picture. It tells the server how many device pixels high it is seen, so that no more is sent than is shown;
 * while nothing of it can be seen, nothing is sent. */
export function SlotVideo(props: {
  readonly subscriber: Subscriber;
  readonly slot: VideoSlotName;
  readonly label: string;
}): JSX.Element {
  const { subscriber, slot } = props;
  const video = useRef<HTMLVideoElement>(null);
  const stream = subscriber.streams.value.get(slot) ?? null;
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    return followHeight(element, (height) => subscriber.setView(slot, height));
  }, [subscriber, slot]);
  useEffect(() => {
    const element = video.current;
    if (!element?.requestVideoFrameCallback) return;
    const shown = (now: number) => {
      subscriber.frameShown(slot, now);
      handle = element.requestVideoFrameCallback(shown);
    };
    let handle = element.requestVideoFrameCallback(shown);
    return () => element.cancelVideoFrameCallback(handle);
  }, [subscriber, slot]);
  return <video ref={video} autoplay muted playsInline aria-label={props.label} data-testid={slot} />;
}

/** Tells the picture's visible height in device pixels, 0 while hidden; at once when it appears or disappears, after a
 * short rest while it is being resized. Gives the way to stop. */
function followHeight(video: HTMLVideoElement, tell: (height: number) => void): () => void {
  let onScreen = false;
  let told = -1;
  let timer = 0;
  const measure = () => {
    const ratio = video.videoWidth > 0 ? video.videoHeight / video.videoWidth : 9 / 16;
    const shown = Math.min(video.clientHeight, video.clientWidth * ratio);
    return document.hidden || !onScreen ? 0 : Math.ceil(shown * devicePixelRatio);
  };
  const settle = () => {
    told = measure();
    tell(told);
  };
  const update = () => {
    clearTimeout(timer);
    if (told <= 0 || measure() === 0) settle();
    else timer = setTimeout(settle, RESIZE_SETTLES_MS);
  };
  const intersection = new IntersectionObserver((entries) => {
    onScreen = entries.at(-1)?.isIntersecting ?? false;
    update();
  });
  const size = new ResizeObserver(update);
  intersection.observe(video);
  size.observe(video);
  video.addEventListener("resize", update);
  document.addEventListener("visibilitychange", update);
  return () => {
    clearTimeout(timer);
    intersection.disconnect();
    size.disconnect();
    video.removeEventListener("resize", update);
    document.removeEventListener("visibilitychange", update);
    tell(0);
  };
}

/** The sounds of the lesson, and the one big button where the browser will not begin them by itself. */
export function Sounds({ subscriber }: { readonly subscriber: Subscriber }): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  const streams = subscriber.streams.value;
  const play = () => {
    for (const audio of root.current?.querySelectorAll("audio") ?? []) {
      audio.play().then(
        () => {
          soundBlocked.value = false;
        },
        (error: unknown) => {
          if (error instanceof DOMException && error.name === "NotAllowedError") soundBlocked.value = true;
        },
      );
    }
  };
  useEffect(() => {
    for (const audio of root.current?.querySelectorAll("audio") ?? []) {
      audio.srcObject = streams.get(audio.dataset.slot as (typeof AUDIO_SLOTS)[number]) ?? null;
    }
    play();
  }, [streams]);
  return (
    <div ref={root} class="sounds">
      {AUDIO_SLOTS.map((slot) => (
        // biome-ignore lint/a11y/useMediaCaption: live speech has no captions yet
        <audio key={slot} data-slot={slot} data-testid={slot} autoplay />
      ))}
      {soundBlocked.value && (
        <Button kind="primary" icon="sound" onClick={play} testid="enable-sound">
          {t("sound-enable")}
        </Button>
      )}
    </div>
  );
}
