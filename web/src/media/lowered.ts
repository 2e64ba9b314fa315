import { cameraEncodings } from "./encodings";

/** What is lowered of the pictures that a page sends. `computer`: it does not keep up with encoding; `link`: it carries no
 * more; `spared`: nobody needs the fullest picture, so that the server has switched it off. */
export type Lowered = "computer" | "link" | "spared";

export interface OutboundStats {
  readonly type: string;
  readonly kind?: string;
  readonly mid?: string;
  readonly rid?: string;
  readonly active?: boolean;
  readonly framesPerSecond?: number;
  readonly qualityLimitationReason?: string;
  readonly availableOutgoingBitrate?: number;
}

const FULLEST = "f";
const USUAL = new Map(cameraEncodings("chromium").map(({ rid, maxBitrate }) => [rid, maxBitrate ?? 0]));
/** The browser's estimate follows what is sent: a little below is not short. */
const SHORT = 0.8;

/** Of `getStats` of the sending connection (W3C webrtc-stats: RTCOutboundRtpStreamStats).
 *
 * Chromium also gives «bandwidth» as the reason when an encoding was switched off on purpose, so it counts only where its
 * estimate of the link is short of what is switched on. `limits`: what each encoding makes at most, by `encodingKey`. */
export function lowered(
  report: readonly OutboundStats[],
  limits: ReadonlyMap<string, number> = new Map(),
): Set<Lowered> {
  const found = new Set<Lowered>();
  const pictures = report.filter((one) => one.type === "outbound-rtp" && one.kind === "video");
  const sent = new Set(pictures.filter((one) => (one.framesPerSecond ?? 0) > 0).map((one) => one.mid));
  const ours = pictures.filter((one) => sent.has(one.mid));
  const on = ours.filter((one) => one.active !== false);
  const reasons = new Set(on.map((one) => one.qualityLimitationReason));
  const carries = available(report);
  const wanted = on.reduce((sum, one) => sum + (limits.get(encodingKey(one)) ?? USUAL.get(one.rid ?? "") ?? 0), 0);
  if (reasons.has("cpu")) found.add("computer");
  if (reasons.has("bandwidth") && carries < SHORT * wanted) found.add("link");
  if (ours.some((one) => one.active === false && one.rid === FULLEST)) found.add("spared");
  return found;
}

export const encodingKey = ({ mid, rid }: { mid?: string | null; rid?: string }): string => `${mid ?? ""}/${rid ?? ""}`;

/** What the browser's congestion control takes the uplink to carry, in bits a second; 0 where it does not tell. */
export const available = (report: readonly OutboundStats[]): number =>
  Math.max(...report.map((one) => one.availableOutgoingBitrate ?? 0), 0);
