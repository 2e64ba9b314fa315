import { describe, expect, test } from "vitest";
import {
  type ClassroomState,
  feedMinutes,
  floorAnswered,
  fromWelcome,
  hands,
  hasFloor,
  mayPublish,
  needsDevices,
  reduce,
  stageOf,
} from "../src/classroom/state";
import type { FromServer, LessonInfo, ParticipantInfo, Role, Slot, Welcome } from "../src/protocol";

const LESSON: LessonInfo = {
  lesson_id: "l",
  title: "Волны",
  kind: "full",
  state: "live",
  locked: false,
  live_since: 100,
};

function participant(id: string, role: Role, change: Partial<ParticipantInfo> = {}): ParticipantInfo {
  return {
    participant_id: id,
    name: id,
    role,
    present: true,
    hand: false,
    hand_since: null,
    floor: false,
    publishing: [],
    muted: [],
    feed_on: true,
    feed_minutes: 0,
    link: "unknown",
    height: 0,
    ...change,
  };
}

function welcomed(role: Role, change: Partial<Welcome> = {}): ClassroomState {
  const welcome: Welcome = {
    type: "welcome",
    version: 1,
    participant_id: "me",
    role,
    resume: "secret",
    resumed: false,
    media_epoch: 1,
    lesson: LESSON,
    participants: [participant("me", role), participant("anna", role === "teacher" ? "co_teacher" : "teacher")],
    slots: [],
    chat: [],
    now: 1000,
    ...change,
  };
  return fromWelcome(welcome, 990);
}

const told = (state: ClassroomState, ...messages: FromServer[]): ClassroomState =>
  messages.reduce((so_far, message) => reduce(so_far, message, 500), state);

const slot = (name: Slot, flowing: boolean, who = "anna"): FromServer => ({
  type: "slot_changed",
  state: { slot: name, participant_id: who, flowing, height: 720 },
});

const changed = (one: ParticipantInfo): FromServer => ({ type: "participant_changed", participant: one });

const STILL: ReadonlySet<Slot> = new Set();
const GOOD = { server: true, media: true, moving: STILL };

describe("what the picture's place says", () => {
  test("waiting, live, picture, ended", () => {
    const waiting = welcomed("class", { lesson: { ...LESSON, state: "waiting", live_since: null } });
    expect(stageOf(waiting, GOOD)).toBe("waiting");
    const live = told(waiting, { type: "lesson_changed", lesson: LESSON });
    expect(stageOf(live, GOOD)).toBe("teacher_starting");
    const shown = told(live, slot("teacher_video", true));
    expect(stageOf(shown, GOOD)).toBe("picture");
    const ended = told(shown, { type: "lesson_changed", lesson: { ...LESSON, state: "ended" } });
    expect(stageOf(ended, { ...GOOD, server: false, media: false })).toBe("ended");
  });

  test("the teacher's connection and camera", () => {
    const live = welcomed("viewer");
    expect(stageOf(told(live, changed(participant("anna", "teacher", { present: false }))), GOOD)).toBe(
      "teacher_reconnecting",
    );
    expect(stageOf(told(live, { type: "participant_left", participant_id: "anna" }), GOOD)).toBe("teacher_absent");
    expect(stageOf(told(live, slot("teacher_audio", true)), GOOD)).toBe("camera_off");
    expect(stageOf(told(live, slot("screen_video", true)), GOOD)).toBe("picture");
  });

  test("the own connection: a picture outlives the server's", () => {
    const shown = told(welcomed("class"), slot("teacher_video", true));
    expect(stageOf(shown, { ...GOOD, server: false })).toBe("picture");
    expect(stageOf(shown, { ...GOOD, media: false })).toBe("media_connecting");
    expect(stageOf(shown, { ...GOOD, server: false, media: false })).toBe("no_connection");
  });

  test("a poor link in words", () => {
    const link = { estimate_bps: 60_000, bitrate_bps: 40_000, loss: 0.1, rtt_ms: 300 };
    const shown = told(welcomed("class"), slot("teacher_video", true));
    const poor = told(shown, { type: "own_link", direction: "down", link: "sound_only", ...link });
    expect(stageOf(poor, GOOD)).toBe("sound_only");
    expect(stageOf(poor, { ...GOOD, moving: new Set<Slot>(["teacher_video"]) })).toBe("picture");
    expect(stageOf(told(poor, { type: "own_link", direction: "up", link: "good", ...link }), GOOD)).toBe("sound_only");
  });

  test("a partial lesson's feed is off", () => {
    const partial = welcomed("class", { lesson: { ...LESSON, kind: "partial" } });
    expect(stageOf(told(partial, changed(participant("me", "class", { feed_on: false }))), GOOD)).toBe("feed_off");
  });
});

describe("the floor", () => {
  const offered = told(welcomed("class"), { type: "floor_offered", by: "Анна Петровна", expires_s: 30 });

  test("is offered for a time, and devices open for the preview", () => {
    expect(offered.floorOffer).toEqual({ by: "Анна Петровна", expiresAt_s: 530, accepted: false });
    expect(needsDevices(offered)).toBe(true);
    expect(mayPublish(offered, false)).toBe(false);
  });

  test("keeps the devices open between the answer and the floor", () => {
    const accepted = floorAnswered(offered, true);
    expect(needsDevices(accepted)).toBe(true);
    const given = told(accepted, changed(participant("me", "class", { floor: true })));
    expect(given.floorOffer).toBeNull();
    expect(hasFloor(given) && needsDevices(given) && mayPublish(given, false)).toBe(true);
  });

  test("declined or taken back lets them go", () => {
    expect(needsDevices(floorAnswered(offered, false))).toBe(false);
    expect(needsDevices(told(offered, { type: "floor_ended" }))).toBe(false);
  });
});

test("nothing is sent before the lesson is live", () => {
  const waiting = welcomed("teacher", { lesson: { ...LESSON, state: "waiting" } });
  expect(mayPublish(waiting, true)).toBe(false);
  expect(mayPublish(welcomed("teacher"), false)).toBe(true);
  expect(mayPublish(welcomed("co_teacher"), false)).toBe(false);
  expect(mayPublish(welcomed("co_teacher"), true)).toBe(true);
  expect(mayPublish(welcomed("viewer"), true)).toBe(false);
});

test("minutes of the live feed run on between two tellings", () => {
  const partial = welcomed("teacher", { lesson: { ...LESSON, kind: "partial" } });
  const on = participant("b", "class", { feed_minutes: 2.5, feed_on: true });
  expect(feedMinutes(told(partial, changed(on)), on, 500 + 90)).toBe(4);
  const off = { ...on, feed_on: false };
  expect(feedMinutes(told(partial, changed(off)), off, 500 + 90)).toBe(2);
});

test("hands stand in the order they were raised", () => {
  const state = told(
    welcomed("teacher"),
    changed(participant("b", "class", { hand: true, hand_since: 20 })),
    changed(participant("a", "viewer", { hand: true, hand_since: 30 })),
    changed(participant("c", "class", { hand: true, hand_since: 10 })),
  );
  expect(hands(state).map((one) => one.participant_id)).toEqual(["c", "b", "a"]);
});

test("the clock follows the server's", () => {
  expect(welcomed("viewer").clockOffset_s).toBe(10);
});

test("chat is bounded", () => {
  let state = welcomed("viewer");
  for (let n = 0; n < 250; n++) {
    const line = { participant_id: "anna", name: "Анна", role: "teacher", text: String(n), wall_time: n } as const;
    state = told(state, { type: "said", line });
  }
  expect(state.chat.length).toBe(200);
  expect(state.chat.at(-1)?.text).toBe("249");
});
