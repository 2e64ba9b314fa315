import type { JSX } from "preact";
import { rate, t } from "../i18n";
import type { Point } from "./readings";

const WIDTH = 320;
const HEIGHT = 96;
const SPAN_S = 27;
const SCALE_LEAST_BPS = 400_000;

/** What went up and came down so far. Who cannot see it gets it as a sentence. */
export function LinkTestChart({ points }: { readonly points: readonly Point[] }): JSX.Element {
  const ups = points.map(({ up_bps }) => up_bps);
  const downs = points.map(({ down_bps }) => down_bps);
  const most = Math.max(SCALE_LEAST_BPS, ...ups, ...downs) * 1.1;
  const line = (values: readonly number[]) =>
    points
      .map(({ at_s }, index) => {
        const x = WIDTH * Math.min(1, at_s / SPAN_S);
        const y = HEIGHT * (1 - (values[index] ?? 0) / most);
        return `${x.toFixed(1)},${y.toFixed(1)}`;
      })
      .join(" ");
  const words = t("test-chart-words", { up: rate(Math.max(0, ...ups)), down: rate(Math.max(0, ...downs)) });
  return (
    <figure class="link-chart link-test-chart">
      <span class="scale" aria-hidden="true">
        {rate(most)}
      </span>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={words}
        data-testid="link-test-chart"
      >
        <polyline class="up" points={line(ups)} />
        <polyline class="down" points={line(downs)} />
      </svg>
      <figcaption aria-hidden="true">
        <span class="key up">{t("test-chart-up")}</span>
        <span class="key down">{t("test-chart-down")}</span>
      </figcaption>
    </figure>
  );
}
