import type { ReportPlayback } from "../protocol";

/** Sums over all received tracks, as getStats counts them from the connection's beginning. */
export interface PlaybackTotals {
  freezes: number;
  frozen_s: number;
  concealed: number;
  samples: number;
  frames: number;
}

export const NOTHING_PLAYED: PlaybackTotals = { freezes: 0, frozen_s: 0, concealed: 0, samples: 0, frames: 0 };

type InboundStats = Partial<
  Record<
    "freezeCount" | "totalFreezesDuration" | "concealedSamples" | "totalSamplesReceived" | "framesDecoded",
    number
  > & { type: string }
>;

export function totals(report: Iterable<InboundStats>): PlaybackTotals {
  const sum = { ...NOTHING_PLAYED };
  for (const stats of report) {
    if (stats.type !== "inbound-rtp") continue;
    sum.freezes += stats.freezeCount ?? 0;
    sum.frozen_s += stats.totalFreezesDuration ?? 0;
    sum.concealed += stats.concealedSamples ?? 0;
    sum.samples += stats.totalSamplesReceived ?? 0;
    sum.frames += stats.framesDecoded ?? 0;
  }
  return sum;
}

/** What happened between two readings; a new connection counts from zero, so a step back begins anew. */
export function playbackSince(before: PlaybackTotals, now: PlaybackTotals): ReportPlayback {
  const start = now.frames < before.frames || now.samples < before.samples ? NOTHING_PLAYED : before;
  const samples = now.samples - start.samples;
  return {
    type: "report_playback",
    freezes: Math.max(0, now.freezes - start.freezes),
    frozen_s: Math.min(3600, Math.max(0, now.frozen_s - start.frozen_s)),
    concealed: samples > 0 ? Math.min(1, Math.max(0, now.concealed - start.concealed) / samples) : 0,
    frames_decoded: Math.max(0, now.frames - start.frames),
  };
}
