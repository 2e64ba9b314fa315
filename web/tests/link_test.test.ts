import { expect, test } from "vitest";
import { pointOf, type Reading, readingOf, type Stats } from "../src/link_test/readings";

const pair = (bytes: object): Stats => ({
  type: "candidate-pair",
  id: "pair",
  nominated: true,
  state: "succeeded",
  ...bytes,
});
const transport: Stats = { type: "transport", id: "transport", selectedCandidatePairId: "pair" };

const publishing: readonly Stats[] = [
  transport,
  { type: "candidate-pair", id: "other", nominated: true, state: "succeeded", bytesSent: 7 },
  pair({ bytesSent: 5000, currentRoundTripTime: 0.08 }),
  { type: "outbound-rtp", id: "said", kind: "audio", packetsSent: 1000 },
  { type: "remote-inbound-rtp", id: "told", kind: "audio", packetsLost: 50 },
];
const receiving: readonly Stats[] = [
  transport,
  pair({ bytesReceived: 9000, currentRoundTripTime: 0.09 }),
  { type: "inbound-rtp", id: "heard", kind: "audio", packetsLost: 145, packetsReceived: 855, jitter: 0.012 },
];

test("a reading of both connections", () => {
  const { loss_down, ...rest } = readingOf(publishing, receiving, 3000);
  expect(rest).toEqual({
    at_ms: 3000,
    sent_bytes: 5000,
    received_bytes: 9000,
    rtt_ms: 90,
    jitter_ms: 12,
    loss_up: 0.05,
  });
  // 14.5 % are missing, 5 % of them since they never came up to the server.
  expect(loss_down).toBeCloseTo(0.1);
});

test("a browser without the transport's report", () => {
  const { sent_bytes, received_bytes } = readingOf([pair({ bytesSent: 1 })], [pair({ bytesReceived: 2 })], 0);
  expect([sent_bytes, received_bytes]).toEqual([1, 2]);
});

test("before anything is known, and beyond any measure", () => {
  const nothing = readingOf([], [], 0);
  expect(nothing).toEqual({
    at_ms: 0,
    sent_bytes: 0,
    received_bytes: 0,
    rtt_ms: 0,
    jitter_ms: 0,
    loss_down: 0,
    loss_up: 0,
  });
  const lost: Stats = { type: "remote-inbound-rtp", id: "told", kind: "audio", packetsLost: 99 };
  const said: Stats = { type: "outbound-rtp", id: "said", kind: "audio", packetsSent: 10 };
  const absurd = readingOf([lost, said], [pair({ currentRoundTripTime: 1e9 })], 0);
  expect([absurd.loss_up, absurd.loss_down, absurd.rtt_ms]).toEqual([1, 0, 60_000]);
});

test("a point of the chart lies between two readings", () => {
  const before = { at_ms: 1000, sent_bytes: 1000, received_bytes: 0 } as Reading;
  const now = { at_ms: 1500, sent_bytes: 26_000, received_bytes: 12_500 } as Reading;
  expect(pointOf(before, now, 500)).toEqual({ at_s: 1, up_bps: 400_000, down_bps: 200_000 });
});
