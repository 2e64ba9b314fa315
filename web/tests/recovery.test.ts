import { describe, expect, test } from "vitest";
import { backoffMs } from "../src/classroom/backoff";
import { Recovery } from "../src/media/recovery";

describe("a media connection", () => {
  test("is left alone while it works", () => {
    const recovery = new Recovery();
    recovery.began(0);
    expect(recovery.step("connecting", 500)).toBe("none");
    expect(recovery.step("connected", 1000)).toBe("none");
    expect(recovery.step("connected", 100_000)).toBe("none");
  });

  test("is restarted once after two seconds of disconnection, and made anew after eight", () => {
    const recovery = new Recovery();
    recovery.began(0);
    recovery.step("connected", 1000);
    expect(recovery.step("disconnected", 10_000)).toBe("none");
    expect(recovery.step("disconnected", 11_900)).toBe("none");
    expect(recovery.step("disconnected", 12_000)).toBe("restart");
    expect(recovery.step("disconnected", 13_000)).toBe("none");
    expect(recovery.step("failed", 17_900)).toBe("none");
    expect(recovery.step("failed", 18_000)).toBe("fresh");
  });

  test("that failed is restarted at once", () => {
    const recovery = new Recovery();
    recovery.began(0);
    recovery.step("connected", 1000);
    expect(recovery.step("failed", 20_000)).toBe("restart");
  });

  test("is restarted again after it recovered in between", () => {
    const recovery = new Recovery();
    recovery.began(0);
    recovery.step("connected", 0);
    expect(recovery.step("failed", 1000)).toBe("restart");
    expect(recovery.step("connected", 1500)).toBe("none");
    expect(recovery.step("failed", 60_000)).toBe("restart");
  });

  test("that never connects is made anew every eight seconds", () => {
    const recovery = new Recovery();
    recovery.began(0);
    expect(recovery.step("connecting", 7900)).toBe("none");
    expect(recovery.step("connecting", 8000)).toBe("fresh");
    recovery.began(8000);
    expect(recovery.step("new", 9000)).toBe("none");
  });

  test("whose offer was not answered is offered anew after a growing pause", () => {
    const recovery = new Recovery();
    recovery.began(0);
    recovery.negotiationFailed(0, 0);
    expect(recovery.step("new", 149)).toBe("none");
    expect(recovery.step("new", 150)).toBe("fresh");
    recovery.began(150);
    recovery.negotiationFailed(150, 0);
    expect(recovery.step("new", 449)).toBe("none");
    expect(recovery.step("new", 450)).toBe("fresh");
  });
});

test("the back-off grows from 0.3 s to 5 s and is jittered", () => {
  expect(backoffMs(0, 0.999)).toBeCloseTo(300, 0);
  expect(backoffMs(0, 0)).toBe(150);
  expect(backoffMs(3, 0)).toBe(1200);
  for (const attempt of [5, 9, 1000]) {
    expect(backoffMs(attempt, 0)).toBe(2500);
    expect(backoffMs(attempt, 0.999)).toBeLessThanOrEqual(5000);
  }
});
