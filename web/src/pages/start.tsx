import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { type Account, ApiError, createLesson, endLesson, invite, type Lesson, lessons, me, signOut } from "../api";
import { Button } from "../components/button";
import { Confirm, Dialog } from "../components/dialog";
import { Choice, TextField } from "../components/field";
import { ApiTrouble, Invitations, Validity } from "../components/invitations";
import { Badge, QuietPage } from "../components/words";
import { dateAndTime, t } from "../i18n";
import type { Role } from "../protocol";
import { SignInForm } from "./sign_in";

const TITLE_MAX_CHARS = 200;
/** Every new lesson has a link for each of them at once. */
const FIRST_LINKS: readonly Role[] = ["teacher", "co_teacher", "class", "viewer"];

/** The first page: signing in, then the administrator's lessons. */
export function StartPage(): JSX.Element {
  const account = useSignal<Account | null | undefined>(undefined);
  const failure = useSignal<string | null>(null);
  useEffect(() => {
    me().then(
      (found) => {
        account.value = found;
      },
      (error: unknown) => {
        account.value = null;
        if (error instanceof ApiError && error.code === "connection_lost") failure.value = error.code;
      },
    );
  }, []);
  if (account.value === undefined) {
    return (
      <QuietPage>
        <p role="status">{t("loading")}</p>
      </QuietPage>
    );
  }
  if (account.value === null) {
    return (
      <QuietPage>
        {failure.value && <ApiTrouble code={failure.value} />}
        <SignInForm
          onSignedIn={(found) => {
            failure.value = null;
            account.value = found;
          }}
        />
        <a href="/link-test">{t("test-this-link")}</a>
      </QuietPage>
    );
  }
  return (
    <LessonsPage
      onSignOut={async () => {
        await signOut();
        account.value = null;
      }}
    />
  );
}

function LessonsPage({ onSignOut }: { readonly onSignOut: () => Promise<void> }): JSX.Element {
  const list = useSignal<readonly Lesson[] | null>(null);
  const failure = useSignal<string | null>(null);
  const opened = useSignal<string | null>(null);
  const attempt = async (act: () => Promise<unknown>) => {
    try {
      failure.value = null;
      await act();
      list.value = await lessons();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error.code;
    }
  };
  useEffect(() => {
    void attempt(async () => undefined);
  }, []);
  const create = (title: string, kind: "full" | "partial", hours: number) =>
    attempt(async () => {
      const { lesson_id } = await createLesson(title, kind);
      for (const role of FIRST_LINKS) await invite(lesson_id, role, hours, "");
      opened.value = lesson_id;
    });
  const shown = list.value?.find((one) => one.lesson_id === opened.value);
  return (
    <QuietPage wide>
      <header class="row">
        <h1 class="grow">{t("lessons")}</h1>
        <a href="/recordings" data-testid="to-recordings">
          {t("recordings")}
        </a>
        <Button kind="quiet" testid="sign-out" onClick={() => void onSignOut()}>
          {t("sign-out")}
        </Button>
      </header>
      <NewLesson onCreate={create} />
      {failure.value && <ApiTrouble code={failure.value} />}
      {list.value?.length === 0 && <p class="empty">{t("lessons-empty")}</p>}
      <ul class="lesson-list" data-testid="lessons">
        {list.value?.map((lesson) => (
          <LessonCard
            key={lesson.lesson_id}
            lesson={lesson}
            onLinks={() => {
              opened.value = lesson.lesson_id;
            }}
            onEnd={() => void attempt(() => endLesson(lesson.lesson_id))}
          />
        ))}
      </ul>
      <p class="row">
        <a href="/link-tests" data-testid="open-link-tests">
          {t("tests-title")}
        </a>
        <a href="/link-test">{t("test-this-link")}</a>
      </p>
      {shown && (
        <Dialog
          title={t("links-of", { title: shown.title })}
          wide
          testid="links-dialog"
          onClose={() => {
            opened.value = null;
          }}
        >
          <Invitations lessonId={shown.lesson_id} />
        </Dialog>
      )}
    </QuietPage>
  );
}

function NewLesson(props: {
  readonly onCreate: (title: string, kind: "full" | "partial", hours: number) => Promise<void>;
}): JSX.Element {
  const title = useSignal("");
  const kind = useSignal<"full" | "partial">("full");
  const hours = useSignal(24);
  const create = async (event: Event) => {
    event.preventDefault();
    await props.onCreate(title.value.trim(), kind.value, hours.value);
    title.value = "";
  };
  return (
    <form class="card new-lesson" onSubmit={(event) => void create(event)} data-testid="new-lesson">
      <TextField
        label={t("lesson-title")}
        hint={t("lesson-title-hint")}
        value={title.value}
        maxLength={TITLE_MAX_CHARS}
        required
        testid="lesson-title"
        onInput={(value) => {
          title.value = value;
        }}
      />
      <Choice
        label={t("lesson-kind")}
        value={kind.value}
        options={[
          ["full", t("kind-full")],
          ["partial", t("kind-partial")],
        ]}
        onChange={(value) => {
          kind.value = value as "full" | "partial";
        }}
        testid="lesson-kind"
      />
      <Validity
        hours={hours.value}
        onChange={(value) => {
          hours.value = value;
        }}
      />
      <Button kind="primary" type="submit" testid="create-lesson">
        {t("lesson-create")}
      </Button>
    </form>
  );
}

function LessonCard(props: {
  readonly lesson: Lesson;
  readonly onLinks: () => void;
  readonly onEnd: () => void;
}): JSX.Element {
  const { lesson } = props;
  const asking = useSignal(false);
  return (
    <li class="card lesson-card" data-testid="lesson" data-lesson={lesson.lesson_id}>
      <div class="grow">
        <h2>
          <bdi>{lesson.title}</bdi>
        </h2>
        <p class="hint">
          {t(`kind-${lesson.kind}`)} · {dateAndTime(lesson.live_since ?? lesson.created_at)}
        </p>
      </div>
      <Badge kind={lesson.state}>{t(`lesson-${lesson.state}`)}</Badge>
      {lesson.state === "ended" && (
        <a href={`/recordings?lesson=${lesson.lesson_id}`} data-testid="lesson-recordings">
          {t("recording-watch")}
        </a>
      )}
      {lesson.state !== "ended" && (
        <div class="row">
          <Button icon="link" testid="lesson-links" onClick={props.onLinks}>
            {t("links")}
          </Button>
          <Button
            kind="quiet"
            testid="lesson-end"
            onClick={() => {
              asking.value = true;
            }}
          >
            {t("lesson-end")}
          </Button>
        </div>
      )}
      {asking.value && (
        <Confirm
          title={t("end-title")}
          text={t("end-text")}
          action={t("lesson-end")}
          testid="lesson-end"
          onConfirm={props.onEnd}
          onClose={() => {
            asking.value = false;
          }}
        />
      )}
    </li>
  );
}
