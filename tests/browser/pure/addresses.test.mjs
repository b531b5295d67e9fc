// Addresses of pages, filters of the feed, and what an input is taken for.

import assert from "node:assert/strict";
import test from "node:test";
import { filtersOf, matches, newest } from "./filters.js";
import { guess, MAX_TEXT, request } from "./guessing.js";
import { parse, to } from "./routes.js";

test("every subject survives its address", () => {
  for (const name of ["domain:quiz.example", "link:https://a.example/?b=c&d#e", "account:a/b?c", "account:%41 \u202e中"]) {
    const { page, name: back, query } = parse(to("subject", name, { kind: "violation" }));
    assert.deepEqual([page, back, query.get("kind")], ["subject", name, "violation"]);
  }
  assert.equal(parse("").page, "now");
  assert.equal(parse("#/review/%E0%A4%A").name, "%E0%A4%A");
});

test("filters are those of the API, and nothing else", () => {
  assert.deepEqual(filtersOf(new URLSearchParams("kind=lift&before=3&clause=links.1.1")), { kind: "lift", clause: "links.1.1" });
  const item = { seq: 1, item: { kind: "enforcement", action: "warn", subject: "ip:198.51.100.1", clauses: ["links.1.1"], rule: "a.b" } };
  assert.ok(matches(item, { kind: "enforcement", subject_kind: "ip", clause: "links.1.1", rule: "a.b", action: "warn" }));
  assert.ok(!matches(item, { subject_kind: "account" }));
  assert.ok(!matches(item, { clause: "links.1" }));
});

test("the newest, each once, bounded", () => {
  const made = (...numbers) => numbers.map((seq) => ({ seq }));
  assert.deepEqual(newest(made(3, 2, 1), made(4, 3), 3), made(4, 3, 2));
});

test("what is typed is taken for what it looks like", () => {
  assert.deepEqual(["https://a.example/x", "看 https://a.example/x", '{"text":"a"}', "<!doctype html><p>", "<3 you"].map(guess), ["url", "text", "event", "html", "text"]);
  assert.equal(request("  "), null);
  assert.deepEqual(request('{"text":"a"}').body, { event: { text: "a" } });
  assert.equal(request("[1]", "event").problem, "explain.bad_json");
  assert.equal(request("字".repeat(MAX_TEXT + 1)).problem, "explain.long");
});
