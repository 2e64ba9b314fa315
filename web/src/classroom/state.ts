import type {
  ChatLine,
  FromServer,
  LessonInfo,
  Link,
  OwnLink,
  ParticipantInfo,
  Role,
  Slot,
  SlotState,
  Source,
  Welcome,
} from "../protocol";

/** What the page knows of the lesson; made from `Welcome`, then changed by every later message. `clockOffset_s` is added
 * to the page's Unix time to get the server's. */
export interface ClassroomState {
  readonly me: string;
  readonly role: Role;
  readonly lesson: LessonInfo;
  readonly participants: ReadonlyMap<string, ParticipantInfo>;
  /** When each was last told of, by the page's own clock: their minutes run on from there. */
  readonly toldAt_s: ReadonlyMap<string, number>;
  readonly slots: ReadonlyMap<Slot, SlotState>;
  readonly chat: readonly ChatLine[];
  readonly clockOffset_s: number;
  readonly floorOffer: FloorOffer | null;
  readonly silenced: ReadonlySet<Source>;
  readonly links: { readonly up: OwnLink | null; readonly down: OwnLink | null };
}

/** `accepted`: the answer is on its way, the floor not yet here. */
export interface FloorOffer {
  readonly by: string;
  readonly expiresAt_s: number;
  readonly accepted: boolean;
}

const CHAT_KEPT = 200;

export function fromWelcome(welcome: Welcome, now_s: number): ClassroomState {
  const own = welcome.participants.find((one) => one.participant_id === welcome.participant_id);
  return {
    me: welcome.participant_id,
    role: welcome.role,
    lesson: welcome.lesson,
    participants: new Map(welcome.participants.map((one) => [one.participant_id, one])),
    toldAt_s: new Map(welcome.participants.map((one) => [one.participant_id, now_s])),
    slots: new Map(welcome.slots.map((one) => [one.slot, one])),
    chat: welcome.chat,
    clockOffset_s: welcome.now - now_s,
    floorOffer: null,
    silenced: new Set(own?.muted ?? []),
    links: { up: null, down: null },
  };
}

export function reduce(state: ClassroomState, message: FromServer, now_s: number): ClassroomState {
  switch (message.type) {
    case "participant_changed": {
      const { participant } = message;
      const participants = new Map(state.participants).set(participant.participant_id, participant);
      const toldAt_s = new Map(state.toldAt_s).set(participant.participant_id, now_s);
      const given = participant.participant_id === state.me && participant.floor;
      return { ...state, participants, toldAt_s, floorOffer: given ? null : state.floorOffer };
    }
    case "participant_left": {
      const participants = new Map(state.participants);
      participants.delete(message.participant_id);
      return { ...state, participants };
    }
    case "lesson_changed":
      return { ...state, lesson: message.lesson };
    case "slot_changed":
      return { ...state, slots: new Map(state.slots).set(message.state.slot, message.state) };
    case "floor_offered":
      return { ...state, floorOffer: { by: message.by, expiresAt_s: now_s + message.expires_s, accepted: false } };
    case "floor_ended":
      return { ...state, floorOffer: null };
    case "muted_by_teacher": {
      const silenced = new Set(state.silenced);
      if (message.muted) silenced.add(message.source);
      else silenced.delete(message.source);
      return { ...state, silenced };
    }
    case "said":
      return { ...state, chat: [...state.chat, message.line].slice(-CHAT_KEPT) };
    case "own_link":
      return { ...state, links: { ...state.links, [message.direction]: message } };
    default:
      return state;
  }
}

/** The person answered the offer of the floor. */
export function floorAnswered(state: ClassroomState, accepted: boolean): ClassroomState {
  return { ...state, floorOffer: accepted && state.floorOffer ? { ...state.floorOffer, accepted } : null };
}

// ---------------------------------------------------------------- what follows from it

export const isTeaching = (role: Role): boolean => role === "teacher" || role === "co_teacher";

export function own(state: ClassroomState): ParticipantInfo | undefined {
  return state.participants.get(state.me);
}

export function hasFloor(state: ClassroomState): boolean {
  return own(state)?.floor ?? false;
}

