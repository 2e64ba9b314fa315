import type { JSX } from "preact";
import type { Classroom } from "../classroom/classroom";
import { type ClassroomState, floorHolder, flows, hasFloor, isOwnSlot, type Stage, stageOf } from "../classroom/state";
import { t } from "../i18n";
import type { VideoSlotName } from "../media/subscriber";
import { LocalVideo, SlotVideo } from "./video";
import { Statement } from "./words";

type Place = "main" | "corner" | "away";

/** Where each picture stands: the shared screen fills the page while there is one, with the teacher in the corner. */
function places(state: ClassroomState, sharing: boolean): Record<VideoSlotName, Place> {
  const shown = (slot: VideoSlotName) => flows(state, slot) && !isOwnSlot(state, slot);
  const screen = shown("screen_video");
  return {
    screen_video: screen ? "main" : "away",
    teacher_video: screen || sharing ? (shown("teacher_video") ? "corner" : "away") : "main",
    floor_video: shown("floor_video") ? "corner" : "away",
  };
}

/** The picture's place for those who watch: pictures when there are any, else the state in words. */
export function StageView({ classroom }: { readonly classroom: Classroom }): JSX.Element | null {
  const state = classroom.state.value;
  if (!state) return null;
  const stage = stageOf(state, {
    server: classroom.connection.status.value === "open",
    media: classroom.subscriber.link.phase.value === "connected",
    moving: classroom.subscriber.moving.value,
  });
  const ownScreen = classroom.screen.stream.value;
  const place = places(state, ownScreen !== null);
  const holder = floorHolder(state);
  const own = hasFloor(state);
  const teacher = t("role-teacher");
  const names: Record<VideoSlotName, string> = {
    screen_video: t("screen-of-teacher"),
    teacher_video: teacher,
    floor_video: holder?.name || t("floor-holder"),
  };
  const words = stage !== "picture";
  return (
    <div class="stage" data-testid="stage" data-stage={stage}>
      {(["screen_video", "teacher_video", "floor_video"] as const).map((slot) => (
        <figure key={slot} class={`picture ${place[slot]} ${slot}${flows(state, slot) ? "" : " idle"}`}>
          <SlotVideo subscriber={classroom.subscriber} slot={slot} label={names[slot]} />
          {place[slot] === "corner" && <figcaption>{names[slot]}</figcaption>}
        </figure>
      ))}
      {ownScreen && (
        <figure class="picture main">
          <LocalVideo stream={ownScreen} label={t("own-screen")} testid="own-screen" />
        </figure>
      )}
      {own && <OwnPicture classroom={classroom} />}
      <div class={words ? "stage-words" : "stage-words unseen"} role="status">
        <StageWords stage={stage} state={state} />
      </div>
    </div>
  );
}

function StageWords({ stage, state }: { readonly stage: Stage; readonly state: ClassroomState }): JSX.Element {
  if (stage === "picture") return <p>{t("stage-picture")}</p>;
  return (
    <Statement
      title={t(`stage-${stage}`)}
      text={t(`stage-${stage}-hint`, { title: state.lesson.title })}
      testid={`stage-${stage}`}
    >
      {stage === "waiting" && (
        <a href="/link-test" data-testid="open-link-test">
          {t("test-this-link")}
        </a>
      )}
    </Statement>
  );
}

/** While this class has the floor: what everybody sees of it. */
export function OwnPicture({ classroom }: { readonly classroom: Classroom }): JSX.Element {
  const { stream, trouble } = classroom.devices.camera;
  return (
    <figure class="picture corner own" data-testid="own-floor">
      {stream.value ? (
        <LocalVideo stream={stream.value} label={t("own-picture")} testid="own-video" />
      ) : (
        <p class="preview-empty">{trouble.value ? t(`device-camera-${trouble.value}`) : t("camera-is-off")}</p>
      )}
      <figcaption>{classroom.microphoneOn.value ? t("own-floor") : t("own-floor-muted")}</figcaption>
    </figure>
  );
}
