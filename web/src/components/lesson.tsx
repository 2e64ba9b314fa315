import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Classroom } from "../classroom/classroom";
import type { ClassroomState } from "../classroom/state";
import { elapsed, t } from "../i18n";
import { Dialog } from "./dialog";
import { Badge, LanguageChoice } from "./words";

const NOTICE_MS = 6000;

/** The page's own Unix time, a new value each second. */
export const unixNow = signal(Date.now() / 1000);
setInterval(() => {
  unixNow.value = Date.now() / 1000;
}, 1000);

/** The server's Unix time, a new value each second. */
export const serverNow = (state: ClassroomState): number => unixNow.value + state.clockOffset_s;

/** Seconds from now, on the page's own clock, until `at_s`. */
export const secondsUntil = (at_s: number): number => Math.max(0, Math.ceil(at_s - unixNow.value));

/** «Урок идёт 12:41». */
export function LessonBadge({ state }: { readonly state: ClassroomState }): JSX.Element {
  const { lesson } = state;
  const since = lesson.live_since === null ? "" : ` ${elapsed(serverNow(state) - lesson.live_since)}`;
  return (
    <Badge kind={lesson.state}>
      <span data-testid="lesson-state" data-state={lesson.state}>
        {t(`lesson-${lesson.state}`)}
      </span>
      {lesson.state === "live" && <span class="elapsed">{since}</span>}
    </Badge>
  );
}

/** What went wrong just now, and what stands in the way all the time. */
export function Notices({ classroom }: { readonly classroom: Classroom }): JSX.Element {
  const { refusal, connection, state } = classroom;
  useEffect(() => {
    if (refusal.value === null) return;
    const timer = setTimeout(() => {
      refusal.value = null;
    }, NOTICE_MS);
    return () => clearTimeout(timer);
  }, [refusal.value]);
  const lost = connection.status.value === "lost" && state.value !== null;
  return (
    <div class="notices" role="status">
      {lost && (
        <p class="notice" data-testid="connection-lost">
          {t("connection-lost")}
        </p>
      )}
      {state.value?.silenced.has("microphone") && <p class="notice">{t("silenced-microphone")}</p>}
      {state.value?.silenced.has("camera") && <p class="notice">{t("silenced-camera")}</p>}
      {refusal.value && (
        <p class="notice" data-testid="refusal" data-code={refusal.value}>
          {t(`error-${refusal.value}`)}
        </p>
      )}
    </div>
  );
}

export function HelpDialog({
  keys,
  onClose,
}: {
  readonly keys: readonly string[];
  readonly onClose: () => void;
}): JSX.Element {
  return (
    <Dialog title={t("help")} onClose={onClose} testid="help-dialog">
      <p>{t("help-intro")}</p>
      <dl class="keys">
        {keys.map((key) => (
          <div key={key}>
            <dt>
              <kbd>{t(`key-${key}-name`)}</kbd>
            </dt>
            <dd>{t(`key-${key}`)}</dd>
          </div>
        ))}
      </dl>
      <LanguageChoice />
    </Dialog>
  );
}
