import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ApiError, type JoinInfo, joinInfo } from "../api";
import { Classroom } from "../classroom/classroom";
import { isTeaching } from "../classroom/state";
import { Button } from "../components/button";
import { DeviceSetup } from "../components/devices";
import { TextField } from "../components/field";
import { WatchRecording } from "../components/watch_recording";
import { Badge, QuietPage, Statement } from "../components/words";
import { exposeForTests } from "../expose";
import { t } from "../i18n";
import { Devices } from "../media/devices";
import { browserIsFit } from "../media/fitness";
import type { Role } from "../protocol";
import { forgetSeat, keepSeat, readSeat, rememberName, type Seat, storedName } from "../storage";
import { TeacherPage } from "./teacher";
import { WatchPage } from "./watch";

const NAME_MAX_CHARS = 60;

interface JoinProps {
  readonly token: string | null;
  /** The classroom that was prepared while the page loaded: for the first time that somebody enters. */
  readonly prepared: Classroom | null;
}

/** From a link to the lesson: before joining, the lesson, after it. A tab that is reloaded goes straight back in. */
export function JoinPage({ token, prepared }: JoinProps): JSX.Element {
  const devices = useMemo(() => prepared?.devices ?? new Devices(), []);
  const first = useRef(prepared);
  const classroom = useSignal<Classroom | null>(null);
  const enter = (seat: Seat) => {
    keepSeat(seat);
    const entered = first.current ?? new Classroom(seat.token, devices);
    first.current = null;
    exposeForTests(entered);
    entered.enter(seat);
    classroom.value = entered;
  };
  useEffect(() => {
    const seat = token ? readSeat(token) : null;
    if (seat?.resume) enter(seat);
  }, [token]);
  if (!browserIsFit()) return <Trouble code="unsupported" />;
  if (!token) return <Trouble code="no_link" />;
  const back = () => {
    classroom.value = null;
  };
  if (classroom.value)
    return (
      <InLesson
        classroom={classroom.value}
        onBack={back}
        onReturn={() => enter(readSeat(token) ?? { token, name: storedName(), resume: "" })}
      />
    );
  // While a person reads and types, the browser makes the connection and its offer: it takes its time for both.
  const draft = () => first.current?.subscriber.link.draft();
  return (
    <BeforeLesson
      token={token}
      devices={devices}
      onShown={draft}
      onEnter={(name) => enter({ token, name, resume: "" })}
    />
  );
}

function Trouble({ code, children }: { readonly code: string; readonly children?: ComponentChildren }): JSX.Element {
  return (
    <QuietPage>
      <Statement title={t(`refused-${code}`)} text={t(`refused-${code}-hint`)} code={code} testid={`refused-${code}`}>
        {children}
      </Statement>
    </QuietPage>
  );
}

// ---------------------------------------------------------------- in the lesson

interface InLessonProps {
  readonly classroom: Classroom;
  /** To the page before the lesson. */
  readonly onBack: () => void;
  /** Straight in again, with the kept seat. */
  readonly onReturn: () => void;
}

function InLesson({ classroom, onBack, onReturn }: InLessonProps): JSX.Element {
  const state = classroom.state.value;
  const ending = state?.lesson.state === "ended" ? "ended" : classroom.connection.ending.value;
  if (ending) {
    const again = ending === "ended" || ending === "removed" ? undefined : ending === "taken_over" ? onReturn : onBack;
    return (
      <Trouble code={ending}>
        {again && (
          <Button kind="primary" onClick={again} testid="enter-again">
            {t("enter-again")}
          </Button>
        )}
        {ending === "ended" && state && <WatchRecording lessonId={state.lesson.lesson_id} token={classroom.token} />}
      </Trouble>
    );
  }
  if (!state) {
    const lost = classroom.connection.status.value === "lost";
    return (
      <QuietPage>
        <div role="status">
          <Statement title={t("entering")} text={lost ? t("connection-lost") : t("entering-hint")} testid="entering" />
        </div>
      </QuietPage>
    );
  }
  return isTeaching(state.role) ? <TeacherPage classroom={classroom} /> : <WatchPage classroom={classroom} />;
}

