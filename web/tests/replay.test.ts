import { describe, expect, test } from "vitest";
import type { Span, Track } from "../src/replay/api";
import { heightsOf, inSpan, keepInStep, levelFor, mainPicture, nextSpan, packed } from "../src/replay/timeline";

const SPANS: readonly Span[] = [
  [10, 20],
  [100, 130],
];

const track = (slot: string, spans: readonly Span[], heights: readonly number[] = []): Track => ({
  slot,
  playlist: "",
  spans,
  renditions: heights.map((height, encoding) => ({ encoding, height, bitrate_bps: 1 })),
});

describe("a track's own timeline", () => {
  test.each([
    [0, 0],
    [10, 0],
    [15, 5],
    [20, 10],
    [60, 10],
    [100, 10],
    [130, 40],
    [500, 40],
  ])("at %d s it is %d", (at, own) => {
    expect(packed(SPANS, at)).toBe(own);
  });

  test("what comes next", () => {
    expect([nextSpan(SPANS, 0), nextSpan(SPANS, 10), nextSpan(SPANS, 120)]).toEqual([10, 100, null]);
    expect([inSpan(SPANS, 10), inSpan(SPANS, 20), inSpan(SPANS, 99.9)]).toEqual([true, false, false]);
  });
});

test("the screen is the main picture while it is shared, else the teacher, else who speaks", () => {
  const tracks = [
    track("teacher_video", [[0, 50]]),
    track("screen_video", [[20, 30]]),
    track("floor_video", [[40, 60]]),
    track("teacher_audio", [[0, 100]]),
  ];
  expect([0, 25, 45, 55, 70].map((at) => mainPicture(tracks, at))).toEqual([
    "teacher_video",
    "screen_video",
    "teacher_video",
    "floor_video",
    null,
  ]);
});

describe("a follower", () => {
  test("in step keeps the clock's rate", () => {
    expect(keepInStep(10.01, 10, 1.5)).toEqual({ jump: false, rate: 1.5 });
  });

  test("behind runs faster, ahead slower, never much", () => {
    expect(keepInStep(9.95, 10, 1).rate).toBeCloseTo(1.05);
    expect(keepInStep(10.05, 10, 2).rate).toBeCloseTo(1.9);
    expect(keepInStep(9.7, 10, 1).rate).toBeCloseTo(1.08);
  });

  test("far off jumps", () => {
    expect(keepInStep(8, 10, 1).jump).toBe(true);
    expect(keepInStep(11, 10, 1).jump).toBe(true);
  });
});

test("heights to choose from, and the level for one", () => {
  const tracks = [
    track("teacher_video", [], [180, 360, 720]),
    track("screen_video", [], [360, 1080]),
    track("a", [], [0]),
  ];
  expect(heightsOf(tracks)).toEqual([180, 360, 720, 1080]);
  expect([levelFor([180, 360, 720], 720), levelFor([180, 360], 1080), levelFor([360, 1080], 180)]).toEqual([2, 1, 0]);
});
