/** What `getStats` of the test's two connections says (W3C webrtc-stats). */

export interface Stats {
  readonly type: string;
  readonly id: string;
  readonly kind?: string;
  readonly state?: string;
  readonly nominated?: boolean;
  readonly selectedCandidatePairId?: string;
  readonly bytesSent?: number;
  readonly bytesReceived?: number;
  readonly currentRoundTripTime?: number;
  readonly jitter?: number;
  readonly packetsLost?: number;
  readonly packetsSent?: number;
  readonly packetsReceived?: number;
}

export interface Reading {
  readonly at_ms: number;
  readonly sent_bytes: number;
  readonly received_bytes: number;
  /** 0: not known yet. */
  readonly rtt_ms: number;
  readonly jitter_ms: number;
  /** Shares of the sound's packets lost so far: sound is not sent again. */
  readonly loss_down: number;
  readonly loss_up: number;
}

const MS_MOST = 60_000;

export function readingOf(publishing: readonly Stats[], receiving: readonly Stats[], at_ms: number): Reading {
  const up = selectedPair(publishing);
  const down = selectedPair(receiving);
  const heard = receiving.find(({ type, kind }) => type === "inbound-rtp" && kind === "audio");
  const said = publishing.find(({ type, kind }) => type === "outbound-rtp" && kind === "audio");
  const told = publishing.find(({ type, kind }) => type === "remote-inbound-rtp" && kind === "audio");
  const loss_up = share(told?.packetsLost, said?.packetsSent ?? 0);
  // What was lost on the way up leaves gaps in what comes down.
  const loss_both = share(heard?.packetsLost, (heard?.packetsLost ?? 0) + (heard?.packetsReceived ?? 0));
  return {
    at_ms,
    sent_bytes: up?.bytesSent ?? 0,
    received_bytes: down?.bytesReceived ?? 0,
    rtt_ms: inMs(down?.currentRoundTripTime ?? up?.currentRoundTripTime),
    jitter_ms: inMs(heard?.jitter),
    loss_down: loss_up < 1 ? Math.max(0, 1 - (1 - loss_both) / (1 - loss_up)) : 0,
    loss_up,
  };
}

const share = (lost = 0, all: number): number => (all > 0 ? Math.min(1, Math.max(0, lost / all)) : 0);

const inMs = (seconds = 0): number => Math.min(MS_MOST, 1000 * seconds);

/** Firefox has no `selectedCandidatePairId`. */
function selectedPair(report: readonly Stats[]): Stats | undefined {
  const chosen = report.find(({ type }) => type === "transport")?.selectedCandidatePairId;
  const pairs = report.filter(({ type }) => type === "candidate-pair");
  return (
    pairs.find(({ id }) => id === chosen) ?? pairs.find(({ nominated, state }) => nominated && state === "succeeded")
  );
}

/** One point of the chart, between two readings. */
export interface Point {
  readonly at_s: number;
  readonly up_bps: number;
  readonly down_bps: number;
}

export function pointOf(before: Reading, now: Reading, since_ms: number): Point {
  const seconds = Math.max(0.001, (now.at_ms - before.at_ms) / 1000);
  return {
    at_s: (now.at_ms - since_ms) / 1000,
    up_bps: (Math.max(0, now.sent_bytes - before.sent_bytes) * 8) / seconds,
    down_bps: (Math.max(0, now.received_bytes - before.received_bytes) * 8) / seconds,
  };
}
