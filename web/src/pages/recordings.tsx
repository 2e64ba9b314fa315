import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ApiError } from "../api";
import { Button } from "../components/button";
import { TextField } from "../components/field";
import { ApiTrouble } from "../components/invitations";
import { Badge, QuietPage } from "../components/words";
import { dateAndTime, elapsed, t } from "../i18n";
import { findRecordings, type Recording } from "../replay/api";
import "../styles/replay.css";

const TYPING_SETTLES_MS = 300;

/** What may be replayed: an administrator sees all, others what is open to them. `?lesson=` shows one lesson's only. */
export function RecordingsPage({ token }: { readonly token: string | null }): JSX.Element {
  const lesson = new URLSearchParams(location.search).get("lesson") ?? undefined;
  const words = useSignal("");
  const list = useSignal<readonly Recording[] | null>(null);
  const more = useSignal(false);
  const failure = useSignal<string | null>(null);
  const asked = useRef(0);
  const load = async (offset: number) => {
    asked.current += 1;
    const number = asked.current;
    try {
      const found = await findRecordings(words.value, offset, token ?? undefined, lesson);
      if (number !== asked.current) return; // another question was asked meanwhile
      failure.value = null;
      list.value = offset > 0 ? [...(list.value ?? []), ...found.recordings] : found.recordings;
      more.value = found.more;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error.code;
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void load(0), list.value ? TYPING_SETTLES_MS : 0);
    return () => clearTimeout(timer);
  }, [words.value]);
  return (
    <QuietPage wide>
      <h1>{t("recordings")}</h1>
      <TextField
        label={t("recordings-search")}
        hint={t("recordings-search-hint")}
        value={words.value}
        maxLength={100}
        testid="recordings-search"
        onInput={(value) => {
          words.value = value;
        }}
      />
      {failure.value && <ApiTrouble code={failure.value} />}
      <div role="status">
        {list.value === null && failure.value === null && <p>{t("loading")}</p>}
        {list.value?.length === 0 && <p class="empty">{t(words.value ? "recordings-none" : "recordings-empty")}</p>}
      </div>
      <ul class="lesson-list" data-testid="recordings">
        {list.value?.map((recording) => (
          <RecordingCard key={recording.recording_id} recording={recording} />
        ))}
      </ul>
      {more.value && (
        <Button testid="recordings-more" onClick={() => void load(list.value?.length ?? 0)}>
          {t("recordings-more")}
        </Button>
      )}
    </QuietPage>
  );
}

function RecordingCard({ recording }: { readonly recording: Recording }): JSX.Element {
  const { author, state } = recording;
  return (
    <li class="card lesson-card" data-testid="recording" data-recording={recording.recording_id}>
      <div class="grow">
        <h2>
          <a href={`/recordings/${recording.recording_id}`}>
            <bdi>{recording.title}</bdi>
          </a>
        </h2>
        <p class="hint">
          {dateAndTime(recording.started_at)} · {elapsed(recording.duration_s)}
          {author && (
            <>
              {" · "}
              <bdi>{author}</bdi>
            </>
          )}
        </p>
      </div>
      {state !== "ready" && <Badge kind={state}>{t(`recording-${state}`)}</Badge>}
      {recording.access === "open" && <Badge kind="open">{t("recording-open")}</Badge>}
    </li>
  );
}
