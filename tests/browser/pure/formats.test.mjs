// Times, lengths and numbers.

import assert from "node:assert/strict";
import test from "node:test";
import { ago, length, moment, number, subjectParts } from "./formats.js";

const NOW = new Date(2026, 10, 22, 12, 0, 0).getTime();
const before = (seconds) => new Date(NOW - 1000 * seconds).toISOString();

test("lengths in their two largest units", () => {
  assert.equal(length(0), "0\u00a0s");
  assert.equal(length(5400), "1\u00a0h 30\u00a0min");
  assert.equal(length(7 * 86400), "7\u00a0d");
  assert.equal(length(86400 + 59), "1\u00a0d");
  assert.equal(length(90, "zh"), "1分 30秒");
});

test("how long ago, and how soon", () => {
  assert.equal(ago(before(2), NOW), "just now");
  assert.equal(ago(before(190), NOW), "3\u00a0min ago");
  assert.equal(ago(before(-3 * 86400), NOW), "in 3\u00a0d");
  assert.equal(ago(before(7200), NOW, "zh"), "2小时前");
});

test("moments are as short as they can be", () => {
  assert.equal(moment(new Date(2026, 10, 22, 9, 5, 7).toISOString(), NOW), "09:05:07");
  assert.equal(moment(new Date(2026, 9, 2, 9, 5, 7).toISOString(), NOW, { brief: true }), "10-02 09:05");
  assert.equal(moment(new Date(2025, 9, 2, 9, 5, 7).toISOString(), NOW), "2025-10-02 09:05:07");
  assert.equal(moment("nonsense", NOW), "nonsense");
});

test("numbers and subjects", () => {
  assert.equal(number(1234567), "1,234,567");
  assert.equal(number(0.1234), "0.12");
  assert.equal(number(null), "–");
  assert.deepEqual(subjectParts("link:https://a.example/b:c"), ["link", "https://a.example/b:c"]);
});
