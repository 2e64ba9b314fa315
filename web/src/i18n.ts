import { FluentBundle, FluentResource, type FluentVariable } from "@fluent/bundle";
import { signal } from "@preact/signals";
import russian from "./locales/ru.ftl?raw";
import { rememberLanguage, storedLanguage } from "./storage";

/** A language is a file: `locales/<code>.ftl`. Russian comes with the pages; of the others only the chosen one is
 * loaded. */
const FILES: Readonly<Record<string, () => Promise<string>>> = {
  "./locales/ru.ftl": async () => russian,
  ...import.meta.glob<string>(["./locales/*.ftl", "!./locales/ru.ftl"], { query: "?raw", import: "default" }),
};

/** Worked out when the pages are built: a browser takes long to load its names of languages. */
declare const LANGUAGE_NAMES: Readonly<Record<string, string>>;

const DEFAULT = "ru";

const codeOf = (path: string): string => path.replace(/^.*\/|\.ftl$/g, "");

export const LANGUAGES: readonly string[] = Object.keys(FILES).map(codeOf).sort().reverse();

const bundle = signal<FluentBundle | null>(null);
export const language = signal(DEFAULT);

/** The remembered choice, else the first of the browser's languages that we have, else Russian. */
export function pickLanguage(remembered: string | null, wanted: readonly string[], have: readonly string[]): string {
  if (remembered && have.includes(remembered)) return remembered;
  const codes = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return codes.find((code) => have.includes(code)) ?? DEFAULT;
}

export async function startLanguage(): Promise<void> {
  await load(pickLanguage(storedLanguage(), navigator.languages, LANGUAGES));
}

export async function chooseLanguage(code: string): Promise<void> {
  rememberLanguage(code);
  await load(code);
}

async function load(code: string): Promise<void> {
  const read = FILES[`./locales/${code}.ftl`];
  if (!read) throw new Error(`no locale file for ${code}`);
  const loaded = new FluentBundle(code, { useIsolating: false });
  loaded.addResource(new FluentResource(await read()));
  language.value = code;
  bundle.value = loaded;
  document.documentElement.lang = code;
  document.title = t("product");
}

/** The text of a message in the chosen language. A component that calls it is drawn again when the language changes. */
export function t(key: string, args?: Record<string, FluentVariable>): string {
  const current = bundle.value;
  const message = current?.getMessage(key);
  if (!current || !message?.value) return key;
  return current.formatPattern(message.value, args);
}

/** A language's name in itself: «русский», “English”. */
export const languageName = (code: string): string => LANGUAGE_NAMES[code] ?? code;

/** «пт, 21 ноября, 10:15»; `unix_s` in seconds, in the reader's own time zone. */
export function dateAndTime(unix_s: number): string {
  const options = { weekday: "short", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" } as const;
  return new Intl.DateTimeFormat(language.value, options).format(unix_s * 1000);
}

export function timeOfDay(unix_s: number): string {
  return new Intl.DateTimeFormat(language.value, { hour: "2-digit", minute: "2-digit" }).format(unix_s * 1000);
}

/** «1,2», “1.2”. */
export function decimal(value: number, digits: number): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language.value, options).format(value);
}

/** «640 кбит/с», «1,2 Мбит/с». */
export const rate = (bps: number): string =>
  bps < 1_000_000
    ? t("rate-kbit", { rate: decimal(Math.round(bps / 10_000) * 10, 0) })
    : t("rate-mbit", { rate: decimal(bps / 1_000_000, 1) });

/** 12:41 or 1:02:03. */
export function elapsed(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
