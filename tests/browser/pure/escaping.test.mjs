// Text of others, cut into pieces that cannot fool anybody.

import assert from "node:assert/strict";
import test from "node:test";
import { control, line, MOST_MARKS, pieces, stretches } from "./escaping.js";

const text = (found) => found.map((piece) => piece.text ?? "").join("");

test("overrides, tabs and tags are named, and nothing is lost", () => {
  const given = "a\u202eb\tc\u2066d\u{e0041}";
  const found = pieces(given);
  assert.deepEqual(found.filter((piece) => piece.control).map((piece) => piece.control), ["RLO", "TAB", "LRI", "U+E0041"]);
  assert.equal(text(found), given);
});

test("a line break is a line break, a lone surrogate is named", () => {
  assert.equal(control("\n"), null);
  assert.equal(control("\ud800"), "U+D800");
  assert.equal(control("中"), null);
});

test("marks beyond a few are counted instead of drawn over other lines", () => {
  const found = pieces(`e${"\u0301".repeat(50)}x`);
  assert.equal(found[0].text, `e${"\u0301".repeat(MOST_MARKS)}`);
  assert.equal(found[1].left, 50 - MOST_MARKS);
  assert.equal(found[2].text, "x");
});

test("joiners stay in emoji and are named between letters", () => {
  assert.deepEqual(pieces("👩\u200d👧"), [{ text: "👩\u200d👧" }]);
  assert.equal(pieces("加\u200d微")[1].control, "ZWJ");
});

test("a line is plain, short and on one line", () => {
  assert.equal(line("a\n\n b\u202e", 80), "a b⟨RLO⟩");
  assert.equal(line("x".repeat(100), 10), `${"x".repeat(10)}…`);
});

test("stretches cover the text once, with all marks over each", () => {
  const one = { start: 1, end: 4 };
  const two = { start: 3, end: 99 };
  const found = stretches(6, [one, two, { start: 5, end: 5 }, { start: -3, end: 0 }]);
  assert.deepEqual(found.map(({ start, end, marks }) => [start, end, marks.length]), [[0, 1, 0], [1, 3, 1], [3, 4, 2], [4, 6, 1]]);
  assert.deepEqual(stretches(0, [one]), []);
});
