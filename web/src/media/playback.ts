import type { ReportPlayback, Slot } from "../protocol";

/** Sums over all received tracks, as getStats counts them from the connection's beginning. */
export interface PlaybackTotals {
  freezes: number;
  frozen_s: number;
  concealed: number;
  samples: number;
  frames: number;
}

export const NOTHING_PLAYED: PlaybackTotals = { freezes: 0, frozen_s: 0, concealed: 0, samples: 0, frames: 0 };

/** One reading of a receiving connection. Counters are those of the connection, `pictures` by slot. */
export interface Reading {
  readonly at_ms: number;
  readonly bytes: number;
  readonly soundPackets: number;
  readonly pictures: ReadonlyMap<Slot, { readonly frames: number; readonly height: number }>;
  readonly totals: PlaybackTotals;
}

type Counter =
  | "freezeCount"
  | "totalFreezesDuration"
  | "concealedSamples"
  | "totalSamplesReceived"
  | "framesDecoded"
  | "frameHeight"
  | "bytesReceived"
  | "headerBytesReceived"
  | "packetsReceived";
export type InboundStats = Partial<Record<Counter, number>> & {
  readonly type: string;
  readonly kind?: string;
  readonly trackIdentifier?: string;
};

export function readingOf(
  report: Iterable<InboundStats>,
  slotOfTrack: ReadonlyMap<string, Slot>,
  at_ms: number,
): Reading {
  const totals = { ...NOTHING_PLAYED };
  const pictures = new Map<Slot, { frames: number; height: number }>();
  let bytes = 0;
  let soundPackets = 0;
  for (const stats of report) {
    if (stats.type !== "inbound-rtp") continue;
    totals.freezes += stats.freezeCount ?? 0;
    totals.frozen_s += stats.totalFreezesDuration ?? 0;
    totals.concealed += stats.concealedSamples ?? 0;
    totals.samples += stats.totalSamplesReceived ?? 0;
    totals.frames += stats.framesDecoded ?? 0;
    bytes += (stats.bytesReceived ?? 0) + (stats.headerBytesReceived ?? 0);
    if (stats.kind === "audio") soundPackets += stats.packetsReceived ?? 0;
    const slot = slotOfTrack.get(stats.trackIdentifier ?? "");
    if (slot && stats.kind === "video") {
      pictures.set(slot, { frames: stats.framesDecoded ?? 0, height: stats.frameHeight ?? 0 });
    }
  }
  return { at_ms, bytes, soundPackets, pictures, totals };
}

const whole = (now: number, before: number, most: number): number =>
  Math.min(most, Math.max(0, Math.round(now - before)));

/** What happened between two readings; a new connection counts from zero, so a step back begins anew. Never more than the
 * server takes: a tab that slept tells less. With `stills` the server sent still pictures: what the browser counts as
 * freezes between them are none. */
export function playbackSince(before: PlaybackTotals, now: PlaybackTotals, stills = false): ReportPlayback {
  const start = now.frames < before.frames || now.samples < before.samples ? NOTHING_PLAYED : before;
  const samples = whole(now.samples, start.samples, 20_000_000);
  return {
    type: "report_playback",
    freezes: stills ? 0 : whole(now.freezes, start.freezes, 200),
    frozen_s: stills ? 0 : Math.min(60, Math.max(0, now.frozen_s - start.frozen_s)),
    samples,
    concealed_samples: whole(now.concealed, start.concealed, samples),
    frames_decoded: whole(now.frames, start.frames, 20_000),
  };
}
