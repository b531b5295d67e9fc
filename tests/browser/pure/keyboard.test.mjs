// Which key does what, where; and that the list which `?` shows tells of them.

import assert from "node:assert/strict";
import test from "node:test";
import { asked, SHOWN } from "./keyboard.js";
import { en } from "./words-en.js";
import { zh } from "./words-zh.js";

test("a case is handled by keys", () => {
  assert.deepEqual(["j", "k", "Enter", "a", "r", "u", "?"].map((key) => asked(key, "case")),
    ["next", "previous", "open", "approve", "reject", "undo", "help"]);
});

test("keys of a case do nothing elsewhere", () => {
  assert.equal(asked("a", "feed"), null);
  assert.equal(asked("r", ""), null);
  assert.equal(asked("p", "feed"), "pause");
});

test("two keys go to a page", () => {
  assert.equal(asked("r", "case", { before: "g" }), "go:reviews");
  assert.equal(asked("n", "feed", { before: "g" }), "go:now");
});

test("who types, or holds a modifier, is left alone", () => {
  assert.equal(asked("a", "case", { typing: true }), null);
  assert.equal(asked("r", "case", { modified: true }), null);
  assert.equal(asked("Escape", "case", { typing: true }), "back");
});

test("both languages have all words, with the same names in them", () => {
  assert.deepEqual(Object.keys(en).sort(), Object.keys(zh).sort());
  const names = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const key of Object.keys(en)) assert.deepEqual(names(zh[key]), names(en[key]), key);
  for (const [where, keys] of SHOWN) for (const word of [where, ...keys.map(([, each]) => each)]) assert.ok(word in en, word);
});
