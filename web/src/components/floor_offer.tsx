import type { JSX } from "preact";
import type { Classroom } from "../classroom/classroom";
import type { FloorOffer } from "../classroom/state";
import { t } from "../i18n";
import { Button } from "./button";
import { DeviceSetup } from "./devices";
import { Dialog } from "./dialog";
import { secondsUntil } from "./lesson";

/** The class is asked before anybody sees or hears it, and sees itself first. */
export function FloorOfferDialog(props: { readonly classroom: Classroom; readonly offer: FloorOffer }): JSX.Element {
  const { classroom, offer } = props;
  const decline = () => void classroom.answerFloor(false);
  return (
    <Dialog title={t("floor-offer")} onClose={decline} testid="floor-offer" wide>
      <p>{t("floor-offer-text", { name: offer.by || t("role-teacher") })}</p>
      <DeviceSetup devices={classroom.devices} />
      <div class="row end">
        <p class="hint grow">{t("floor-offer-lapses", { seconds: secondsUntil(offer.expiresAt_s) })}</p>
        <Button onClick={decline} testid="floor-decline">
          {t("floor-decline")}
        </Button>
        <Button kind="primary" icon="microphone" onClick={() => void classroom.answerFloor(true)} testid="floor-accept">
          {t("floor-accept")}
        </Button>
      </div>
    </Dialog>
  );
}
