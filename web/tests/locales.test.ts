import { readdirSync, readFileSync } from "node:fs";
import { FluentBundle, FluentResource } from "@fluent/bundle";
import { describe, expect, test } from "vitest";

const LOCALES = new URL("../src/locales/", import.meta.url);
const SOURCE = new URL("../src/", import.meta.url);

function keysOf(code: string): Set<string> {
  const bundle = new FluentBundle(code);
  const errors = bundle.addResource(new FluentResource(readFileSync(new URL(`${code}.ftl`, LOCALES), "utf8")));
  expect(errors).toEqual([]);
  return new Set(bundle._messages.keys());
}

const codes = readdirSync(LOCALES).map((name) => name.replace(/\.ftl$/, ""));
const russian = keysOf("ru");

const source = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => readFileSync(new URL(name, SOURCE), "utf8"))
  .join("\n");

/** Members of a union of strings as it stands in the source. */
function union(name: string): string[] {
  const body = new RegExp(`export type ${name} =([^;]+);`).exec(source)?.[1] ?? "";
  const members = [...body.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "");
  expect(members.length, name).toBeGreaterThan(1);
  return members;
}

test("Russian and English are there", () => {
  expect(codes).toEqual(expect.arrayContaining(["ru", "en"]));
});

test.each(codes)("%s has the keys of all other languages", (code) => {
  expect([...keysOf(code)].sort()).toEqual([...russian].sort());
});

describe("every key that the source uses exists", () => {
  test("written out", () => {
    const used = [...source.matchAll(/\bt\(\s*"([\w-]+)"/g)].map((match) => match[1] ?? "");
    expect(used.length).toBeGreaterThan(50);
    expect(used.filter((key) => !russian.has(key))).toEqual([]);
  });

  test("chosen between two", () => {
    const used = [...source.matchAll(/\bt\([^()"`]*\? "([\w-]+)" : "([\w-]+)"/g)].flatMap(([, a = "", b = ""]) => [
      a,
      b,
    ]);
    expect(used.length).toBeGreaterThan(1);
    expect(used.filter((key) => !russian.has(key))).toEqual([]);
  });

  test.each([
    ["error-", union("ErrorCode")],
    ["refused-", union("ErrorCode")],
    ["link-", union("Link")],
    ["reception-", union("Reception")],
    ["sending-", union("Lowered")],
    ["test-receiving-", union("Verdict")],
    ["test-sending-", union("Verdict")],
    ["test-teaching-", union("Verdict")],
    ["verdict-", union("Verdict")],
    ["test-note-", union("LinkNote")],
    ["test-trouble-", union("LinkTestTrouble")],
    ["test-now-", union("LinkTestPhase")],
    ["lesson-", union("LessonState")],
    ["stage-", union("Stage")],
    ["device-camera-", union("DeviceTrouble")],
    ["device-microphone-", union("DeviceTrouble")],
    ["role-", union("Role")],
    ["name-", union("Role")],
    ["entry-", union("Role")],
    ["link-for-", union("Role")],
  ])("made from a union: %s", (prefix, members) => {
    expect(members.map((member) => prefix + member).filter((key) => !russian.has(key))).toEqual([]);
  });
});

test("no key is left over", () => {
  const prefixes = [...source.matchAll(/`([\w-]+-)\$\{/g)].map((match) => match[1] ?? "");
  const unused = [...russian].filter(
    (key) => !source.includes(`"${key}"`) && !prefixes.some((prefix) => key.startsWith(prefix)),
  );
  expect(unused).toEqual([]);
});
