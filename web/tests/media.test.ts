import { describe, expect, test } from "vitest";
import { browserKind, cameraEncodings, preferredCodecs, screenEncodings } from "../src/media/encodings";
import { meterShare } from "../src/media/level";
import { NOTHING_PLAYED, playbackSince, totals } from "../src/media/playback";

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

test("the meter spans quiet to loud speech", () => {
  expect(meterShare(new Float32Array(64))).toBe(0);
  expect(meterShare(new Float32Array(64).fill(1))).toBe(1);
  expect(meterShare(new Float32Array(64).fill(0.0316))).toBeCloseTo(0.6, 1);
});

describe("playback", () => {
  const first = totals([
    { type: "inbound-rtp", framesDecoded: 100, freezeCount: 1, totalFreezesDuration: 0.5 },
    { type: "inbound-rtp", totalSamplesReceived: 48_000, concealedSamples: 480 },
    { type: "candidate-pair" },
  ]);

  test("is what happened since the last report", () => {
    expect(playbackSince(NOTHING_PLAYED, first)).toEqual({
      type: "report_playback",
      freezes: 1,
      frozen_s: 0.5,
      concealed: 0.01,
      frames_decoded: 100,
    });
    expect(playbackSince(first, first).frames_decoded).toBe(0);
  });

  test("begins anew with a fresh connection", () => {
    const fresh = { ...NOTHING_PLAYED, frames: 10, samples: 960 };
    expect(playbackSince(first, fresh).frames_decoded).toBe(10);
  });
});
