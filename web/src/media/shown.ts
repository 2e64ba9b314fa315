import type { OwnLink, Slot } from "../protocol";
import type { Reading } from "./playback";

/** What the page really shows, between two readings some seconds apart. `height` of the largest picture, 0: none;
 * `cameraFps` of the liveliest camera that is to be seen, null: none is. */
export interface Shown {
  readonly height: number;
  readonly cameraFps: number | null;
  readonly sound: boolean;
}

/** How a viewer's link does, in words of the locale files. `smaller`: the link carries no more; `smaller_sent`: it would,
 * but no more is sent; `sender_short`: since the sender's own link carries no more. */
export type Reception =
  | "waiting"
  | "sound_only"
  | "still"
  | "smaller"
  | "smaller_sent"
  | "sender_short"
  | "unsteady"
  | "good";

const SMALLER = 0.75;
const STILL_FPS = 1;
/** All that one camera is sent at; a link that carries it is not what makes a picture small. */
const AMPLE_BPS = 1_300_000;
const UNSTEADY_LOSS = 0.03;
const UNSTEADY_RTT_MS = 400;

const isScreen = (slot: Slot): boolean => slot === "screen_video";

/** `asked`: the pictures that this page asks for and that are sent, each with the height it could have (0: not known);
 * `stills`: the server sends still pictures, of which the latest is seen until the next one comes. */
export function shownBetween(before: Reading, now: Reading, asked: ReadonlyMap<Slot, number>, stills: boolean): Shown {
  const seconds = (now.at_ms - before.at_ms) / 1000;
  let height = 0;
  let cameraFps: number | null = null;
  for (const slot of asked.keys()) {
    const picture = now.pictures.get(slot);
    const fresh = (picture?.frames ?? 0) - (before.pictures.get(slot)?.frames ?? 0);
    if (!isScreen(slot)) cameraFps = Math.max(cameraFps ?? 0, fresh / seconds);
    // A shared screen on which nothing moves sends nothing, and is seen all the same.
    const stays = stills || isScreen(slot);
    if (picture && (fresh > 0 || (stays && picture.frames > 0))) height = Math.max(height, picture.height);
  }
  return { height, cameraFps, sound: now.soundPackets > before.soundPackets };
}

export const isStill = ({ height, cameraFps }: Shown): boolean =>
  height > 0 && cameraFps !== null && cameraFps > 0 && cameraFps < STILL_FPS;

/** `short`: the link of whoever sends one of these pictures carries less than is wanted. */
export function receptionOf(
  shown: Shown,
  asked: ReadonlyMap<Slot, number>,
  link: OwnLink | null,
  short = false,
): Reception {
  if (shown.height === 0) {
    if (!shown.sound) return "waiting";
    return asked.size > 0 ? "sound_only" : "good";
  }
  if (link?.link === "still" || isStill(shown)) return "still";
  if (shown.height < SMALLER * Math.max(...asked.values())) {
    if ((link?.estimate_bps ?? 0) < AMPLE_BPS) return "smaller";
    return short ? "sender_short" : "smaller_sent";
  }
  if (short) return "sender_short";
  if (link && (link.loss > UNSTEADY_LOSS || link.rtt_ms > UNSTEADY_RTT_MS)) return "unsteady";
  return "good";
}

/** One point of the last two minutes. */
export interface Sample {
  readonly at_s: number;
  /** Null: the server has not told yet. */
  readonly estimate_bps: number | null;
  readonly arrived_bps: number;
  readonly loss: number;
  readonly height: number;
}

export const KEPT_S = 120;

export const withSample = (samples: readonly Sample[], sample: Sample): Sample[] => [
  ...samples.filter((one) => sample.at_s - one.at_s <= KEPT_S),
  sample,
];
