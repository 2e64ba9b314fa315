import { call } from "../api";

/** The archive's API (docs/protocol.md). `…_s`: seconds of recorded time. */

export type RecordingState = "recording" | "finishing" | "ready";
export type RecordingAccess = "open" | "profile" | "network" | "named";

export interface Recording {
  readonly recording_id: string;
  readonly lesson_id: string | null;
  readonly title: string;
  readonly author: string;
  readonly state: RecordingState;
  readonly access: RecordingAccess;
  readonly started_at: number;
  readonly duration_s: number;
}

export interface Rendition {
  readonly encoding: number;
  readonly height: number;
  readonly bitrate_bps: number;
}

export type Span = readonly [begin_s: number, end_s: number];

export interface Track {
  readonly slot: string;
  readonly playlist: string;
  readonly renditions: readonly Rendition[];
  readonly spans: readonly Span[];
}

export interface RecordingDetail extends Recording {
  readonly tracks: readonly Track[];
}

export interface Found {
  readonly recordings: readonly Recording[];
  readonly more: boolean;
}

export function findRecordings(words: string, offset: number, token?: string, lessonId?: string): Promise<Found> {
  const query = new URLSearchParams({ words, offset: String(offset) });
  if (lessonId) query.set("lesson", lessonId);
  return call<Found>("GET", `/recordings?${query}`, undefined, token);
}

export const recordingDetail = (id: string, token?: string) =>
  call<RecordingDetail>("GET", `/recordings/${encodeURIComponent(id)}`, undefined, token);

export const setAccess = (id: string, access: RecordingAccess) =>
  call<Recording>("PATCH", `/recordings/${encodeURIComponent(id)}`, { access });
