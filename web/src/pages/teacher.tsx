import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Classroom } from "../classroom/classroom";
import { type ClassroomState, hasFloor } from "../classroom/state";
import { Button } from "../components/button";
import { Chat } from "../components/chat";
import { ClassList } from "../components/class_list";
import { DeviceSetup } from "../components/devices";
import { Confirm, Dialog } from "../components/dialog";
import { Icon } from "../components/icons";
import { Invitations } from "../components/invitations";
import { pushToTalk, toggleFullScreen, useShortcuts } from "../components/keyboard";
import { HelpDialog, LessonBadge, Notices } from "../components/lesson";
import { RecordingBadge, RecordingControls } from "../components/recording";
import { StageView } from "../components/stage";
import { TeacherStage } from "../components/teacher_stage";
import { Sounds } from "../components/video";
import { useWakeLock } from "../components/wake_lock";
import { Badge, LinkBars } from "../components/words";
import { rate, t } from "../i18n";
import type { Lowered } from "../media/lowered";
import { ScreenShare } from "../media/screen";
import { MediaToggles } from "./watch";

const LOWERED: readonly Lowered[] = ["computer", "link", "spared"];

type Open = "devices" | "links" | "help" | "begin" | "end" | null;

/** The console of the teacher, and of a co-teacher, who also sees the teacher. */
export function TeacherPage({ classroom }: { readonly classroom: Classroom }): JSX.Element | null {
  const state = classroom.state.value;
  const open = useSignal<Open>(null);
  const show = (what: Open) => () => {
    open.value = what;
  };
  const talk = useMemo(
    () =>
      pushToTalk(
        () => classroom.microphoneOn.value,
        () => classroom.toggleMicrophone(),
      ),
    [classroom],
  );
  useWakeLock(state?.lesson.state === "live");
  useShortcuts({
    talk,
    microphone: () => classroom.toggleMicrophone(),
    fullScreen: toggleFullScreen,
    help: show("help"),
  });
  if (!state) return null;
  return (
    <div class="console" data-testid="console" data-role={state.role}>
      <ConsoleHead classroom={classroom} state={state} show={show} />
      <Notices classroom={classroom} />
      <main class="console-main">
        {state.role === "teacher" ? <TeacherStage classroom={classroom} /> : <StageView classroom={classroom} />}
        <div class="toolbar" role="toolbar" aria-label={t("controls")}>
          <ConsoleControls classroom={classroom} state={state} show={show} />
        </div>
        <SendingNotes classroom={classroom} />
      </main>
      <aside class="console-side">
        <ClassList classroom={classroom} state={state} onLinks={show("links")} />
        <Chat classroom={classroom} titled />
      </aside>
      <Sounds subscriber={classroom.subscriber} />
      <ConsoleDialogs classroom={classroom} state={state} open={open.value} close={show(null)} />
    </div>
  );
}

function ConsoleHead(props: ConsoleProps & { readonly show: (what: Open) => () => void }): JSX.Element {
  const { classroom, state, show } = props;
  return (
    <header class="console-head">
      <h1 class="lesson-title">
        <bdi>{state.lesson.title}</bdi>
      </h1>
      {state.lesson.kind === "partial" && <Badge kind="kind">{t("kind-partial")}</Badge>}
      <LessonBadge state={state} />
      <RecordingBadge state={state} />
      <RecordingControls classroom={classroom} state={state} />
      {state.lesson.locked && <Badge kind="locked">{t("locked")}</Badge>}
      <span class="grow" />
      <LinkBars link={state.links.up?.link ?? state.links.down?.link ?? "unknown"} lead={t("own-link")} />
      <Button kind="quiet" icon="settings" testid="open-devices" onClick={show("devices")}>
        {t("devices")}
      </Button>
      <Button kind="quiet" icon="help" testid="open-help" onClick={show("help")}>
        {t("help")}
      </Button>
    </header>
  );
}

