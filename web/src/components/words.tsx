import type { ComponentChildren, JSX } from "preact";
import { chooseLanguage, LANGUAGES, language, languageName, t } from "../i18n";
import type { Link } from "../protocol";
import { Choice } from "./field";

/** A state in words: what it is, what to do, and a small code for the coordinator where there is one. */
export function Statement(props: {
  readonly title: string;
  readonly text?: string;
  readonly code?: string;
  readonly testid?: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <section class="statement" data-testid={props.testid}>
      <h1>{props.title}</h1>
      {props.text && <p>{props.text}</p>}
      {props.children}
      {props.code && <p class="code">{t("code", { code: props.code })}</p>}
    </section>
  );
}

const BARS: Record<Link, number> = { good: 3, fair: 2, poor: 1, still: 1, sound_only: 1, lost: 0, unknown: 0 };

/** Quality of a link as bars and a word. */
export function LinkBars({ link, lead }: { readonly link: Link; readonly lead?: string }): JSX.Element {
  return (
    <span class={`link-bars ${link}`} data-testid="link" data-link={link}>
      <svg viewBox="0 0 18 16" aria-hidden="true" focusable="false">
        {[0, 1, 2].map((bar) => (
          <rect
            key={bar}
            x={bar * 6}
            y={10 - bar * 5}
            width="4"
            height={6 + bar * 5}
            class={bar < BARS[link] ? "on" : ""}
          />
        ))}
      </svg>
      <span>
        {lead} {t(`link-${link}`)}
      </span>
    </span>
  );
}

export function Badge({
  kind,
  children,
}: {
  readonly kind: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return <span class={`badge ${kind}`}>{children}</span>;
}

export function LanguageChoice(): JSX.Element {
  return (
    <div class="language">
      <Choice
        label={t("language")}
        value={language.value}
        options={LANGUAGES.map((code) => [code, languageName(code)])}
        onChange={(code) => void chooseLanguage(code)}
        testid="language"
      />
    </div>
  );
}

/** Frame of the quiet pages: name of the product, one column, choice of the language. */
export function QuietPage({
  children,
  wide,
}: {
  readonly children: ComponentChildren;
  readonly wide?: boolean;
}): JSX.Element {
  return (
    <div class={wide ? "quiet-page wide" : "quiet-page"}>
      <header class="masthead">
        <a href="/" class="product">
          {t("product")}
        </a>
        <LanguageChoice />
      </header>
      <main>{children}</main>
    </div>
  );
}
