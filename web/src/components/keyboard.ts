import { useEffect, useRef } from "preact/hooks";

export interface Shortcuts {
  /** Space while held. */
  readonly talk?: (on: boolean) => void;
  readonly microphone?: () => void;
  readonly hand?: () => void;
  readonly fullScreen?: () => void;
  readonly help?: () => void;
}

/** Keys by their place on the keyboard, so that they work in the Russian layout too; silent while a person types, while a
 * dialog is open and, for space, on a button that it would press. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts);
  current.current = shortcuts;
  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isBusy(event)) return;
      const { talk, microphone, hand, fullScreen, help } = current.current;
      if (event.code === "Space" && talk && !(event.target instanceof HTMLButtonElement)) {
        event.preventDefault();
        if (!event.repeat) talk(true);
      }
      if (event.repeat) return;
      if (event.code === "KeyM") microphone?.();
      if (event.code === "KeyH") hand?.();
      if (event.code === "KeyF") fullScreen?.();
      if (event.key === "?") help?.();
    };
    const up = (event: KeyboardEvent) => {
      if (event.code === "Space") current.current.talk?.(false);
    };
    addEventListener("keydown", down);
    addEventListener("keyup", up);
    return () => {
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
    };
  }, []);
}

function isBusy(event: KeyboardEvent): boolean {
  const { target } = event;
  const types = target instanceof HTMLElement && target.matches("input, textarea, select, summary, [contenteditable]");
  return types || document.querySelector("dialog[open]") !== null;
}

/** Held space opens a microphone that is off, and only then closes it again. */
export function pushToTalk(isOn: () => boolean, toggle: () => void): (on: boolean) => void {
  let opened = false;
  return (on) => {
    if (on === opened || (on && isOn())) return;
    opened = on;
    if (isOn() !== on) toggle();
  };
}

export const canFullScreen = (): boolean => document.fullscreenEnabled;

export function toggleFullScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else if (canFullScreen()) void document.documentElement.requestFullscreen();
}
