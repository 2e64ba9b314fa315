import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Classroom } from "../classroom/classroom";
import { type ClassroomState, feedMinutes, hasFloor, own } from "../classroom/state";
import { Button } from "../components/button";
import { Chat } from "../components/chat";
import { Confirm, Dialog } from "../components/dialog";
import { FloorOfferDialog } from "../components/floor_offer";
import { canFullScreen, pushToTalk, toggleFullScreen, useShortcuts } from "../components/keyboard";
import { HelpDialog, LessonBadge, Notices, unixNow } from "../components/lesson";
import { ReceptionPanel } from "../components/reception";
import { ConsentButton, ConsentDialog, RecordingBadge } from "../components/recording";
import { StageView } from "../components/stage";
import { Sounds } from "../components/video";
import { useWakeLock } from "../components/wake_lock";
import { LinkBars } from "../components/words";
import { t } from "../i18n";

const FADE_MS = 4000;

type Open = "chat" | "consent" | "help" | "leave" | null;

interface Props {
  readonly classroom: Classroom;
  readonly state: ClassroomState;
}

/** The lesson as a class sees it on a projector, and as a viewer sees it on a phone. */
export function WatchPage({ classroom }: { readonly classroom: Classroom }): JSX.Element | null {
  const state = classroom.state.value;
  const open = useSignal<Open>(null);
  const reception = useSignal(false);
  const read = useSignal(state?.chat.length ?? 0);
  const live = state?.lesson.state === "live";
  const faded = useFadingControls(live && open.value === null && !reception.value);
  useWakeLock(live);
  useWatchKeys(classroom, () => {
    open.value = "help";
  });
  if (!state) return null;
  const show = (what: Open) => () => {
    read.value = state.chat.length;
    open.value = what;
  };
  const unread = open.value === "chat" ? 0 : Math.max(0, state.chat.length - read.value);
  return (
    <div class={`watch ${state.role}${faded ? " faded" : ""}`} data-testid="watch" data-role={state.role}>
      <main>
        <StageView classroom={classroom} />
      </main>
      <WatchHead
        state={state}
        show={show}
        reception={reception.value}
        toggleReception={() => {
          reception.value = !reception.value;
        }}
      />
      {reception.value && (
        <ReceptionPanel
          classroom={classroom}
          onClose={() => {
            reception.value = false;
          }}
        />
      )}
      <Notices classroom={classroom} />
      <section class="controls" aria-label={t("controls")}>
        <WatchControls classroom={classroom} state={state} />
        <Button icon="chat" testid="open-chat" onClick={show("chat")}>
          {t("chat-unread", { count: unread })}
        </Button>
        {canFullScreen() && (
          <Button icon="fullScreen" iconOnly shortcut="f" onClick={toggleFullScreen} testid="full-screen">
            {t("full-screen")}
          </Button>
        )}
      </section>
      <Sounds subscriber={classroom.subscriber} />
      <WatchDialogs classroom={classroom} state={state} open={open.value} close={show(null)} />
    </div>
  );
}

function WatchHead(props: {
  readonly state: ClassroomState;
  readonly show: (what: Open) => () => void;
  readonly reception: boolean;
  readonly toggleReception: () => void;
}): JSX.Element {
  const { state, show } = props;
  return (
    <header class="watch-head">
      <h1 class="lesson-title">
        <bdi>{state.lesson.title}</bdi>
      </h1>
      <LessonBadge state={state} />
      <RecordingBadge state={state} />
      <ConsentButton state={state} onOpen={show("consent")} />
      <Button kind="quiet" pressed={props.reception} testid="open-reception" onClick={props.toggleReception}>
        <LinkBars link={state.links.down?.link ?? "unknown"} lead={t("own-link")} />
      </Button>
      <Button kind="quiet" icon="help" testid="open-help" onClick={show("help")}>
        {t("help")}
      </Button>
      <Button kind="quiet" icon="leave" testid="leave" onClick={show("leave")}>
        {t("leave")}
      </Button>
    </header>
  );
}

function WatchDialogs(props: Props & { readonly open: Open; readonly close: () => void }): JSX.Element {
  const { classroom, state, open, close } = props;
  return (
    <>
      {open === "chat" && (
        <Dialog title={t("chat")} onClose={close} testid="chat-dialog">
          <Chat classroom={classroom} />
        </Dialog>
      )}
      {open === "consent" && <ConsentDialog classroom={classroom} state={state} onClose={close} />}
      {open === "help" && <HelpDialog keys={["hand", "full-screen", "microphone", "talk", "help"]} onClose={close} />}
      {open === "leave" && (
        <Confirm
          title={t("leave-title")}
          text={t("leave-text")}
          action={t("leave")}
          testid="leave"
          onConfirm={() => classroom.leave()}
          onClose={close}
        />
      )}
      {state.floorOffer && !state.floorOffer.accepted && (
        <FloorOfferDialog classroom={classroom} state={state} offer={state.floorOffer} />
      )}
    </>
  );
}

