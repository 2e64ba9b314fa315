import type { JSX } from "preact";
import type { Classroom } from "../classroom/classroom";
import { decimal, rate, t } from "../i18n";
import type { Sample } from "../media/shown";
import { Button } from "./button";
import { LinkChart } from "./link_chart";

/** How this page's link does: the state in words, what is shown now, and the last two minutes as a small chart. */
export function ReceptionPanel(props: { readonly classroom: Classroom; readonly onClose: () => void }): JSX.Element {
  const { now, shown, samples } = props.classroom.reception;
  const last = samples.value.at(-1);
  return (
    <aside class="reception" aria-label={t("reception")} data-testid="reception" data-reception={now.value}>
      <header>
        <h2>
          <span role="status">{t(`reception-${now.value}`)}</span>
        </h2>
        <Button kind="quiet" icon="close" iconOnly onClick={props.onClose} testid="close-reception">
          {t("close")}
        </Button>
      </header>
      <p>{t(`reception-${now.value}-hint`)}</p>
      {last && <Figures last={last} fps={shown.value?.cameraFps ?? null} />}
      <LinkChart samples={samples.value} />
    </aside>
  );
}

function Figures({ last, fps }: { readonly last: Sample; readonly fps: number | null }): JSX.Element {
  const picture = last.height > 0 ? t("picture-height", { height: last.height }) : t("picture-none");
  return (
    <dl class="figures">
      <div>
        <dt>{t("figure-picture")}</dt>
        <dd data-testid="shown-picture">
          {picture}
          {last.height > 0 && fps !== null && `, ${t("figure-fps", { fps: decimal(fps, fps < 2 ? 1 : 0) })}`}
        </dd>
      </div>
      <div>
        <dt>{t("figure-arrives")}</dt>
        <dd>{rate(last.arrived_bps)}</dd>
      </div>
      {last.estimate_bps !== null && (
        <div>
          <dt>{t("figure-carries")}</dt>
          <dd>{rate(last.estimate_bps)}</dd>
        </div>
      )}
      <div>
        <dt>{t("figure-lost")}</dt>
        <dd>{decimal(last.loss * 100, 0)} %</dd>
      </div>
    </dl>
  );
}
