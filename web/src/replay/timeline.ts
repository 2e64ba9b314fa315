import type { Span, Track } from "./api";

/** What stands where at a moment of recorded time. Pure. */

export const PICTURES = ["screen_video", "teacher_video", "floor_video"] as const;
export const FOLLOWING_SOUNDS = ["screen_audio", "floor_audio"] as const;
export const MAIN_SOUND = "teacher_audio";
export type PictureSlot = (typeof PICTURES)[number];

/** A follower this far off is put right at once; nearer, it runs a little faster or slower. */
const JUMP_S = 0.4;
/** Nobody sees or hears less than this. */
const GOOD_S = 0.02;
const MOST_FASTER = 0.08;

export const inSpan = (spans: readonly Span[], at: number): boolean =>
  spans.some(([begin, end]) => at >= begin && at < end);

/** Where the next span begins, strictly later. */
export const nextSpan = (spans: readonly Span[], at: number): number | null =>
  spans.find(([begin]) => begin > at)?.[0] ?? null;

/** A track's own timeline leaves out the time between its spans (packed playlists): where in it recorded time `at` is. */
export function packed(spans: readonly Span[], at: number): number {
  let before = 0;
  for (const [begin, end] of spans) {
    if (at < begin) break;
    before += Math.min(at, end) - begin;
  }
  return before;
}

export const spansOf = (tracks: readonly Track[], slot: string): readonly Span[] =>
  tracks.find((track) => track.slot === slot)?.spans ?? [];

/** The picture that fills the page: the shared screen while there is one, else the teacher, else who speaks. */
export function mainPicture(tracks: readonly Track[], at: number): PictureSlot | null {
  return PICTURES.find((slot) => inSpan(spansOf(tracks, slot), at)) ?? null;
}

/** How a follower that stands at `own` keeps in step with the clock at `clock`, which runs at `rate`: a jump, or a rate. */
export function keepInStep(
  own: number,
  clock: number,
  rate: number,
): { readonly jump: boolean; readonly rate: number } {
  const ahead = own - clock;
  if (Math.abs(ahead) > JUMP_S * Math.max(1, rate)) return { jump: true, rate };
  if (Math.abs(ahead) < GOOD_S) return { jump: false, rate };
  const change = Math.max(-MOST_FASTER, Math.min(MOST_FASTER, -ahead));
  return { jump: false, rate: rate * (1 + change) };
}

/** Heights that a person may choose between, the lowest first. */
export function heightsOf(tracks: readonly Track[]): readonly number[] {
  const all = tracks.flatMap((track) => track.renditions.map((rendition) => rendition.height));
  return [...new Set(all.filter((height) => height > 0))].sort((a, b) => a - b);
}

/** The level for a chosen height: the tallest that is not above it, else the lowest. `heights` as hls.js has its levels. */
export function levelFor(heights: readonly number[], chosen: number): number {
  const fitting = heights.filter((height) => height <= chosen);
  return heights.indexOf(fitting.length > 0 ? Math.max(...fitting) : Math.min(...heights));
}
