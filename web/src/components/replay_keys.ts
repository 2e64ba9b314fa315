import { useEffect } from "preact/hooks";
import type { Player } from "../replay/player";

const SKIP_S = 10;
const VOLUME_STEP = 0.1;

/** Keys by their place on the keyboard, so that they work in the Russian layout too. A control that takes a key itself keeps
 * it. */
export function useReplayKeys(player: Player): void {
  useEffect(() => {
    const keys: Record<string, () => void> = {
      Space: () => player.toggle(),
      KeyK: () => player.toggle(),
      ArrowLeft: () => player.skip(-SKIP_S),
      ArrowRight: () => player.skip(SKIP_S),
      ArrowUp: () => player.changeVolume(VOLUME_STEP),
      ArrowDown: () => player.changeVolume(-VOLUME_STEP),
      KeyM: () => player.toggleMuted(),
      KeyF: toggleReplayFullScreen,
      Home: () => player.seek(0),
    };
    const down = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || takesKeys(event)) return;
      const act = keys[event.code];
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", down);
    return () => removeEventListener("keydown", down);
  }, [player]);
}

function takesKeys({ target, code }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches("select, textarea, [contenteditable]")) return true;
  if (target.matches("input")) return code !== "Space" && !code.startsWith("Key");
  return target.matches("button, a") && code === "Space";
}

export function toggleReplayFullScreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.getElementById("replay")?.requestFullscreen?.();
}
