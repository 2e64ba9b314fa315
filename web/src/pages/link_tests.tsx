import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ApiError, linkTests, type PlaceLinkTests } from "../api";
import { ApiTrouble } from "../components/invitations";
import { QuietPage } from "../components/words";
import { dateAndTime, t } from "../i18n";
import { howGood, TestFigures, VerdictBars } from "../link_test/verdict";

/** For the administrator: every place's latest link tests, the worst first. */
export function LinkTestsPage(): JSX.Element {
  const places = useSignal<readonly PlaceLinkTests[] | null>(null);
  const failure = useSignal<string | null>(null);
  useEffect(() => {
    linkTests().then(
      (found) => {
        places.value = found;
      },
      (error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        failure.value = error.code;
      },
    );
  }, []);
  return (
    <QuietPage wide>
      <header>
        <h1>{t("tests-title")}</h1>
        <p class="hint">{t("tests-hint")}</p>
      </header>
      {failure.value && <ApiTrouble code={failure.value} />}
      {places.value?.length === 0 && <p class="empty">{t("tests-empty")}</p>}
      <ul class="lesson-list" data-testid="places">
        {places.value?.map((place) => (
          <Place key={`${place.place} ${place.link}`} found={place} />
        ))}
      </ul>
      <p class="row">
        <a href="/link-test">{t("test-this-link")}</a>
        <a href="/">{t("lessons")}</a>
      </p>
    </QuietPage>
  );
}

function Place({ found }: { readonly found: PlaceLinkTests }): JSX.Element | null {
  const [latest] = found.tests;
  if (!latest) return null;
  return (
    <li class={`card place ${howGood(latest.receiving)}`} data-testid="place-tests">
      <div class="row">
        <h2 class="grow">
          <bdi>{found.place || t("tests-unnamed", { link: found.link || t("tests-own-network") })}</bdi>
        </h2>
        <span class="hint">{dateAndTime(latest.tested_at)}</span>
      </div>
      <ul class="directions">
        <li>
          <VerdictBars verdict={latest.receiving} />
          {t("tests-receives", { what: t(`verdict-${latest.receiving}`) })}
        </li>
        {latest.transport !== "" && (
          <li>
            <VerdictBars verdict={latest.sending} />
            {t("tests-sends", { what: t(`verdict-${latest.sending}`) })}
          </li>
        )}
      </ul>
      {latest.notes.map((note) => (
        <p key={note} class="hint">
          {t(`test-note-${note}`)}
        </p>
      ))}
      <details>
        <summary>{t("tests-more")}</summary>
        <TestFigures found={latest} />
        {found.tests.length > 1 && <History found={found} />}
      </details>
    </li>
  );
}

function History({ found }: { readonly found: PlaceLinkTests }): JSX.Element {
  return (
    <ol class="history" aria-label={t("tests-history")}>
      {found.tests.slice(1).map((test) => (
        <li key={test.tested_at}>
          <VerdictBars verdict={test.receiving} />
          <span class="hint">{dateAndTime(test.tested_at)}</span>
          <span>{t("tests-receives", { what: t(`verdict-${test.receiving}`) })}</span>
        </li>
      ))}
    </ol>
  );
}
