import type { JSX } from "preact";
import { Icon } from "../components/icons";
import { decimal, rate, t } from "../i18n";
import type { LinkTestResult, Verdict } from "../protocol";

/** What a test found, whether it has just ended or is long over. */
export type Found = Omit<LinkTestResult, "type">;

const BARS: Readonly<Record<Verdict, number>> = {
  no_media: 0,
  too_little: 0,
  sound_only: 1,
  small_picture: 2,
  smaller_picture: 3,
  good: 4,
};
const BAR_COUNT = 4;
const ENOUGH = 3;
/** More is hardly tried: the link may carry any rate above it. */
const DOWN_MOST_BPS = 2_400_000;
const UP_MOST_BPS = 1_600_000;

export const howGood = (verdict: Verdict): "good" | "middling" | "bad" =>
  BARS[verdict] >= ENOUGH ? "good" : BARS[verdict] >= 2 ? "middling" : "bad";

/** The verdict in words with what to do. `teaching`: what is sent matters most. */
export function VerdictView({ found, teaching }: { readonly found: Found; readonly teaching: boolean }): JSX.Element {
  const { receiving, sending, notes } = found;
  const main = teaching ? sending : receiving;
  const next = nextStep(found, teaching);
  return (
    <section class={`verdict ${howGood(main)}`} data-testid="verdict" data-receiving={receiving} data-sending={sending}>
      <h2>
        <VerdictBars verdict={main} />
        {t(teaching ? `test-teaching-${sending}` : `test-receiving-${receiving}`)}
      </h2>
      {main === "no_media" ? (
        <p>{t("test-no-media-hint")}</p>
      ) : (
        <p class="direction">
          <VerdictBars verdict={teaching ? receiving : sending} />
          {t(teaching ? `test-receiving-${receiving}` : `test-sending-${sending}`)}
        </p>
      )}
      {notes.length > 0 && (
        <ul class="notes-found">
          {notes.map((note) => (
            <li key={note} data-testid={`note-${note}`}>
              <Icon name="warning" />
              {t(`test-note-${note}`)}
            </li>
          ))}
        </ul>
      )}
      {next && <p class="next">{t(next)}</p>}
    </section>
  );
}

/** Four bars beside words that say the same. */
export function VerdictBars({ verdict }: { readonly verdict: Verdict }): JSX.Element {
  return (
    <svg class={`verdict-bars ${howGood(verdict)}`} viewBox="0 0 24 16" aria-hidden="true" focusable="false">
      {Array.from({ length: BAR_COUNT }, (_, bar) => (
        <rect
          key={bar}
          x={bar * 6}
          y={12 - bar * 4}
          width="4"
          height={4 + bar * 4}
          class={bar < BARS[verdict] ? "on" : ""}
        />
      ))}
    </svg>
  );
}

function nextStep({ receiving, sending, notes }: Found, teaching: boolean): string | null {
  const needed = teaching ? sending : receiving;
  if (needed === "no_media") return "test-next-no-media";
  if (BARS[needed] === 0) return "test-next-bad";
  if (BARS[needed] < ENOUGH) return "test-next-weak";
  return notes.length === 0 && Math.min(BARS[receiving], BARS[sending]) >= ENOUGH ? "test-next-good" : null;
}

export function TestFigures({ found }: { readonly found: Found }): JSX.Element | null {
  if (found.transport === "") return null;
  const percent = (share: number) => t("percent", { value: decimal(share * 100, share > 0 && share < 0.1 ? 1 : 0) });
  const ms = (value: number) => t("milliseconds", { value: decimal(value, 0) });
  const figures: readonly (readonly [key: string, value: string])[] = [
    ["down", orMore(found.down_bps, DOWN_MOST_BPS)],
    ["up", orMore(found.up_bps, UP_MOST_BPS)],
    ["loss-down", percent(found.loss_down)],
    ["loss-up", percent(found.loss_up)],
    ["rtt", ms(found.rtt_ms)],
    ["queue", ms(found.queue_ms)],
    ["jitter", ms(found.jitter_ms)],
    ["transport", found.transport.toUpperCase()],
  ];
  return (
    <dl class="figures" data-testid="test-figures">
      {figures.map(([key, value]) => (
        <div key={key}>
          <dt>{t(`test-figure-${key}`)}</dt>
          <dd data-testid={`test-${key}`}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const orMore = (bps: number, most: number): string =>
  bps >= most ? t("rate-or-more", { rate: rate(most) }) : rate(bps);
