import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ApiError } from "../api";
import { Button } from "../components/button";
import { ReplayControls } from "../components/replay_controls";
import { ReplayStage } from "../components/replay_stage";
import { Badge, QuietPage, Statement } from "../components/words";
import { dateAndTime, t } from "../i18n";
import { type RecordingDetail, recordingDetail } from "../replay/api";
import { Player } from "../replay/player";
import { Stream } from "../replay/stream";
import { MAIN_SOUND } from "../replay/timeline";
import "../styles/lesson.css";
import "../styles/replay.css";

const LOOK_AGAIN_MS = 5000;

interface Props {
  readonly recordingId: string;
  readonly token: string | null;
}

/** One recording: the player, or in words why there is none. */
export function RecordingPage({ recordingId, token }: Props): JSX.Element {
  const player = useSignal<Player | null>(null);
  const failure = useSignal<string | null>(null);
  const load = async () => {
    try {
      const found = await readable(recordingId, token);
      failure.value = null;
      const heard = found.detail.tracks.some((track) => track.slot === MAIN_SOUND);
      if (heard) player.value = exposed(new Player(found.detail, found.token));
      else failure.value = found.detail.state === "ready" ? "nothing" : "not_yet";
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error.code;
    }
  };
  useEffect(() => {
    void load();
    return () => player.value?.close();
  }, [recordingId, token]);
  useEffect(() => {
    if (failure.value !== "not_yet") return;
    const timer = setTimeout(() => void load(), LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  });
  if (!Stream.supported) return <NoRecording code="unsupported" />;
  if (failure.value) return <NoRecording code={failure.value} onRetry={() => void load()} />;
  if (!player.value) {
    return (
      <QuietPage>
        <p role="status">{t("loading")}</p>
      </QuietPage>
    );
  }
  return <Replay player={player.value} />;
}

/** The invitation that this tab holds may be of another lesson: then whoever is signed in speaks, or nobody. */
async function readable(
  recordingId: string,
  token: string | null,
): Promise<{ readonly detail: RecordingDetail; readonly token: string | null }> {
  if (token) {
    try {
      return { detail: await recordingDetail(recordingId, token), token };
    } catch (error) {
      if (!(error instanceof ApiError) || error.code === "connection_lost") throw error;
    }
  }
  return { detail: await recordingDetail(recordingId), token: null };
}

/** A window into the player for tests and for a person with the browser's console open. */
function exposed(player: Player): Player {
  Object.assign(window, { __replay: player });
  return player;
}

const RETRIED: ReadonlySet<string> = new Set(["connection_lost", "archive_unavailable"]);
const EXPLAINED: ReadonlySet<string> = new Set(["unsupported", "nothing", "not_yet", "not_found", ...RETRIED]);

function NoRecording({ code, onRetry }: { readonly code: string; readonly onRetry?: () => void }): JSX.Element {
  const known = EXPLAINED.has(code) ? code : "not_found";
  return (
    <QuietPage>
      <div role="status">
        <Statement
          title={t(`no-recording-${known}`)}
          text={t(`no-recording-${known}-hint`)}
          code={code}
          testid={`no-recording-${known}`}
        >
          {onRetry && RETRIED.has(code) && (
            <Button kind="primary" onClick={onRetry}>
              {t("try-again")}
            </Button>
          )}
          <a href="/recordings">{t("to-recordings")}</a>
        </Statement>
      </div>
    </QuietPage>
  );
}

function Replay({ player }: { readonly player: Player }): JSX.Element {
  const { title, author, started_at, state } = player.detail.value;
  const trouble = player.trouble.value;
  useEffect(() => {
    document.title = `${title} · ${t("recordings")}`;
  }, [title]);
  if (trouble === "not_found") return <NoRecording code="not_found" />;
  return (
    <QuietPage wide>
      <header class="replay-head">
        <h1>
          <bdi>{title}</bdi>
        </h1>
        <p class="hint">
          {dateAndTime(started_at)}
          {author && (
            <>
              {" · "}
              <bdi>{author}</bdi>
            </>
          )}{" "}
          {state !== "ready" && <Badge kind={state}>{t(`recording-${state}`)}</Badge>}
        </p>
      </header>
      <section class="replay" id="replay" data-testid="replay" aria-label={t("recording-player")}>
        <ReplayStage player={player} />
        <ReplayControls player={player} />
      </section>
      <p class="hint">{t("replay-keys")}</p>
      <a href="/recordings">{t("to-recordings")}</a>
    </QuietPage>
  );
}
