import type { JSX } from "preact";
import { decimal, rate, t } from "../i18n";
import { KEPT_S, type Sample } from "../media/shown";

const WIDTH = 320;
const HEIGHT = 96;
const STRIP = 22;
const SCALE_LEAST_BPS = 500_000;
const LOSS_SHOWN = 0.03;
/** Room that the words of one height need in the strip. */
const WORDS_WIDTH = 34;

interface Step {
  readonly from: number;
  readonly until: number;
  readonly height: number;
}

/** The last two minutes: what the link is believed to carry, what arrives, which picture is shown, when much was lost.
 * Who cannot see it gets it as a sentence. */
export function LinkChart({ samples }: { readonly samples: readonly Sample[] }): JSX.Element | null {
  const last = samples.at(-1);
  if (!last || samples.length < 2) return <p class="hint">{t("chart-soon")}</p>;
  const most = scaleOf(samples);
  const x = (at_s: number) => WIDTH * (1 - (last.at_s - at_s) / KEPT_S);
  const y = (bps: number) => HEIGHT * (1 - Math.min(1, bps / most));
  const line = (value: (sample: Sample) => number) =>
    samples.map((sample) => `${x(sample.at_s).toFixed(1)},${y(value(sample)).toFixed(1)}`).join(" ");
  return (
    <figure class="link-chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + STRIP}`} role="img" aria-label={inWords(samples)} data-testid="link-chart">
        <line class="axis" x1="0" y1={HEIGHT} x2={WIDTH} y2={HEIGHT} />
        <text class="scale" x="2" y="12">
          {rate(most)}
        </text>
        {samples
          .filter(({ loss }) => loss >= LOSS_SHOWN)
          .map(({ at_s, loss }) => (
            <rect key={at_s} class="loss" x={x(at_s) - 3} y={HEIGHT * (1 - loss)} width="3" height={HEIGHT * loss} />
          ))}
        <polyline class="estimate" points={line((sample) => sample.estimate_bps ?? sample.arrived_bps)} />
        <polyline class="arrived" points={line((sample) => sample.arrived_bps)} />
        {stepsOf(samples).map(({ from, until, height }) => (
          <g key={from} class={height > 0 ? "step" : "step none"}>
            <rect x={x(from)} y={HEIGHT + 3} width={Math.max(1, x(until) - x(from) - 1)} height={STRIP - 3} />
            {x(until) - x(from) > WORDS_WIDTH && (
              <text x={(x(from) + x(until)) / 2} y={HEIGHT + STRIP - 6}>
                {height > 0 ? `${height}p` : "–"}
              </text>
            )}
          </g>
        ))}
      </svg>
      <figcaption aria-hidden="true">
        <span class="key estimate">{t("chart-estimate")}</span>
        <span class="key arrived">{t("chart-arrived")}</span>
        <span class="key loss">{t("chart-loss")}</span>
        <span class="key step">{t("chart-picture")}</span>
      </figcaption>
    </figure>
  );
}

/** A link that carries much more than is sent is not drawn to its top: what arrives must stay readable. */
function scaleOf(samples: readonly Sample[]): number {
  const arrived = Math.max(...samples.map((sample) => sample.arrived_bps));
  const carried = Math.max(...samples.map((sample) => sample.estimate_bps ?? 0));
  return Math.max(SCALE_LEAST_BPS, Math.min(carried, arrived * 2), arrived) * 1.1;
}

export function stepsOf(samples: readonly Sample[]): Step[] {
  const steps: Step[] = [];
  for (const { at_s, height } of samples) {
    const last = steps.at(-1);
    if (last) steps[steps.length - 1] = { ...last, until: at_s };
    if (last?.height !== height) steps.push({ from: at_s, until: at_s, height });
  }
  return steps;
}

function inWords(samples: readonly Sample[]): string {
  const estimates = samples.map(({ estimate_bps, arrived_bps }) => estimate_bps ?? arrived_bps);
  const heights = stepsOf(samples).map(({ height }) => (height > 0 ? `${height}p` : t("picture-none")));
  return t("chart-words", {
    least: rate(Math.min(...estimates)),
    most: rate(Math.max(...estimates)),
    arrives: rate(samples.at(-1)?.arrived_bps ?? 0),
    pictures: heights.slice(-6).join(", "),
    lost: decimal(Math.max(...samples.map(({ loss }) => loss)) * 100, 0),
  });
}
