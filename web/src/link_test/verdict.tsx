import type { ComponentChildren, JSX } from "preact";
import { Icon } from "../components/icons";
import { decimal, rate, t } from "../i18n";
import type { LinkNote, Verdict } from "../protocol";

/** What a test found, whether it has just ended or is long over. */
export interface Found {
  readonly receiving: Verdict;
  readonly sending: Verdict;
  readonly notes: readonly LinkNote[];
  readonly transport: "udp" | "tcp" | "";
  readonly down_bps: number;
  readonly up_bps: number;
  readonly loss_down: number;
  readonly loss_up: number;
  readonly rtt_ms: number;
  readonly queue_ms: number;
  readonly jitter_ms: number;
}

const BARS: Readonly<Record<Verdict, number>> = {
  no_media: 0,
  too_little: 0,
  sound_only: 1,
  small_picture: 2,
  smaller_picture: 3,
  good: 4,
};
const BAR_COUNT = 4;
/** More than the server tries: the link may carry any rate above it. */
const DOWN_MOST_BPS = 2_400_000;
const UP_MOST_BPS = 1_600_000;

export const howGood = (verdict: Verdict): "good" | "middling" | "bad" =>
  BARS[verdict] >= 3 ? "good" : BARS[verdict] >= 2 ? "middling" : "bad";

/** The verdict in words with what to do. `teaching`: what is sent matters most. */
export function VerdictView({ found, teaching }: { readonly found: Found; readonly teaching: boolean }): JSX.Element {
  const headline = teaching ? t(`test-teaching-${found.sending}`) : t(`test-receiving-${found.receiving}`);
  return (
    <section class={`verdict ${howGood(teaching ? found.sending : found.receiving)}`} data-testid="verdict">
      <h2 data-testid="verdict-headline" data-receiving={found.receiving} data-sending={found.sending}>
        {headline}
      </h2>
      {found.transport === "" ? (
        <p>{t("test-no-media-hint")}</p>
      ) : (
        <ul class="directions">
          <Direction verdict={found.receiving}>{t(`test-receiving-${found.receiving}`)}</Direction>
          <Direction verdict={found.sending}>{t(`test-sending-${found.sending}`)}</Direction>
        </ul>
      )}
      {found.notes.length > 0 && (
        <ul class="notes-found">
          {found.notes.map((note) => (
            <li key={note} data-testid={`note-${note}`}>
              <Icon name="warning" />
              <span>{t(`test-note-${note}`)}</span>
            </li>
          ))}
        </ul>
      )}
      <p class="next">{t(nextStep(found, teaching))}</p>
    </section>
  );
}

function Direction({ verdict, children }: { readonly verdict: Verdict; readonly children: ComponentChildren }) {
  return (
    <li>
      <VerdictBars verdict={verdict} />
      <span>{children}</span>
    </li>
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

function nextStep({ receiving, sending, transport }: Found, teaching: boolean): string {
  if (transport === "") return "test-next-no-media";
  const needed = teaching ? sending : receiving;
  if (BARS[needed] >= 3) return "test-next-good";
  return BARS[needed] >= 1 ? "test-next-weak" : "test-next-bad";
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

export const orMore = (bps: number, most: number): string =>
  bps >= most ? t("rate-or-more", { rate: rate(bps) }) : rate(bps);
