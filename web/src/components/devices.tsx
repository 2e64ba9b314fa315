import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import type { Device, Devices } from "../media/devices";
import { measureLevel } from "../media/level";
import { Button } from "./button";
import { Choice } from "./field";
import { LocalVideo } from "./video";

/** Camera and microphone before anybody sees or hears them: preview, level, choice, and what is wrong in words. */
export function DeviceSetup({ devices }: { readonly devices: Devices }): JSX.Element {
  const { camera, microphone } = devices;
  return (
    <div class="device-setup" data-testid="device-setup">
      <div class="preview">
        {camera.stream.value ? (
          <LocalVideo stream={camera.stream.value} label={t("preview")} testid="preview" />
        ) : (
          <p class="preview-empty">{camera.trouble.value ? t("preview-none") : t("preview-wait")}</p>
        )}
      </div>
      <div class="device-choices">
        <DeviceChoice device={microphone} />
        <MicrophoneLevel track={microphone.track.value} />
        <DeviceChoice device={camera} />
      </div>
    </div>
  );
}

function DeviceChoice({ device }: { readonly device: Device }): JSX.Element {
  const trouble = device.trouble.value;
  const current = device.track.value?.getSettings().deviceId ?? device.chosen.value;
  const options = device.choices.value.map(
    (one, index) => [one.deviceId, one.label || t(`device-${device.kind}-number`, { number: index + 1 })] as const,
  );
  return (
    <div class="device-choice">
      {options.length > 0 && (
        <Choice
          label={t(`device-${device.kind}`)}
          value={current}
          options={options}
          onChange={(id) => void device.choose(id)}
          testid={`choose-${device.kind}`}
        />
      )}
      {trouble && (
        <div class="trouble" role="alert" data-testid={`${device.kind}-trouble`} data-trouble={trouble}>
          <p>{t(`device-${device.kind}-${trouble}`)}</p>
          {trouble === "insecure" ? (
            <a href="/trust">{t("device-insecure-link")}</a>
          ) : (
            <Button onClick={() => void device.acquire()} testid={`retry-${device.kind}`}>
              {t("try-again")}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

function MicrophoneLevel({ track }: { readonly track: MediaStreamTrack | null }): JSX.Element | null {
  const level = useSignal(0);
  const heard = useSignal(false);
  useEffect(() => {
    if (!track) return;
    const meter = measureLevel(track);
    const unsubscribe = meter.level.subscribe((value) => {
      level.value = value;
      if (value > 0.35) heard.value = true;
    });
    return () => {
      unsubscribe();
      meter.stop();
    };
  }, [track]);
  if (!track) return null;
  return (
    <div class="level">
      <meter class="level-bar" aria-label={t("level")} min={0} max={1} value={level.value} />
      <p>{heard.value ? t("level-heard") : t("level-say")}</p>
    </div>
  );
}
