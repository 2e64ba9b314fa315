import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n";
import type { Player } from "../replay/player";
import { inSpan, PICTURES, type PictureSlot, spansOf } from "../replay/timeline";
import { Button } from "./button";

const NAMES: Record<PictureSlot, string> = {
  screen_video: "screen-of-teacher",
  teacher_video: "role-teacher",
  floor_video: "floor-holder",
};

/** The pictures of the moment: the main one fills the stage, the others stand in its corners; else the state in words. */
export function ReplayStage({ player }: { readonly player: Player }): JSX.Element {
  const main = player.quality.value === "sound" ? null : player.main.value;
  const tracks = player.detail.value.tracks;
  const place = (slot: PictureSlot): string => {
    if (slot === main) return "main";
    const recorded = inSpan(spansOf(tracks, slot), player.at.value);
    return main !== null && recorded && player.shown.value.has(slot) ? "corner" : "away";
  };
  const words = stageWords(player);
  return (
    <div class="stage" data-testid="replay-stage" data-main={main ?? ""}>
      {PICTURES.map((slot) => (
        <figure
          key={slot}
          class={`picture ${place(slot)} ${slot}${player.shown.value.has(slot) ? "" : " idle"}`}
          data-testid={`picture-${slot}`}
        >
          <ReplayVideo player={player} slot={slot} />
          {place(slot) === "corner" && <figcaption>{t(NAMES[slot])}</figcaption>}
        </figure>
      ))}
      <p class={words ? "replay-words" : "unseen"} role="status" data-testid="replay-words">
        {words}
      </p>
      {!player.playing.value && (
        <div class="replay-begin">
          <Button kind="primary" icon="play" testid="replay-begin" onClick={() => player.toggle()}>
            {t(player.at.value > 1 ? "replay-go-on" : "replay-begin")}
          </Button>
        </div>
      )}
    </div>
  );
}

function ReplayVideo({ player, slot }: { readonly player: Player; readonly slot: PictureSlot }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) player.attach(slot, video.current);
  }, [player, slot]);
  return <video ref={video} muted playsInline aria-label={t(NAMES[slot])} data-testid={slot} />;
}

/** Why there is no picture, or no sound, just now. */
function stageWords(player: Player): string {
  if (player.trouble.value === "connection_lost") return t("replay-connection_lost");
  if (player.trouble.value === "unplayable") return t("replay-unplayable");
  if (player.waiting.value) return player.live.value ? t("replay-live-edge") : t("replay-waiting");
  if (player.quality.value === "sound") return t("replay-sound");
  const main = player.main.value;
  if (player.silent.value && player.muted.value) return t("replay-no-device");
  if (main === null) return t("replay-no-picture");
  if (player.playing.value && !player.shown.value.has(main)) return t("replay-picture-waits");
  return "";
}
