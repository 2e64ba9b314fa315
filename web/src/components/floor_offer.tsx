import type { JSX } from "preact";
import type { Classroom } from "../classroom/classroom";
import type { ClassroomState, FloorOffer } from "../classroom/state";
import { t } from "../i18n";
import { Button } from "./button";
import { DeviceSetup } from "./devices";
import { Dialog } from "./dialog";
import { secondsUntil } from "./lesson";
import { ConsentChoice } from "./recording";

/** The class is asked before anybody sees or hears it, and sees itself first. */
export function FloorOfferDialog(props: {
  readonly classroom: Classroom;
  readonly state: ClassroomState;
  readonly offer: FloorOffer;
}): JSX.Element {
  const { classroom, state, offer } = props;
  const decline = () => void classroom.answerFloor(false);
  return (
    <Dialog title={t("floor-offer")} onClose={decline} testid="floor-offer" wide>
      <p>{t("floor-offer-text", { name: offer.by || t("role-teacher") })}</p>
      <DeviceSetup devices={classroom.devices} />
      {state.lesson.recording !== "off" && <ConsentChoice classroom={classroom} state={state} />}
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
