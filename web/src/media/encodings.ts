/** How each source is encoded, by what the browser can do. */

export type BrowserKind = "chromium" | "firefox" | "safari";

export function browserKind(userAgent: string): BrowserKind {
  if (/Firefox\//.test(userAgent)) return "firefox";
  if (/AppleWebKit\//.test(userAgent) && !/(Chrome|Chromium|HeadlessChrome|Edg)\//.test(userAgent)) return "safari";
  return "chromium";
}

/** `scalabilityMode` is not yet in TypeScript's DOM library. */
export interface Encoding extends RTCRtpEncodingParameters {
  scalabilityMode?: string;
}

/** VP9 sends three rids only when each asks for `L1T3`; Firefox refuses the field and Safari's H264 has no layers. */
const temporal = (kind: BrowserKind): Partial<Encoding> => (kind === "chromium" ? { scalabilityMode: "L1T3" } : {});

/** Listed f, h, q: listed the other way round a 640×360 camera loses its largest layer. */
export function cameraEncodings(kind: BrowserKind): Encoding[] {
  return [
    { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_100_000, ...temporal(kind) },
    { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 350_000, ...temporal(kind) },
    { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 120_000, ...temporal(kind) },
  ];
}

/** Slides and writing: few frames, sharp. The lower layer is for links that cannot carry the upper one. */
export function screenEncodings(kind: BrowserKind): Encoding[] {
  return [
    { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_200_000, maxFramerate: 8, ...temporal(kind) },
    { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 300_000, maxFramerate: 5, ...temporal(kind) },
  ];
}

/** A lesson is speech first: 32 kbit/s Opus mono is clear and leaves the link to the picture. */
export const MICROPHONE_ENCODINGS: Encoding[] = [{ maxBitrate: 32_000 }];
export const SCREEN_SOUND_ENCODINGS: Encoding[] = [{ maxBitrate: 64_000 }];

const PREFERENCE: Record<BrowserKind, readonly string[]> = {
  chromium: ["video/VP9", "video/H264", "video/VP8"],
  safari: ["video/H264", "video/VP8"],
  firefox: ["video/VP8"],
};

/** The codecs to offer, best first, with retransmission. Firefox offers VP8 only, since that is what it sends simulcast in.
 * An empty result means: leave the browser's own order. */
export function preferredCodecs<C extends { mimeType: string; sdpFmtpLine?: string }>(
  codecs: readonly C[],
  kind: BrowserKind,
): C[] {
  const isVp9Profile0 = (codec: C) => !/profile-id=[1-3]/.test(codec.sdpFmtpLine ?? "");
  const chosen = PREFERENCE[kind].flatMap((mime) =>
    codecs.filter((codec) => codec.mimeType === mime && (mime !== "video/VP9" || isVp9Profile0(codec))),
  );
  if (chosen.length === 0) return [];
  return [...chosen, ...codecs.filter((codec) => codec.mimeType === "video/rtx")];
}