// ---------------------------------------------------------------- before it

interface BeforeProps {
  readonly token: string;
  readonly devices: Devices;
  /** The form is drawn. */
  readonly onShown: () => void;
  readonly onEnter: (name: string) => void;
}

function BeforeLesson({ token, devices, onShown, onEnter }: BeforeProps): JSX.Element {
  const info = useSignal<JoinInfo | null>(null);
  const failure = useSignal<string | null>(null);
  const load = async () => {
    try {
      failure.value = null;
      info.value = await joinInfo(token);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error.code;
    }
  };
  useEffect(() => {
    void load();
  }, [token]);
  const code = info.value?.state === "ended" ? "ended" : failure.value;
  if (code === "connection_lost") {
    return (
      <QuietPage>
        <Statement title={t("no-server")} text={t("no-server-hint")} testid="no-server">
          <Button kind="primary" onClick={() => void load()}>
            {t("try-again")}
          </Button>
        </Statement>
      </QuietPage>
    );
  }
  if (code === "ended" && info.value) {
    return (
      <Trouble code={code}>
        <WatchRecording lessonId={info.value.lesson_id} token={token} />
      </Trouble>
    );
  }
  if (code) return <Trouble code={LINK_TROUBLES.has(code) ? code : "bad_token"} />;
  if (!info.value) {
    return (
      <QuietPage>
        <p role="status">{t("loading")}</p>
      </QuietPage>
    );
  }
  return <EntryForm info={info.value} devices={devices} onShown={onShown} onEnter={onEnter} />;
}

const LINK_TROUBLES: ReadonlySet<string> = new Set(["bad_token", "expired", "revoked", "ended", "too_fast"]);

function EntryForm(props: {
  readonly info: JoinInfo;
  readonly devices: Devices;
  readonly onShown: () => void;
  readonly onEnter: (name: string) => void;
}): JSX.Element {
  const { info, devices } = props;
  const name = useSignal(info.label || storedName());
  const shows = info.role !== "viewer";
  useEffect(() => {
    if (shows) void devices.acquire();
  }, [shows, devices]);
  useEffect(props.onShown, []);
  const enter = (event: Event) => {
    event.preventDefault();
    rememberName(name.value.trim());
    forgetSeat();
    // A class is neither seen nor heard until it has the floor: its lamp goes out meanwhile.
    if (info.role === "class" || info.role === "co_teacher") devices.release();
    props.onEnter(name.value.trim());
  };
  return (
    <QuietPage wide={shows}>
      <form class="entry" onSubmit={enter} data-testid="entry" data-role={info.role}>
        <header>
          <p class="hint">{t(`entry-${info.role}`)}</p>
          <h1>
            <bdi>{info.title}</bdi>
          </h1>
          <Badge kind={info.state}>{t(`lesson-${info.state}`)}</Badge>
        </header>
        <TextField
          label={t(`name-${info.role}`)}
          hint={t(`name-${info.role}-hint`)}
          value={name.value}
          maxLength={NAME_MAX_CHARS}
          required={info.role !== "viewer"}
          autocomplete="name"
          testid="name"
          onInput={(value) => {
            name.value = value;
          }}
        />
        {shows && <DeviceSetup devices={devices} />}
        <a href="/link-test" data-testid="open-link-test">
          {t("test-this-link")}
        </a>
        <div class="row end">
          {shows && <p class="hint grow">{t(entryPromise(info.role))}</p>}
          <Button kind="primary" type="submit" testid="enter">
            {t("enter")}
          </Button>
        </div>
      </form>
    </QuietPage>
  );
}

const entryPromise = (role: Role): string => (role === "teacher" ? "entry-promise-teacher" : "entry-promise-class");