/** The microphone's keys work only while the class has the floor. */
function useWatchKeys(classroom: Classroom, help: () => void): void {
  const talk = useMemo(
    () =>
      pushToTalk(
        () => classroom.microphoneOn.value,
        () => classroom.toggleMicrophone(),
      ),
    [classroom],
  );
  const state = classroom.state.value;
  const speaking = state !== null && hasFloor(state);
  useShortcuts({
    talk: speaking ? talk : undefined,
    microphone: speaking ? () => classroom.toggleMicrophone() : undefined,
    hand: () => void toggleHand(classroom),
    fullScreen: toggleFullScreen,
    help,
  });
}

function WatchControls({
  classroom,
  state,
}: {
  readonly classroom: Classroom;
  readonly state: ClassroomState;
}): JSX.Element {
  const me = own(state);
  const feedOn = me?.feed_on ?? true;
  const switchable = state.lesson.kind === "partial" && state.role === "class" && state.lesson.state === "live";
  return (
    <>
      {switchable && (
        <Button
          kind={feedOn ? "plain" : "primary"}
          icon="play"
          pressed={feedOn}
          testid="feed"
          onClick={() => void classroom.request({ type: "set_feed", on: !feedOn })}
        >
          {feedOn
            ? t("feed-switch-off", { minutes: me ? feedMinutes(state, me, unixNow.value) : 0 })
            : t("feed-switch-on")}
        </Button>
      )}
      {hasFloor(state) ? (
        <SpeakingControls classroom={classroom} />
      ) : (
        <Button
          kind={me?.hand || (switchable && !feedOn) ? "plain" : "primary"}
          icon="hand"
          pressed={me?.hand ?? false}
          shortcut="h"
          testid="hand"
          onClick={() => void toggleHand(classroom)}
        >
          {me?.hand ? t("hand-lower") : t("hand-raise")}
        </Button>
      )}
    </>
  );
}

function SpeakingControls({ classroom }: { readonly classroom: Classroom }): JSX.Element {
  return (
    <>
      <MediaToggles classroom={classroom} />
      <Button
        kind="primary"
        icon="hand"
        testid="give-back-floor"
        onClick={() => void classroom.request({ type: "take_floor" })}
      >
        {t("floor-give-back")}
      </Button>
    </>
  );
}

export function MediaToggles({ classroom }: { readonly classroom: Classroom }): JSX.Element {
  const microphone = classroom.microphoneOn.value;
  const camera = classroom.cameraOn.value;
  return (
    <>
      <Button
        icon={microphone ? "microphone" : "microphoneOff"}
        pressed={microphone}
        shortcut="m"
        testid="microphone"
        onClick={() => classroom.toggleMicrophone()}
      >
        {microphone ? t("microphone-on") : t("microphone-off")}
      </Button>
      <Button
        icon={camera ? "camera" : "cameraOff"}
        pressed={camera}
        testid="camera"
        onClick={() => classroom.toggleCamera()}
      >
        {camera ? t("camera-on") : t("camera-off")}
      </Button>
    </>
  );
}

async function toggleHand(classroom: Classroom): Promise<void> {
  const state = classroom.state.value;
  if (!state || hasFloor(state)) return;
  await classroom.request({ type: "set_hand", up: !own(state)?.hand });
}

/** Controls fade after four quiet seconds; any key, touch or movement brings them back, and focus keeps them. */
function useFadingControls(mayFade: boolean): boolean {
  const faded = useSignal(false);
  const timer = useRef(0);
  useEffect(() => {
    const wake = () => {
      faded.value = false;
      clearTimeout(timer.current);
      if (mayFade) timer.current = setTimeout(fade, FADE_MS);
    };
    const fade = () => {
      faded.value = document.querySelector(".controls :focus-visible") === null;
    };
    const events = ["pointermove", "pointerdown", "keydown", "focusin"] as const;
    for (const event of events) addEventListener(event, wake);
    wake();
    return () => {
      clearTimeout(timer.current);
      for (const event of events) removeEventListener(event, wake);
    };
  }, [mayFade]);
  return faded.value;
}
