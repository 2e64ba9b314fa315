/** How each source is encoded, by what the browser can do. */

import type { EncodingLimit } from "../protocol";

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
/** The microphone once more, for links that carry little else; off until the server says that somebody needs it. */
export const MICROPHONE_LOW_ENCODINGS: Encoding[] = [{ maxBitrate: 14_000, active: false }];
export const SCREEN_SOUND_ENCODINGS: Encoding[] = [{ maxBitrate: 64_000 }];

/** The server may ask for somewhat more than what is usual: so many times at most. */
const MOST = 1.5;

/** The encodings of a sender as the server wants them now; `index` counts them in the offer's order. What the server sets no
 * limit to (0) goes back to our own, `usual`. */
export function limited<E extends RTCRtpEncodingParameters>(
  encodings: readonly E[],
  usual: readonly Encoding[],
  limits: readonly EncodingLimit[],
): E[] {
  return encodings.map((encoding, index) => {
    const limit = limits.find((one) => one.index === index);
    if (!limit) return encoding;
    const { maxBitrate, maxFramerate, ...rest } = encoding;
    const own = usual[index];
    const bitrate = bounded(own?.maxBitrate, limit.max_bitrate_bps, MOST);
    const framerate = bounded(own?.maxFramerate, limit.max_framerate, 1);
    return {
      ...rest,
      active: limit.active,
      ...(bitrate && { maxBitrate: bitrate }),
      ...(framerate && { maxFramerate: framerate }),
    } as E;
  });
}

const bounded = (own: number | undefined, wanted: number, most: number): number | undefined =>
  wanted > 0 ? Math.min((own ?? wanted) * most, wanted) : own;

const PREFERENCE: Record<BrowserKind, readonly string[]> = {
  chromium: ["video/VP9", "video/H264", "video/VP8"],
  safari: ["video/H264", "video/VP8"],
  firefox: ["video/VP8"],
};

interface NamedCodec {
  readonly mimeType: string;
  readonly sdpFmtpLine?: string;
}

/** The codecs to offer, best first, with retransmission. Firefox offers VP8 only, since that is what it sends simulcast in.
 * An empty result means: leave the browser's own order. */
export function preferredCodecs<C extends NamedCodec>(codecs: readonly C[], kind: BrowserKind): C[] {
  const isVp9Profile0 = (codec: C) => !/profile-id=[1-3]/.test(codec.sdpFmtpLine ?? "");
  const chosen = PREFERENCE[kind].flatMap((mime) =>
    codecs.filter((codec) => codec.mimeType === mime && (mime !== "video/VP9" || isVp9Profile0(codec))),
  );
  if (chosen.length === 0) return [];
  return [...chosen, ...codecs.filter((codec) => codec.mimeType === "video/rtx")];
}

const RECEIVED: ReadonlySet<string> = new Set(["audio/opus", "audio/red", "video/VP8", "video/rtx"]);

/** Which of the browser's codecs the receiving connection offers: those that the server takes, in the browser's order. The
 * offer says all of a codec again for each slot, so without the others it is half as long, which a slow link feels. */
export function receivedCodecs<C extends NamedCodec>(codecs: readonly C[]): C[] {
  const fits = ({ mimeType, sdpFmtpLine = "" }: C) =>
    RECEIVED.has(mimeType) ||
    (mimeType === "video/VP9" && !/profile-id=[1-3]/.test(sdpFmtpLine)) ||
    (mimeType === "video/AV1" && !/profile=[1-2]/.test(sdpFmtpLine)) ||
    (mimeType === "video/H264" && /packetization-mode=1/.test(sdpFmtpLine));
  return codecs.filter(fits);
}
