import type { JSX } from "preact";

/** 24×24 outlines in the text's colour; always beside a word or an accessible name. */
const PATHS = {
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5 11a7 7 0 0 0 14 0M12 18v3",
  microphoneOff: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5 11a7 7 0 0 0 14 0M12 18v3M3 3l18 18",
  camera: "M3 7h12v10H3ZM15 11l6-3v8l-6-3",
  cameraOff: "M3 7h12v10H3ZM15 11l6-3v8l-6-3M3 3l18 18",
  screen: "M3 4h18v12H3ZM8 20h8M12 16v4M9 10l3-3 3 3M12 7v6",
  hand: "M7 12V6a1.5 1.5 0 0 1 3 0v4M10 10V4.5a1.5 1.5 0 0 1 3 0V10M13 10V5.5a1.5 1.5 0 0 1 3 0V12M16 9.5a1.5 1.5 0 0 1 3 0V15a6 6 0 0 1-6 6h-1a6 6 0 0 1-5-2.7L4.2 14a1.5 1.5 0 0 1 2.4-1.8L7 13",
  chat: "M4 5h16v11H9l-5 4Z",
  lock: "M6 11h12v9H6ZM9 11V8a3 3 0 0 1 6 0v3",
  unlock: "M6 11h12v9H6ZM9 11V8a3 3 0 0 1 5.8-1",
  warning: "M12 4 2.5 20h19ZM12 10v5M12 17.5v.1",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  copy: "M8 8h11v12H8ZM16 8V4H5v12h3",
  settings: "M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4",
  fullScreen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  help: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
  close: "M6 6l12 12M18 6 6 18",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  play: "M7 4v16l13-8Z",
  record: "M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12Z",
  stop: "M6 6h12v12H6Z",
  pause: "M8 5v14M16 5v14",
  back: "M11 7 6 12l5 5M18 7l-5 5 5 5",
  forth: "M6 7l5 5-5 5M13 7l5 5-5 5",
  silent: "M4 10v4h4l5 4V6L8 10ZM17 9.5l4 5M21 9.5l-4 5",
  sound: "M4 10v4h4l5 4V6L8 10ZM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
