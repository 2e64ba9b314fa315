import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ApiError, type Invitation, invitations, invite, revoke } from "../api";
import { dateAndTime, t } from "../i18n";
import type { Role } from "../protocol";
import { Button } from "./button";
import { Confirm } from "./dialog";
import { Choice, TextField } from "./field";

const VALID_HOURS = [2, 24, 24 * 7, 24 * 31] as const;
const ORDER: readonly Role[] = ["teacher", "co_teacher", "class", "viewer"];

interface Props {
  readonly lessonId: string;
  /** A teacher's link; without it the administrator's session speaks. */
  readonly token?: string;
}

/** The links into a lesson: copy, make, revoke. A teacher makes links for classes and viewers, an administrator all. */
export function Invitations({ lessonId, token }: Props): JSX.Element {
  const list = useSignal<readonly Invitation[] | null>(null);
  const failure = useSignal<string | null>(null);
  const attempt = async (act: () => Promise<unknown>) => {
    try {
      failure.value = null;
      await act();
      list.value = await invitations(lessonId, token);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error.code;
    }
  };
  useEffect(() => {
    void attempt(async () => undefined);
  }, [lessonId, token]);
  const open = (list.value ?? []).filter((one) => one.revoked_at === null && one.expires_at * 1000 > Date.now());
  const sorted = open.sort((a, b) => ORDER.indexOf(a.role) - ORDER.indexOf(b.role));
  return (
    <div class="invitations" data-testid="invitations">
      <p class="hint">{t("links-hint")}</p>
      {failure.value && <ApiTrouble code={failure.value} />}
      <ul>
        {sorted.map((one) => (
          <InvitationRow
            key={one.invitation_id}
            invitation={one}
            onRevoke={() => void attempt(() => revoke(lessonId, one.invitation_id, token))}
          />
        ))}
      </ul>
      {list.value?.length === 0 && <p class="empty">{t("links-empty")}</p>}
      <NewInvitation
        roles={token ? ["class", "viewer"] : ORDER}
        onMake={(role, hours, place) => void attempt(() => invite(lessonId, role, hours, place, token))}
      />
    </div>
  );
}

function InvitationRow(props: { readonly invitation: Invitation; readonly onRevoke: () => void }): JSX.Element {
  const { invitation } = props;
  const copied = useSignal(false);
  const asking = useSignal(false);
  const forWhom = t(`link-for-${invitation.role}`);
  const copy = async () => {
    await navigator.clipboard.writeText(invitation.network_link);
    copied.value = true;
  };
  return (
    <li class="invitation" data-testid={`invitation-${invitation.role}`}>
      <div class="grow">
        <strong>{forWhom}</strong>
        {invitation.place && (
          <>
            {" · "}
            <bdi>{invitation.place}</bdi>
          </>
        )}
        <span class="hint"> {t("link-valid-until", { when: dateAndTime(invitation.expires_at) })}</span>
        <input
          readOnly
          aria-label={forWhom}
          value={invitation.network_link}
          data-testid={`link-${invitation.role}`}
          onFocus={(event) => event.currentTarget.select()}
        />
        {invitation.link !== invitation.network_link && (
          <a href={invitation.link} target="_blank" rel="noreferrer" data-testid={`open-${invitation.role}`}>
            {t("link-open-here")}
          </a>
        )}
      </div>
      {window.isSecureContext && (
        <Button icon="copy" onClick={() => void copy()} testid={`copy-${invitation.role}`}>
          <span role="status">{copied.value ? t("copied") : t("copy")}</span>
        </Button>
      )}
      <Button
        kind="quiet"
        testid={`revoke-${invitation.role}`}
        onClick={() => {
          asking.value = true;
        }}
      >
        {t("link-revoke")}
      </Button>
      {asking.value && (
        <Confirm
          title={t("link-revoke-title")}
          text={t("link-revoke-text")}
          action={t("link-revoke")}
          testid="revoke"
          onConfirm={props.onRevoke}
          onClose={() => {
            asking.value = false;
          }}
        />
      )}
    </li>
  );
}

function NewInvitation(props: {
  readonly roles: readonly Role[];
  readonly onMake: (role: Role, hours: number, place: string) => void;
}): JSX.Element {
  const role = useSignal<Role>("class");
  const hours = useSignal<number>(24);
  const place = useSignal("");
  const hasPlace = role.value === "class" || role.value === "viewer";
  return (
    <form
      class="row bottom"
      onSubmit={(event) => {
        event.preventDefault();
        props.onMake(role.value, hours.value, hasPlace ? place.value : "");
      }}
    >
      <Choice
        label={t("link-new")}
        value={role.value}
        options={props.roles.map((one) => [one, t(`link-for-${one}`)])}
        onChange={(value) => {
          role.value = value as Role;
        }}
        testid="new-link-role"
      />
      <Validity
        hours={hours.value}
        onChange={(value) => {
          hours.value = value;
        }}
      />
      {hasPlace && (
        <TextField
          label={t("link-place")}
          hint={t("link-place-hint")}
          value={place.value}
          maxLength={100}
          onInput={(value) => {
            place.value = value;
          }}
          testid="new-link-place"
        />
      )}
      <Button type="submit" testid="new-link">
        {t("link-make")}
      </Button>
    </form>
  );
}

export function Validity(props: { readonly hours: number; readonly onChange: (hours: number) => void }): JSX.Element {
  return (
    <Choice
      label={t("link-validity")}
      value={String(props.hours)}
      options={VALID_HOURS.map((hours) => [String(hours), t("hours-or-days", { hours, days: Math.floor(hours / 24) })])}
      onChange={(value) => props.onChange(Number(value))}
      testid="validity"
    />
  );
}

export function ApiTrouble({ code }: { readonly code: string }): JSX.Element {
  const known = t(`error-${code}`);
  return (
    <p class="trouble" role="alert" data-testid="api-trouble" data-code={code}>
      {known === `error-${code}` ? t("error-unknown", { code }) : known}
    </p>
  );
}
