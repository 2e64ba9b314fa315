import { expect, test } from "vitest";
import { elapsed, pickLanguage } from "../src/i18n";

test.each([
  [null, ["en-GB", "ru"], "en"],
  [null, ["ru-RU", "en-US"], "ru"],
  [null, ["fr-FR", "en-US"], "en"],
  [null, ["fr-FR"], "ru"],
  ["en", ["ru-RU"], "en"],
  ["xx", ["ru-RU"], "ru"],
])("language: remembered %s, wanted %s", (remembered, wanted, chosen) => {
  expect(pickLanguage(remembered, wanted, ["ru", "en"])).toBe(chosen);
});

test.each([
  [0, "0:00"],
  [-3, "0:00"],
  [761, "12:41"],
  [3723, "1:02:03"],
])("elapsed %d s", (seconds, shown) => {
  expect(elapsed(seconds)).toBe(shown);
});
