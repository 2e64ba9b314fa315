import type { LessonState, LinkTestResult, Role } from "./protocol";

/** The REST API (docs/protocol.md). A cookie speaks for the administrator, a link's token for whoever holds the link. */

export interface Account {
  readonly name: string;
  readonly has_password: boolean;
}

export interface Lesson {
  readonly lesson_id: string;
  readonly title: string;
  readonly kind: "full" | "partial";
  readonly state: LessonState;
  readonly created_at: number;
  readonly live_since: number | null;
  readonly ended_at: number | null;
  readonly participants: number;
}

export interface Invitation {
  readonly invitation_id: string;
  readonly role: Role;
  readonly label: string;
  /** The school it is for; empty where none is named. */
  readonly place: string;
  /** Empty once revoked or expired. */
  readonly link: string;
  /** Opens on other computers; another than `link` where this is the server's own computer. */
  readonly network_link: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly revoked_at: number | null;
}

export interface JoinInfo {
  readonly lesson_id: string;
  readonly title: string;
  readonly kind: "full" | "partial";
  readonly role: Role;
  readonly state: LessonState;
  readonly label: string;
}

export interface LinkTestRecord extends Omit<LinkTestResult, "type"> {
  readonly tested_at: number;
}

/** The newest first; `link` stands for a place that nobody has named. */
export interface PlaceLinkTests {
  readonly place: string;
  readonly link: string;
  readonly tests: readonly LinkTestRecord[];
}

/** The server's refusal (`code` of its JSON error), or `connection_lost` when it could not be reached. */
export class ApiError extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

export async function call<T>(method: string, path: string, body?: object, token?: string): Promise<T> {
  const headers: Record<string, string> = {};
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  let response: Response;
  try {
    response = await fetch(`/api${path}`, { method, headers, body: body ? JSON.stringify(body) : undefined });
  } catch {
    throw new ApiError("connection_lost");
  }
  const text = await response.text();
  const answer: unknown = text && response.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : null;
  if (!response.ok) throw new ApiError((answer as { code?: string } | null)?.code ?? `http_${response.status}`);
  return answer as T;
}

const lessonPath = (lessonId: string): string => `/lessons/${encodeURIComponent(lessonId)}`;

export const me = () => call<Account>("GET", "/me");
export const signIn = (name: string, password: string) => call<Account>("POST", "/sign-in", { name, password });
export const signInByLink = (token: string) => call<Account>("POST", "/sign-in", { link_token: token });
export const signOut = () => call<null>("POST", "/sign-out");
export const setPassword = (name: string, password: string) => call<Account>("POST", "/password", { name, password });

let ahead: { readonly token: string; readonly answer: Promise<JoinInfo> } | null = null;

/** What the link opens. The answer that was asked for ahead is taken once; asking again asks the server. */
export function joinInfo(token: string): Promise<JoinInfo> {
  const asked = ahead;
  ahead = null;
  return asked?.token === token ? asked.answer : call<JoinInfo>("GET", "/join-info", undefined, token);
}

/** Ask before the page is drawn, while its language loads: on a far link each wait in turn is seen. Resolves when the
 * answer is there, whatever it is. */
export async function askAhead(token: string): Promise<void> {
  const answer = call<JoinInfo>("GET", "/join-info", undefined, token);
  ahead = { token, answer };
  await answer.catch(() => undefined); // whoever takes it sees the failure
}

export const lessons = async () => (await call<{ lessons: Lesson[] }>("GET", "/lessons")).lessons;
export const createLesson = (title: string, kind: "full" | "partial") =>
  call<Lesson>("POST", "/lessons", { title, kind });
export const endLesson = (lessonId: string) => call<Lesson>("DELETE", lessonPath(lessonId));

export const invitations = async (lessonId: string, token?: string) =>
  (await call<{ invitations: Invitation[] }>("GET", `${lessonPath(lessonId)}/invitations`, undefined, token))
    .invitations;
export const invite = (lessonId: string, role: Role, validHours: number, place: string, token?: string) =>
  call<Invitation>("POST", `${lessonPath(lessonId)}/invitations`, { role, valid_hours: validHours, place }, token);
export const revoke = (lessonId: string, invitationId: string, token?: string) =>
  call<Invitation>(
    "DELETE",
    `${lessonPath(lessonId)}/invitations/${encodeURIComponent(invitationId)}`,
    undefined,
    token,
  );

export const linkTests = async () => (await call<{ places: PlaceLinkTests[] }>("GET", "/link-tests")).places;
