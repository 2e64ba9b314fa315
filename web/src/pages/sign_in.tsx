import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { type Account, ApiError, setPassword, signIn, signInByLink } from "../api";
import { Button } from "../components/button";
import { TextField } from "../components/field";
import { ApiTrouble } from "../components/invitations";
import { QuietPage, Statement } from "../components/words";
import { t } from "../i18n";

const PASSWORD_MIN_CHARS = 10;
const PASSWORD_MAX_CHARS = 200;

export function SignInForm({ onSignedIn }: { readonly onSignedIn: (account: Account) => void }): JSX.Element {
  const name = useSignal("");
  const password = useSignal("");
  const failure = useSignal<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      failure.value = null;
      onSignedIn(await signIn(name.value.trim(), password.value));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error.code;
    }
  };
  return (
    <form class="card entry" onSubmit={(event) => void submit(event)} data-testid="sign-in">
      <h1>{t("sign-in-title")}</h1>
      <p class="hint">{t("sign-in-hint")}</p>
      <TextField
        label={t("user-name")}
        value={name.value}
        required
        autocomplete="username"
        testid="user-name"
        onInput={(value) => {
          name.value = value;
        }}
      />
      <TextField
        label={t("password")}
        type="password"
        value={password.value}
        required
        autocomplete="current-password"
        testid="password"
        onInput={(value) => {
          password.value = value;
        }}
      />
      {failure.value && <ApiTrouble code={failure.value} />}
      <div class="row end">
        <Button kind="primary" type="submit" testid="sign-in-submit">
          {t("sign-in")}
        </Button>
      </div>
    </form>
  );
}

/** A one-time link: it signs in at once, then a password is set for the next times. */
export function SignInLinkPage({ token }: { readonly token: string | null }): JSX.Element {
  const account = useSignal<Account | null>(null);
  const failure = useSignal<string | null>(token ? null : "bad_token");
  useEffect(() => {
    if (!token) return;
    signInByLink(token).then(
      (found) => {
        account.value = found;
      },
      (error: unknown) => {
        failure.value = error instanceof ApiError ? error.code : "connection_lost";
      },
    );
  }, [token]);
  if (failure.value) {
    return (
      <QuietPage>
        <Statement
          title={t("sign-in-link-spent")}
          text={t("sign-in-link-spent-hint")}
          code={failure.value}
          testid="sign-in-link-spent"
        >
          <a href="/">{t("to-start")}</a>
        </Statement>
      </QuietPage>
    );
  }
  return (
    <QuietPage>
      {account.value ? <PasswordForm account={account.value} /> : <p role="status">{t("loading")}</p>}
    </QuietPage>
  );
}

function PasswordForm({ account }: { readonly account: Account }): JSX.Element {
  const name = useSignal(account.name);
  const password = useSignal("");
  const failure = useSignal<string | null>(null);
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      failure.value = null;
      await setPassword(name.value.trim(), password.value);
      location.assign("/");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failure.value = error.code;
    }
  };
  return (
    <form class="card entry" onSubmit={(event) => void submit(event)} data-testid="set-password">
      <h1>{t("password-set-title")}</h1>
      <p class="hint">{t("password-set-hint")}</p>
      <TextField
        label={t("user-name")}
        value={name.value}
        required
        autocomplete="username"
        testid="user-name"
        onInput={(value) => {
          name.value = value;
        }}
      />
      <TextField
        label={t("password-new")}
        hint={t("password-new-hint", { count: PASSWORD_MIN_CHARS })}
        type="password"
        value={password.value}
        minLength={PASSWORD_MIN_CHARS}
        maxLength={PASSWORD_MAX_CHARS}
        required
        autocomplete="new-password"
        testid="new-password"
        onInput={(value) => {
          password.value = value;
        }}
      />
      {failure.value && <ApiTrouble code={failure.value} />}
      <div class="row end">
        <a class="grow" href="/">
          {t("password-later")}
        </a>
        <Button kind="primary" type="submit" testid="set-password-submit">
          {t("password-save")}
        </Button>
      </div>
    </form>
  );
}
