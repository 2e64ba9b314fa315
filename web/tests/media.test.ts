import { describe, expect, test } from "vitest";
import { stepsOf } from "../src/components/link_chart";
import {
  browserKind,
  cameraEncodings,
  limited,
  preferredCodecs,
  receivedCodecs,
  screenEncodings,
} from "../src/media/encodings";
import { meterShare } from "../src/media/level";
import { lowered } from "../src/media/lowered";
import { NOTHING_PLAYED, playbackSince, type Reading, readingOf } from "../src/media/playback";
import { isStill, receptionOf, type Sample, shownBetween, withSample } from "../src/media/shown";
import type { OwnLink, Slot } from "../src/protocol";

const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
const SAFARI = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15";
const IPHONE = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

test.each([
  [CHROME, "chromium"],
  [FIREFOX, "firefox"],
  [SAFARI, "safari"],
  [IPHONE, "safari"],
])("which browser: %s", (userAgent, kind) => {
  expect(browserKind(userAgent)).toBe(kind);
});

describe("encodings", () => {
  test("are listed from the largest to the smallest", () => {
    expect(cameraEncodings("chromium").map((one) => one.rid)).toEqual(["f", "h", "q"]);
    expect(cameraEncodings("chromium").map((one) => one.scaleResolutionDownBy)).toEqual([1, 2, 4]);
    expect(screenEncodings("chromium").every((one) => (one.maxFramerate ?? 99) <= 8)).toBe(true);
  });

  test("ask for temporal layers only where the browser knows them", () => {
    expect(cameraEncodings("chromium").every((one) => one.scalabilityMode === "L1T3")).toBe(true);
    expect(cameraEncodings("firefox").some((one) => "scalabilityMode" in one)).toBe(false);
  });
});

describe("what the server wants of the encodings", () => {
  const usual = [{ rid: "f", maxBitrate: 1_100_000, maxFramerate: 8 }, { rid: "q" }];
  const now = usual.map((one) => ({ ...one, active: true }));
  const limit = (index: number, active: boolean, bitrate = 0, framerate = 0) => ({
    index,
    active,
    max_bitrate_bps: bitrate,
    max_framerate: framerate,
    withheld: false,
  });

  test("is done by place, and lifted again", () => {
    const off = limited(now, usual, [limit(0, false, 600_000), limit(1, true, 90_000, 5)]);
    expect(off).toEqual([
      { rid: "f", active: false, maxBitrate: 600_000, maxFramerate: 8 },
      { rid: "q", active: true, maxBitrate: 90_000, maxFramerate: 5 },
    ]);
    expect(limited(off, usual, [limit(0, true), limit(1, true)])).toEqual(now);
  });

  test("is never much more than our own, and leaves alone what it does not name", () => {
    expect(limited(now, usual, [limit(0, true, 9_000_000)])[0]?.maxBitrate).toBe(1_650_000);
    expect(limited(now, usual, [])).toEqual(now);
  });
});