/** What is lowered of the pictures that leave this computer, and why. */
function SendingNotes({ classroom }: { readonly classroom: Classroom }): JSX.Element {
  const found = classroom.sending.lowered.value;
  const up = classroom.state.value?.links.up;
  const withheld = (classroom.publisher.value?.withheld.value.size ?? 0) > 0;
  return (
    <ul class="sending" role="status">
      {up?.short && (
        <li class="link" data-testid="sending-uplink">
          <Icon name="warning" />
          {t(withheld ? "sending-uplink-off" : "sending-uplink-less", { rate: rate(up.estimate_bps) })}
        </li>
      )}
      {LOWERED.filter((one) => found.has(one) && !(up?.short && one === "link")).map((one) => (
        <li key={one} class={one} data-testid={`sending-${one}`}>
          {one !== "spared" && <Icon name="warning" />}
          {t(`sending-${one}`)}
        </li>
      ))}
    </ul>
  );
}

interface ConsoleProps {
  readonly classroom: Classroom;
  readonly state: ClassroomState;
}

function ConsoleControls(props: ConsoleProps & { readonly show: (what: Open) => () => void }): JSX.Element {
  const { classroom, state, show } = props;
  const sharing = classroom.screen.on.value;
  return (
    <>
      {(state.role === "teacher" || hasFloor(state)) && <MediaToggles classroom={classroom} />}
      {state.role === "co_teacher" && <OwnFloor classroom={classroom} state={state} />}
      {ScreenShare.supported && (
        <Button
          icon="screen"
          pressed={sharing}
          disabled={state.lesson.state !== "live" && !sharing}
          testid="share-screen"
          onClick={() => void classroom.toggleSharing()}
        >
          {sharing ? t("screen-stop") : t("screen-share")}
        </Button>
      )}
      <LiveButton classroom={classroom} state={state} show={show} />
    </>
  );
}

/** The one primary action: begin the lesson, then end it. Without camera and microphone the teacher is asked first. */
function LiveButton(props: ConsoleProps & { readonly show: (what: Open) => () => void }): JSX.Element {
  const { classroom, state, show } = props;
  if (state.lesson.state === "live") {
    return (
      <Button kind="danger" testid="end-lesson" onClick={show("end")}>
        {t("lesson-end")}
      </Button>
    );
  }
  const ready = state.role !== "teacher" || classroom.devices.microphone.track.value !== null;
  const begin = () => void classroom.request({ type: "set_live", state: "live" });
  return (
    <Button kind="primary" icon="play" testid="start-lesson" onClick={ready ? begin : show("begin")}>
      {t("lesson-begin")}
    </Button>
  );
}

function OwnFloor({ classroom, state }: ConsoleProps): JSX.Element {
  if (hasFloor(state)) {
    return (
      <Button icon="hand" testid="give-back-floor" onClick={() => void classroom.request({ type: "take_floor" })}>
        {t("floor-give-back")}
      </Button>
    );
  }
  return (
    <Button
      icon="microphone"
      disabled={state.lesson.state !== "live"}
      testid="take-own-floor"
      onClick={() => void classroom.request({ type: "answer_floor", accept: true })}
    >
      {t("floor-take-own")}
    </Button>
  );
}

function ConsoleDialogs(props: ConsoleProps & { readonly open: Open; readonly close: () => void }): JSX.Element | null {
  const { classroom, state, open, close } = props;
  switch (open) {
    case "devices":
      return (
        <Dialog title={t("devices")} onClose={close} testid="devices-dialog" wide>
          <DeviceSetup devices={classroom.devices} />
        </Dialog>
      );
    case "links":
      return (
        <Dialog title={t("links")} onClose={close} testid="links-dialog" wide>
          <Invitations lessonId={state.lesson.lesson_id} token={classroom.token} />
        </Dialog>
      );
    case "help":
      return <HelpDialog keys={["talk", "microphone", "full-screen", "help"]} onClose={close} />;
    case "begin":
      return (
        <Confirm
          title={t("begin-silent-title")}
          text={t("begin-silent-text")}
          action={t("lesson-begin")}
          testid="begin-silent"
          onConfirm={() => void classroom.request({ type: "set_live", state: "live" })}
          onClose={close}
        />
      );
    case "end":
      return (
        <Confirm
          title={t("end-title")}
          text={t("end-text")}
          action={t("lesson-end")}
          testid="end-lesson"
          onConfirm={() => void classroom.request({ type: "set_live", state: "ended" })}
          onClose={close}
        />
      );
    default:
      return null;
  }
}
