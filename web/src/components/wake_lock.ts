import { useEffect } from "preact/hooks";

/** Keeps a projector or a phone from going to sleep while `on`. Browsers drop the lock of a hidden page, so it is asked for
 * again when the page is seen; where they refuse (battery saving), the lesson goes on all the same. */
export function useWakeLock(on: boolean): void {
  useEffect(() => {
    if (!on || !("wakeLock" in navigator)) return;
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const hold = async () => {
      if (document.hidden) return;
      try {
        lock = await navigator.wakeLock.request("screen");
        if (over) await lock.release();
      } catch (error) {
        console.info("the screen may go to sleep", error);
      }
    };
    void hold();
    document.addEventListener("visibilitychange", hold);
    return () => {
      over = true;
      document.removeEventListener("visibilitychange", hold);
      void lock?.release();
    };
  }, [on]);
}