export function floorHolder(state: ClassroomState): ParticipantInfo | undefined {
  return [...state.participants.values()].find((one) => one.floor);
}

export function flows(state: ClassroomState, slot: Slot): boolean {
  return state.slots.get(slot)?.flowing ?? false;
}

/** The slot shows what this page itself sends. */
export function isOwnSlot(state: ClassroomState, slot: Slot): boolean {
  return state.slots.get(slot)?.participant_id === state.me;
}

/** Whole minutes of live feed that a class has had by `now_s`. */
export function feedMinutes(state: ClassroomState, one: ParticipantInfo, now_s: number): number {
  const runs = one.feed_on && one.present && state.lesson.state === "live";
  const since_s = runs ? now_s - (state.toldAt_s.get(one.participant_id) ?? now_s) : 0;
  return Math.floor(one.feed_minutes + since_s / 60);
}

/** Raised hands, longest waiting first. */
export function hands(state: ClassroomState): ParticipantInfo[] {
  const raised = [...state.participants.values()].filter((one) => one.hand);
  return raised.sort((a, b) => (a.hand_since ?? 0) - (b.hand_since ?? 0));
}

/** Participants of these roles by name. */
export function ofRoles(state: ClassroomState, ...roles: Role[]): ParticipantInfo[] {
  const found = [...state.participants.values()].filter((one) => roles.includes(one.role));
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

const SUFFERING: ReadonlySet<Link> = new Set<Link>(["lost", "sound_only", "still", "poor"]);

/** Something must be wrong at their end that a teacher would want to know of. */
export const suffers = (one: ParticipantInfo): boolean => !one.present || SUFFERING.has(one.link);

/** Those who suffer first; else as they were. */
export const sufferingFirst = (list: readonly ParticipantInfo[]): ParticipantInfo[] =>
  [...list].sort((a, b) => Number(suffers(b)) - Number(suffers(a)));

/** Camera and microphone are open: to be seen and heard, or to be looked at before that. */
export function needsDevices(state: ClassroomState): boolean {
  if (state.lesson.state === "ended") return false;
  return state.role === "teacher" || hasFloor(state) || state.floorOffer !== null;
}

/** Who sends: the teacher while the lesson is live, anybody else with the floor or the screen. */
export function mayPublish(state: ClassroomState, sharing: boolean): boolean {
  if (state.lesson.state !== "live") return false;
  return state.role === "teacher" || hasFloor(state) || (sharing && isTeaching(state.role));
}

/** What the picture's place says in words; `picture` says nothing, since the picture is there. */
export type Stage =
  | "ended"
  | "waiting"
  | "feed_off"
  | "no_connection"
  | "media_connecting"
  | "picture"
  | "sound_only"
  | "camera_off"
  | "teacher_reconnecting"
  | "teacher_absent"
  | "teacher_starting";

/** How the page's own connections stand, beside what the server told. */
export interface OwnConnections {
  readonly server: boolean;
  readonly media: boolean;
  /** Pictures that move on this page. */
  readonly moving: ReadonlySet<Slot>;
}

/** The state of the picture's place for those who watch. What must be done first is said first. */
export function stageOf(state: ClassroomState, connections: OwnConnections): Stage {
  if (state.lesson.state === "ended") return "ended";
  if (!connections.server && !connections.media) return "no_connection";
  if (state.lesson.state === "waiting") return "waiting";
  if (state.lesson.kind === "partial" && own(state)?.feed_on === false) return "feed_off";
  if (!connections.media) return "media_connecting";
  const picture = flows(state, "teacher_video") || flows(state, "screen_video");
  const moves = connections.moving.has("teacher_video") || connections.moving.has("screen_video");
  if (state.links.down?.link === "sound_only" && !moves) return "sound_only";
  if (picture) return "picture";
  const teachers = ofRoles(state, "teacher");
  if (teachers.some((one) => !one.present)) return "teacher_reconnecting";
  if (flows(state, "teacher_audio")) return "camera_off";
  return teachers.length === 0 ? "teacher_absent" : "teacher_starting";
}
