import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Classroom } from "../classroom/classroom";
import {
  type ClassroomState,
  feedMinutes,
  floorHolder,
  flows,
  hands,
  ofRoles,
  sufferingFirst,
  suffers,
} from "../classroom/state";
import { t } from "../i18n";
import type { ParticipantInfo } from "../protocol";
import { Button } from "./button";
import { Confirm } from "./dialog";
import { Icon } from "./icons";
import { unixNow } from "./lesson";
import { SlotVideo } from "./video";
import { Badge, LinkBars } from "./words";

interface Props {
  readonly classroom: Classroom;
  readonly state: ClassroomState;
}

/** Who is in the lesson: the one with the floor, raised hands in their order, then all classes. */
export function ClassList(props: Props & { readonly onLinks: () => void }): JSX.Element {
  const { classroom, state } = props;
  const { locked } = state.lesson;
  const raised = hands(state);
  const classes = ofRoles(state, "class");
  const others = sufferingFirst(classes.filter((one) => !one.hand));
  const suffering = classes.filter(suffers).length;
  const viewers = ofRoles(state, "viewer");
  const present = classes.filter((one) => one.present).length;
  const teachers = ofRoles(state, "teacher", "co_teacher").filter((one) => one.participant_id !== state.me);
  return (
    <section class="classes" aria-label={t("classes")} data-testid="classes">
      <FloorPanel classroom={classroom} state={state} />
      <header class="row">
        <h2>{t("classes")}</h2>
        <span class="hint" data-testid="present">
          {t("classes-present", { present, all: classes.length })}
        </span>
        {suffering > 0 && (
          <span class="suffering" data-testid="suffering">
            <Icon name="warning" />
            {t("classes-suffer", { count: suffering })}
          </span>
        )}
      </header>
      <div class="row class-entry">
        {state.role === "teacher" && (
          <Button icon="link" testid="open-links" onClick={props.onLinks}>
            {t("links")}
          </Button>
        )}
        <Button
          icon={locked ? "lock" : "unlock"}
          pressed={locked}
          testid="lock"
          onClick={() => void classroom.request({ type: "set_locked", locked: !locked })}
        >
          {locked ? t("unlock") : t("lock")}
        </Button>
      </div>
      <p class="visually-hidden" role="status">
        {raised.length > 0 ? t("hands-raised", { count: raised.length }) : ""}
      </p>
      {classes.length === 0 && raised.length === 0 && <p class="empty">{t("classes-empty")}</p>}
      <ul class="class-list">
        {[...raised, ...others, ...teachers].map((one) => (
          <ClassRow key={one.participant_id} classroom={classroom} state={state} one={one} />
        ))}
      </ul>
      {viewers.length > 0 && <Viewers classroom={classroom} state={state} viewers={viewers} />}
    </section>
  );
}

/** How many watch; those with a raised hand stand above, among the hands. */
function Viewers(props: Props & { readonly viewers: readonly ParticipantInfo[] }): JSX.Element {
  const quiet = props.viewers.filter((one) => !one.hand);
  return (
    <details class="viewers">
      <summary>{t("viewers", { count: props.viewers.filter((one) => one.present).length })}</summary>
      <ul class="class-list">
        {quiet.map((one) => (
          <ClassRow key={one.participant_id} classroom={props.classroom} state={props.state} one={one} />
        ))}
      </ul>
    </details>
  );
}

