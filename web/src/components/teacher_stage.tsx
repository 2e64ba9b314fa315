import type { JSX } from "preact";
import type { Classroom } from "../classroom/classroom";
import { flows, isOwnSlot } from "../classroom/state";
import { t } from "../i18n";
import { LocalVideo, SlotVideo } from "./video";

/** What the classes see of the teacher: the own camera, or the shared screen with the camera in its corner. */
export function TeacherStage({ classroom }: { readonly classroom: Classroom }): JSX.Element | null {
  const state = classroom.state.value;
  if (!state) return null;
  const screen = classroom.screen.stream.value;
  const camera = classroom.cameraOn.value ? classroom.devices.camera.stream.value : null;
  const theirScreen = flows(state, "screen_video") && !isOwnSlot(state, "screen_video");
  const aside = screen !== null || theirScreen;
  return (
    <div class="stage" data-testid="teacher-stage">
      {screen && (
        <figure class="picture main">
          <LocalVideo stream={screen} label={t("own-screen")} testid="own-screen" />
        </figure>
      )}
      <figure class={`picture ${theirScreen && !screen ? "main" : "away"}`}>
        <SlotVideo subscriber={classroom.subscriber} slot="screen_video" label={t("screen-of-co-teacher")} />
      </figure>
      <figure class={`picture ${aside ? "corner" : "main"}`}>
        {camera ? (
          <LocalVideo stream={camera} label={t("own-picture")} testid="own-video" />
        ) : (
          <p class="preview-empty">{cameraWords(classroom)}</p>
        )}
      </figure>
      <p class="stage-caption" role="status" data-testid="on-air">
        {caption(classroom)}
      </p>
    </div>
  );
}

function cameraWords(classroom: Classroom): string {
  const trouble = classroom.devices.camera.trouble.value;
  if (!classroom.cameraOn.value) return t("camera-is-off");
  return trouble ? t(`device-camera-${trouble}`) : t("preview-wait");
}

/** Who sees and hears the teacher now, in words. */
function caption(classroom: Classroom): string {
  const state = classroom.state.value;
  if (state?.lesson.state !== "live") return t("nobody-sees-you");
  const phase = classroom.publisher.value?.link.phase.value;
  if (phase !== "connected") return phase === "interrupted" ? t("publish-interrupted") : t("publish-connecting");
  const { microphone } = classroom.devices;
  if (microphone.trouble.value) return t(`device-microphone-${microphone.trouble.value}`);
  if (!classroom.microphoneOn.value) return t("seen-not-heard");
  return classroom.screen.on.value ? t("screen-is-shared") : t("seen-and-heard");
}
