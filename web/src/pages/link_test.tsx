import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { type JoinInfo, joinInfo } from "../api";
import { Button } from "../components/button";
import { TextField } from "../components/field";
import { QuietPage, Statement } from "../components/words";
import { t } from "../i18n";
import { LinkTestChart } from "../link_test/chart";
import { LinkTest, type Step } from "../link_test/link_test";
import { TestFigures, VerdictView } from "../link_test/verdict";
import { browserIsFit } from "../media/fitness";
import { rememberName, storedName } from "../storage";

const PLACE_MAX_CHARS = 100;
const TICK_MS = 250;
const RING_RADIUS = 52;
const RING_LENGTH = 2 * Math.PI * RING_RADIUS;
/** Shares of the ring by phase. */
const SHARES = { connecting: [0, 0.06], up: [0.06, 0.5], down: [0.5, 1], done: [1, 1] } as const;

/** Half a minute that tells what a lesson will be like on this link. `token` of an invitation, where there is one. */
export function LinkTestPage({ token }: { readonly token: string | null }): JSX.Element {
  const test = useMemo(() => new LinkTest(), []);
  const info = useSignal<JoinInfo | null>(null);
  const place = useSignal(storedName());
  useEffect(() => {
    if (token) {
      joinInfo(token).then(
        (found) => {
          info.value = found;
          if (found.label) place.value = found.label;
        },
        () => undefined, // a link that opens nothing any more: the test goes on without it
      );
    }
    return () => test.stop();
  }, [token]);
  if (!browserIsFit()) {
    return (
      <QuietPage>
        <Statement title={t("refused-unsupported")} text={t("refused-unsupported-hint")} code="unsupported" />
      </QuietPage>
    );
  }
  const start = () => {
    rememberName(place.value.trim());
    test.start(info.value ? token : null, place.value.trim());
  };
  const step = test.step.value;
  return (
    <QuietPage>
      <header>
        {info.value && (
          <p class="hint">
            <bdi>{info.value.title}</bdi>
          </p>
        )}
        <h1>{t("test-title")}</h1>
      </header>
      {step.name === "idle" && <Begin place={place.value} onPlace={(value) => (place.value = value)} onStart={start} />}
      {step.name !== "idle" && <Course test={test} step={step} role={info.value?.role} onStart={start} />}
      {info.value && (
        <p>
          <a href="/join" data-testid="back-to-lesson">
            {t("test-back")}
          </a>
        </p>
      )}
    </QuietPage>
  );
}

function Begin(props: {
  readonly place: string;
  readonly onPlace: (value: string) => void;
  readonly onStart: () => void;
}): JSX.Element {
  return (
    <form
      class="card entry"
      data-testid="link-test-begin"
      onSubmit={(event) => {
        event.preventDefault();
        props.onStart();
      }}
    >
      <p>{t("test-intro")}</p>
      <TextField
        label={t("test-place")}
        hint={t("test-place-hint")}
        value={props.place}
        maxLength={PLACE_MAX_CHARS}
        testid="place"
        onInput={props.onPlace}
      />
      <p class="hint">{t("test-advice")}</p>
      <div class="row end">
        <Button kind="primary" type="submit" testid="start-test">
          {t("test-start")}
        </Button>
      </div>
    </form>
  );
}

/** Under way, refused or done: the place of the words stays, so that a screen reader follows. */
function Course(props: {
  readonly test: LinkTest;
  readonly step: Step;
  readonly role: JoinInfo["role"] | undefined;
  readonly onStart: () => void;
}): JSX.Element {
  const { test, step } = props;
  const teaching = props.role === "teacher" || props.role === "co_teacher";
  const over = step.name === "done" || step.name === "refused";
  return (
    <div class="link-test" data-testid="link-test" data-step={step.name}>
      <div role="status">
        {step.name === "done" ? (
          <VerdictView found={step.result} teaching={teaching} />
        ) : step.name === "refused" ? (
          <Statement
            title={t("test-refused")}
            text={t(`test-trouble-${step.code}`)}
            code={step.code}
            testid="test-refused"
          />
        ) : (
          <p class="now" data-testid="test-now">
            {t(wordsOf(step))}
          </p>
        )}
      </div>
      {!over && <Ring step={step} />}
      {test.points.value.length > 1 && <LinkTestChart points={test.points.value} />}
      {step.name === "done" && <TestFigures found={step.result} />}
      <div class="row">
        {over ? (
          <Button kind="primary" testid="test-again" onClick={props.onStart}>
            {t("test-again")}
          </Button>
        ) : (
          <Button testid="test-stop" onClick={() => test.stop()}>
            {t("test-stop")}
          </Button>
        )}
      </div>
    </div>
  );
}

function wordsOf(step: Step): string {
  if (step.name === "waiting") return step.sameLink ? "test-waiting-link" : "test-waiting";
  return step.name === "running" ? `test-now-${step.phase}` : "test-now-connecting";
}

/** How much of the test is done, as a ring. */
function Ring({ step }: { readonly step: Step }): JSX.Element {
  const now = useSignal(performance.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = performance.now();
    }, TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const done = doneOf(step, now.value);
  return (
    <svg
      class="ring"
      viewBox="0 0 120 120"
      role="progressbar"
      aria-label={t("test-progress")}
      aria-valuenow={Math.round(done * 100)}
    >
      <circle class="track" cx="60" cy="60" r={RING_RADIUS} />
      <circle
        class="done"
        cx="60"
        cy="60"
        r={RING_RADIUS}
        stroke-dasharray={`${done * RING_LENGTH} ${RING_LENGTH}`}
        transform="rotate(-90 60 60)"
      />
      <text x="60" y="68">
        {t("percent", { value: Math.round(done * 100) })}
      </text>
    </svg>
  );
}

function doneOf(step: Step, now_ms: number): number {
  if (step.name !== "running") return 0;
  const [from, until] = SHARES[step.phase];
  const passed = Math.min(1, Math.max(0, (now_ms - step.since_ms) / 1000 / step.seconds));
  return from + (until - from) * passed;
}
