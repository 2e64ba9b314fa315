import type { DeviceKind } from "./media/devices";

/** Everything the page keeps in the browser. The link's token and the seat live as long as the tab, choices longer. */

const TOKEN = "webclass.token";
const SEAT = "webclass.seat";
const LANGUAGE = "webclass.language";
const NAME = "webclass.name";

export interface Seat {
  readonly token: string;
  readonly name: string;
  /** Last `Welcome.resume`; empty before the first. */
  readonly resume: string;
}

/** The address's fragment, which is then removed from the address bar and the history. */
export function takeFragment(): string | null {
  const fragment = location.hash.slice(1);
  if (fragment) history.replaceState(null, "", location.pathname);
  return fragment || null;
}

/** The link's token: from the fragment, else the one that the tab has kept. */
export function takeToken(): string | null {
  const token = takeFragment();
  if (token) sessionStorage.setItem(TOKEN, token);
  return sessionStorage.getItem(TOKEN);
}

export function readSeat(token: string): Seat | null {
  const kept = sessionStorage.getItem(SEAT);
  if (!kept) return null;
  const seat = JSON.parse(kept) as Seat;
  return seat.token === token ? seat : null;
}

export function keepSeat(seat: Seat): void {
  sessionStorage.setItem(SEAT, JSON.stringify(seat));
}

export function forgetSeat(): void {
  sessionStorage.removeItem(SEAT);
}

export const storedName = (): string => localStorage.getItem(NAME) ?? "";
export const rememberName = (name: string): void => localStorage.setItem(NAME, name);

export const storedLanguage = (): string | null => localStorage.getItem(LANGUAGE);
export const rememberLanguage = (code: string): void => localStorage.setItem(LANGUAGE, code);

export const chosenDevice = (kind: DeviceKind): string => localStorage.getItem(`webclass.${kind}`) ?? "";
export const rememberDevice = (kind: DeviceKind, id: string): void => localStorage.setItem(`webclass.${kind}`, id);
