import { type ReadonlySignal, signal } from "@preact/signals";

const EVERY_MS = 80;
/** Speech at a usual distance is some −30 dBFS: the meter spans −60 to −10. */
const QUIET_DB = -60;
const LOUD_DB = -10;

/** Loudness of samples in [-1, 1] as a share of the meter, 0 to 1. */
export function meterShare(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (db - QUIET_DB) / (LOUD_DB - QUIET_DB)));
}

export interface LevelMeter {
  readonly level: ReadonlySignal<number>;
  stop(): void;
}

export function measureLevel(track: MediaStreamTrack): LevelMeter {
  const level = signal(0);
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    // Browsers may begin the context suspended until the person has touched the page.
    if (context.state === "suspended") void context.resume();
    analyser.getFloatTimeDomainData(samples);
    level.value = Math.max(meterShare(samples), level.value * 0.8);
  }, EVERY_MS);
  return {
    level,
    stop: () => {
      clearInterval(timer);
      void context.close();
    },
  };
}