function ClassRow({ classroom, state, one }: Props & { readonly one: ParticipantInfo }): JSX.Element {
  const mayRemove = one.role === "class" || one.role === "viewer";
  return (
    <li
      class={one.hand ? "class-row hand" : "class-row"}
      data-testid="participant"
      data-participant={one.participant_id}
    >
      <div class="class-who">
        {one.hand && (
          <span class="raised">
            <Icon name="hand" />
            <span class="visually-hidden">{t("hand-is-raised")}</span>
          </span>
        )}
        <bdi class="name">{one.name || t(`role-${one.role}`)}</bdi>
        {one.role === "co_teacher" && <Badge kind="kind">{t("role-co_teacher")}</Badge>}
        {one.floor && <Badge kind="live">{t("has-floor")}</Badge>}
      </div>
      <div class="class-state">
        <LinkBars link={one.present ? one.link : "lost"} />
        <Seen one={one} />
        {state.lesson.recording !== "off" && one.role === "class" && !one.consent && (
          <span class="hint">{t("class-not-recorded")}</span>
        )}
        {state.lesson.kind === "partial" && one.role === "class" && (
          <span class="hint">
            {t(one.feed_on ? "feed-is-on" : "feed-is-off", { minutes: feedMinutes(state, one, unixNow.value) })}
          </span>
        )}
      </div>
      <div class="class-actions">
        {one.role === "class" && !one.floor && (
          <Button
            kind={one.hand ? "primary" : "plain"}
            disabled={!one.present || state.lesson.state !== "live"}
            testid="give-floor"
            onClick={() => void classroom.request({ type: "offer_floor", participant_id: one.participant_id })}
          >
            {t("floor-give")}
          </Button>
        )}
        {one.hand && (
          <Button
            testid="lower-hand"
            onClick={() => void classroom.request({ type: "set_hand", up: false, participant_id: one.participant_id })}
          >
            {t("hand-lower")}
          </Button>
        )}
        {mayRemove && <RemoveButton classroom={classroom} one={one} />}
      </div>
    </li>
  );
}

/** What their page shows of the lesson now. */
function Seen({ one }: { readonly one: ParticipantInfo }): JSX.Element | null {
  if (!one.present) return <span class="hint">{t("sees-lost")}</span>;
  if (one.link === "sound_only" || one.link === "still") return <span class="hint">{t(`sees-${one.link}`)}</span>;
  if (one.height === 0) return null;
  return (
    <span class="hint" data-testid="sees">
      {t("sees-height", { height: one.height })}
    </span>
  );
}

function RemoveButton(props: { readonly classroom: Classroom; readonly one: ParticipantInfo }): JSX.Element {
  const asking = useSignal(false);
  const name = props.one.name || t(`role-${props.one.role}`);
  return (
    <>
      <Button
        kind="quiet"
        icon="close"
        iconOnly
        testid="remove"
        onClick={() => {
          asking.value = true;
        }}
      >
        {t("remove-who", { name })}
      </Button>
      {asking.value && (
        <Confirm
          title={t("remove-who", { name })}
          text={t("remove-text")}
          action={t("remove")}
          testid="remove"
          onConfirm={() => void props.classroom.request({ type: "remove", participant_id: props.one.participant_id })}
          onClose={() => {
            asking.value = false;
          }}
        />
      )}
    </>
  );
}

/** The class that speaks now: seen here by the teacher; a co-teacher sees it on the stage. */
function FloorPanel({ classroom, state }: Props): JSX.Element {
  const holder = floorHolder(state);
  const speaker = holder && holder.participant_id !== state.me ? holder : undefined;
  const flowing = flows(state, "floor_video");
  const muted = speaker?.muted.includes("microphone") ?? false;
  return (
    <div class={speaker ? "floor-panel" : "floor-panel away"} data-testid="floor-panel">
      {state.role === "teacher" && (
        <figure class={flowing ? "picture floor_video" : "picture floor_video idle"}>
          <SlotVideo subscriber={classroom.subscriber} slot="floor_video" label={speaker?.name || t("floor-holder")} />
          {!flowing && <figcaption>{t("floor-connecting")}</figcaption>}
        </figure>
      )}
      {speaker && (
        <div class="row">
          <strong class="grow">
            <bdi>{speaker.name || t(`role-${speaker.role}`)}</bdi>
          </strong>
          <Button
            icon={muted ? "microphoneOff" : "microphone"}
            iconOnly
            pressed={muted}
            testid="mute-floor"
            onClick={() =>
              void classroom.request({
                type: "set_muted",
                participant_id: speaker.participant_id,
                source: "microphone",
                muted: !muted,
              })
            }
          >
            {muted ? t("unmute") : t("mute")}
          </Button>
          <Button kind="primary" testid="take-floor" onClick={() => void classroom.request({ type: "take_floor" })}>
            {t("floor-take")}
          </Button>
        </div>
      )}
    </div>
  );
}
