import type { JSX } from "preact";
import type { Classroom } from "../classroom/classroom";
import { type ClassroomState, isTeaching, own } from "../classroom/state";
import { t } from "../i18n";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Badge } from "./words";

interface Props {
  readonly classroom: Classroom;
  readonly state: ClassroomState;
}

/** Everybody sees whether the lesson is recorded; nothing where it is not going to be. */
export function RecordingBadge({ state }: { readonly state: ClassroomState }): JSX.Element | null {
  const { recording, recording_kept } = state.lesson;
  if (recording === "off") return null;
  return (
    <span role="status" class="recording-status" data-testid="recording" data-state={recording}>
      <Badge kind={`recording ${recording}`}>{t(`recording-${recording}`)}</Badge>
      {!recording_kept && isTeaching(state.role) && (
        <span class="hint" data-testid="recording-waits">
          {t("recording-waits")}
        </span>
      )}
    </span>
  );
}

/** For teachers: pause and go on, stop and begin anew. */
export function RecordingControls({ classroom, state }: Props): JSX.Element {
  const { recording } = state.lesson;
  const choose = (to: "on" | "paused" | "off") => () => void classroom.request({ type: "set_recording", state: to });
  if (recording === "off") {
    return (
      <Button kind="quiet" icon="record" testid="record" onClick={choose("on")}>
        {t("recording-begin")}
      </Button>
    );
  }
  const paused = recording === "paused";
  return (
    <>
      <Button
        kind="quiet"
        icon={paused ? "record" : "pause"}
        testid="record"
        onClick={choose(paused ? "on" : "paused")}
      >
        {paused ? t("recording-go-on") : t("recording-pause")}
      </Button>
      <Button kind="quiet" icon="stop" iconOnly testid="record-stop" onClick={choose("off")}>
        {t("recording-stop")}
      </Button>
    </>
  );
}

/** What holds for a class of a recorded lesson; `onOpen` shows the choice. */
export function ConsentButton(props: {
  readonly state: ClassroomState;
  readonly onOpen: () => void;
}): JSX.Element | null {
  const { state, onOpen } = props;
  if (state.role !== "class" || state.lesson.recording === "off") return null;
  return (
    <Button kind="quiet" testid="open-consent" onClick={onOpen}>
      {own(state)?.consent ? t("consent-given") : t("consent-not-given")}
    </Button>
  );
}

/** The class's staff decides whether it is recorded while it has the floor. */
export function ConsentDialog(props: Props & { readonly onClose: () => void }): JSX.Element {
  const { classroom, state, onClose } = props;
  return (
    <Dialog title={t("consent-title")} onClose={onClose} testid="consent-dialog">
      <ConsentChoice classroom={classroom} state={state} onChosen={onClose} />
    </Dialog>
  );
}

/** One plain sentence and one click. */
export function ConsentChoice({ classroom, state, onChosen }: Props & { readonly onChosen?: () => void }): JSX.Element {
  const agreed = own(state)?.consent ?? false;
  const choose = (agree: boolean) => () => {
    void classroom.request({ type: "set_consent", agree });
    onChosen?.();
  };
  return (
    <section class="consent" aria-label={t("consent-title")} data-testid="consent" data-agreed={agreed}>
      <p>{t("consent-text")}</p>
      <div class="row">
        <Button pressed={agreed} testid="consent-agree" onClick={choose(true)}>
          {t("consent-agree")}
        </Button>
        <Button pressed={!agreed} testid="consent-refuse" onClick={choose(false)}>
          {t("consent-refuse")}
        </Button>
      </div>
    </section>
  );
}