describe("codecs", () => {
  const codecs = [
    { mimeType: "video/VP8" },
    { mimeType: "video/rtx" },
    { mimeType: "video/VP9", sdpFmtpLine: "profile-id=0" },
    { mimeType: "video/VP9", sdpFmtpLine: "profile-id=2" },
    { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=1" },
    { mimeType: "video/AV1" },
  ];
  const names = (kind: "chromium" | "firefox" | "safari") => preferredCodecs(codecs, kind).map((one) => one.mimeType);

  test("Chromium prefers VP9, and profile 2 is not offered", () => {
    expect(names("chromium")).toEqual(["video/VP9", "video/H264", "video/VP8", "video/rtx"]);
  });

  test("Safari prefers H264, Firefox sends VP8", () => {
    expect(names("safari")).toEqual(["video/H264", "video/VP8", "video/rtx"]);
    expect(names("firefox")).toEqual(["video/VP8", "video/rtx"]);
  });

  test("an unknown set is left alone", () => {
    expect(preferredCodecs([{ mimeType: "video/H265" }], "firefox")).toEqual([]);
  });
});

test("the receiving connection offers what the server takes", () => {
  const offered = [
    { mimeType: "video/VP9", sdpFmtpLine: "profile-id=0" },
    { mimeType: "video/VP9", sdpFmtpLine: "profile-id=1" },
    { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=0;profile-level-id=42001f" },
    { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=1;profile-level-id=64001f" },
    { mimeType: "video/AV1", sdpFmtpLine: "level-idx=5;profile=1;tier=0" },
    { mimeType: "video/AV1", sdpFmtpLine: "level-idx=5;profile=0;tier=0" },
    { mimeType: "video/VP8" },
    { mimeType: "video/H265" },
    { mimeType: "video/flexfec-03" },
    { mimeType: "video/rtx" },
    { mimeType: "audio/PCMU" },
    { mimeType: "audio/opus" },
  ];
  expect(receivedCodecs(offered)).toEqual([0, 3, 5, 6, 9, 11].map((index) => offered[index]));
});

test("the meter spans quiet to loud speech", () => {
  expect(meterShare(new Float32Array(64))).toBe(0);
  expect(meterShare(new Float32Array(64).fill(1))).toBe(1);
  expect(meterShare(new Float32Array(64).fill(0.0316))).toBeCloseTo(0.6, 1);
});

describe("playback", () => {
  const slots = new Map<string, Slot>([
    ["camera", "teacher_video"],
    ["screen", "screen_video"],
  ]);
  const first = readingOf(
    [
      { type: "inbound-rtp", kind: "video", framesDecoded: 100, freezeCount: 1, totalFreezesDuration: 0.5 },
      { type: "inbound-rtp", kind: "audio", totalSamplesReceived: 48_000, concealedSamples: 480, packetsReceived: 50 },
      { type: "candidate-pair" },
    ],
    slots,
    0,
  ).totals;

  test("is what happened since the last report", () => {
    expect(playbackSince(NOTHING_PLAYED, first)).toEqual({
      type: "report_playback",
      freezes: 1,
      frozen_s: 0.5,
      samples: 48_000,
      concealed_samples: 480,
      frames_decoded: 100,
    });
    expect(playbackSince(first, first).frames_decoded).toBe(0);
  });

  test("counts no freezes between still pictures", () => {
    const later = { ...first, freezes: 3, frozen_s: 15, frames: 102 };
    expect(playbackSince(first, later)).toMatchObject({ freezes: 2, frozen_s: 14.5, frames_decoded: 2 });
    expect(playbackSince(first, later, true)).toMatchObject({ freezes: 0, frozen_s: 0, frames_decoded: 2 });
  });

  test("begins anew with a fresh connection, and tells no more than the server takes", () => {
    const fresh = { ...NOTHING_PLAYED, frames: 10, samples: 960 };
    expect(playbackSince(first, fresh).frames_decoded).toBe(10);
    const slept = playbackSince(first, { ...first, frozen_s: 4000, freezes: 5000, samples: 1e12, concealed: 1e12 });
    expect([slept.frozen_s, slept.freezes, slept.samples, slept.concealed_samples]).toEqual([60, 200, 2e7, 2e7]);
  });

  const reading = (at_ms: number, camera: number, height: number, sound: number, screen = 0): Reading =>
    readingOf(
      [
        { type: "inbound-rtp", kind: "video", trackIdentifier: "camera", framesDecoded: camera, frameHeight: height },
        { type: "inbound-rtp", kind: "video", trackIdentifier: "screen", framesDecoded: screen, frameHeight: 1080 },
        { type: "inbound-rtp", kind: "audio", packetsReceived: sound },
      ],
      slots,
      at_ms,
    );
  const camera = new Map<Slot, number>([["teacher_video", 720]]);
  const link = (estimate_bps: number, loss = 0): OwnLink => ({
    type: "own_link",
    direction: "down",
    link: "good",
    estimate_bps,
    bitrate_bps: 0,
    loss,
    rtt_ms: 50,
    short: false,
  });
  const judged = (frames: number, height: number, sound: number, told: OwnLink | null, asked = camera, short = false) =>
    receptionOf(
      shownBetween(
        reading(0, 10, height, 10),
        reading(5000, 10 + frames, height, 10 + sound),
        asked,
        told?.link === "still",
      ),
      asked,
      told,
      short,
    );

  test.each([
    ["good", judged(120, 720, 250, link(3e6))],
    ["smaller", judged(120, 360, 250, link(5e5))],
    ["smaller_sent", judged(120, 360, 250, link(3e6))],
    ["sender_short", judged(120, 360, 250, link(3e6), camera, true)],
    ["sender_short", judged(120, 360, 250, link(6e5), new Map<Slot, number>([["teacher_video", 360]]), true)],
    ["smaller", judged(120, 180, 250, link(3e5), camera, true)],
    ["still", judged(2, 180, 250, link(1e5))],
    ["still", judged(0, 180, 80, { ...link(5e4), link: "still" })],
    ["sound_only", judged(0, 180, 80, link(5e4))],
    ["waiting", judged(0, 180, 0, null)],
    ["unsteady", judged(120, 720, 250, link(3e6, 0.08))],
    ["good", judged(0, 0, 250, null, new Map())],
  ])("the page says: %s", (expected, said) => {
    expect(said).toBe(expected);
  });

  test("a shared screen on which nothing moves is seen", () => {
    const asked = new Map<Slot, number>([["screen_video", 1080]]);
    const shown = shownBetween(reading(0, 0, 0, 0, 5), reading(5000, 0, 0, 9, 5), asked, false);
    expect(shown).toEqual({ height: 1080, cameraFps: null, sound: true });
    expect(isStill(shown)).toBe(false);
  });

  test("two minutes are kept, and the steps of the picture in them", () => {
    let samples: Sample[] = [];
    for (let at_s = 0; at_s <= 200; at_s += 2.5) {
      const height = at_s < 150 ? 720 : 180;
      samples = withSample(samples, { at_s, estimate_bps: null, arrived_bps: 0, loss: 0, height });
    }
    expect(samples).toHaveLength(49);
    expect(stepsOf(samples)).toEqual([
      { from: 80, until: 150, height: 720 },
      { from: 150, until: 200, height: 180 },
    ]);
  });
});

describe("what is lowered of the pictures that are sent", () => {
  const f = { type: "outbound-rtp", kind: "video", mid: "2", rid: "f", active: true, framesPerSecond: 15 };
  const q = { ...f, rid: "q" };
  const pair = (availableOutgoingBitrate: number) => ({ type: "candidate-pair", availableOutgoingBitrate });
  const because = (qualityLimitationReason: string) => ({ ...f, qualityLimitationReason });

  test.each([
    ["nothing", [because("none"), q, pair(3e5)], []],
    ["by the computer", [because("cpu"), q, pair(3e6)], ["computer"]],
    ["by the link", [because("bandwidth"), q, pair(3e5)], ["link"]],
    ["by nobody's need, whatever the browser thinks", [{ ...f, active: false }, q, pair(4e5)], ["spared"]],
    ["of a source that is not sent", [{ ...because("bandwidth"), framesPerSecond: 0 }, pair(3e5)], []],
  ])("%s", (_, report, expected) => {
    expect([...lowered(report)]).toEqual(expected);
  });

  test("a link that carries what the server asks for is not short", () => {
    const report = [because("bandwidth"), q, pair(4e5)];
    expect([
      ...lowered(
        report,
        new Map([
          ["2/f", 300_000],
          ["2/q", 100_000],
        ]),
      ),
    ]).toEqual([]);
  });
});
