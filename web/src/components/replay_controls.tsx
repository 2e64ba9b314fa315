import type { JSX } from "preact";
import { elapsed, t } from "../i18n";
import type { Player, Quality } from "../replay/player";
import { Button } from "./button";
import { Choice } from "./field";
import { canFullScreen } from "./keyboard";
import { toggleReplayFullScreen, useReplayKeys } from "./replay_keys";

const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;
const SKIP_S = 10;

/** Always visible below the picture: place, play, speed, quality. */
export function ReplayControls({ player }: { readonly player: Player }): JSX.Element {
  useReplayKeys(player);
  return (
    <div class="replay-controls" role="toolbar" aria-label={t("replay-controls")}>
      <SeekBar player={player} />
      <div class="row">
        <Button
          kind="primary"
          icon={player.playing.value ? "pause" : "play"}
          shortcut="Space"
          testid="replay-toggle"
          onClick={() => player.toggle()}
        >
          {player.playing.value ? t("replay-pause") : t("replay-play")}
        </Button>
        <Button icon="back" iconOnly shortcut="ArrowLeft" testid="replay-back" onClick={() => player.skip(-SKIP_S)}>
          {t("replay-back", { seconds: SKIP_S })}
        </Button>
        <Button icon="forth" iconOnly shortcut="ArrowRight" testid="replay-forth" onClick={() => player.skip(SKIP_S)}>
          {t("replay-forth", { seconds: SKIP_S })}
        </Button>
        <Button
          icon={player.muted.value ? "silent" : "sound"}
          iconOnly
          pressed={player.muted.value}
          shortcut="m"
          testid="replay-mute"
          onClick={() => player.toggleMuted()}
        >
          {t("replay-mute")}
        </Button>
        <span class="grow" />
        {player.growing.value && <LivePlace player={player} />}
        <Choice
          label={t("replay-speed")}
          value={String(player.rate.value)}
          options={RATES.map((rate) => [String(rate), `${rate}×`])}
          onChange={(value) => player.setRate(Number(value))}
          testid="replay-speed"
        />
        <Choice
          label={t("replay-quality")}
          value={String(player.quality.value)}
          options={qualities(player)}
          onChange={(value) => player.setQuality(asQuality(value))}
          testid="replay-quality"
        />
        {canFullScreen() && (
          <Button icon="fullScreen" iconOnly shortcut="f" testid="replay-full-screen" onClick={toggleReplayFullScreen}>
            {t("full-screen")}
          </Button>
        )}
      </div>
    </div>
  );
}

function SeekBar({ player }: { readonly player: Player }): JSX.Element {
  const at = Math.min(player.at.value, player.duration.value);
  const words = t("replay-place", { at: elapsed(at), whole: elapsed(player.duration.value) });
  return (
    <div class="seek-bar">
      <input
        type="range"
        min={0}
        max={Math.max(1, Math.floor(player.duration.value))}
        step={1}
        value={Math.floor(at)}
        aria-label={t("replay-seek")}
        aria-valuetext={words}
        data-testid="replay-seek"
        onInput={(event) => player.seek(Number(event.currentTarget.value))}
      />
      <span class="elapsed" data-testid="replay-place" aria-hidden="true">
        {elapsed(at)} / {elapsed(player.duration.value)}
      </span>
    </div>
  );
}

function LivePlace({ player }: { readonly player: Player }): JSX.Element {
  return (
    <>
      <Button testid="replay-to-start" onClick={() => player.seek(0)}>
        {t("replay-to-start")}
      </Button>
      <Button testid="replay-to-live" pressed={player.live.value} onClick={() => player.toLive()}>
        {t("replay-to-live")}
      </Button>
    </>
  );
}

function qualities(player: Player): readonly (readonly [string, string])[] {
  const main = player.main.value;
  const now = main === null ? 0 : (player.shown.value.get(main) ?? 0);
  const auto = now > 0 ? t("replay-quality-auto-now", { height: now }) : t("replay-quality-auto");
  return [
    ["auto", auto],
    ...player.heights.value.map((height) => [String(height), t("picture-height", { height })] as const),
    ["sound", t("replay-quality-sound")],
  ];
}

const asQuality = (value: string): Quality => (value === "auto" || value === "sound" ? value : Number(value));
