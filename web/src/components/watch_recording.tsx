import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { findRecordings } from "../replay/api";

const LOOK_AGAIN_MS = 3000;
const LOOKS = 10;

/** After the lesson: the way to its recording, as soon as there is one. */
export function WatchRecording(props: { readonly lessonId: string; readonly token?: string }): JSX.Element | null {
  const found = useSignal<readonly string[]>([]);
  const looks = useSignal(0);
  useEffect(() => {
    if (found.value.length > 0 || looks.value >= LOOKS) return;
    const look = async () => {
      const { recordings } = await findRecordings("", 0, props.token, props.lessonId).catch(() => ({ recordings: [] }));
      found.value = recordings.map((one) => one.recording_id);
      looks.value += 1;
    };
    const timer = setTimeout(() => void look(), looks.value === 0 ? 0 : LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [looks.value]);
  if (found.value.length === 0) return null;
  return (
    <p>
      {t("recording-watch-hint")}{" "}
      {found.value.map((id) => (
        <a key={id} href={`/recordings/${id}`} data-testid="watch-recording">
          {t("recording-watch")}
        </a>
      ))}
    </p>
  );
}
