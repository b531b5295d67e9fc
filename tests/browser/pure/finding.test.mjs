// What a text may mean that somebody looks for.

import assert from "node:assert/strict";
import test from "node:test";
import { beginnings, isSubject } from "./finding.js";

test("what says its kind is meant as it stands", () => {
  assert.deepEqual(beginnings(" domain:quiz "), ["domain:quiz"]);
  assert.deepEqual(beginnings("account:"), ["account:"]);
  assert.equal(isSubject("account:"), false);
  assert.equal(isSubject("link:https://quiz.example/1"), true);
  assert.equal(isSubject("https://quiz.example/1"), false);
});

test("an address is a link's, or its domain's", () => {
  assert.deepEqual(beginnings("https://Quiz.Example:8080/1"), ["link:https://Quiz.Example:8080/1", "domain:quiz.example"]);
  assert.deepEqual(beginnings("quiz.example/1"), ["link:https://quiz.example/1", "link:http://quiz.example/1", "domain:quiz.example"]);
  assert.deepEqual(beginnings("https://"), ["link:https://"]);
});

test("a name without its kind may be of any", () => {
  for (const name of ["quiz.example", "alice", "198.51.100.7", "::1"]) {
    assert.deepEqual(new Set(beginnings(name).map((each) => each.slice(0, each.indexOf(":")))), new Set(["account", "link", "domain", "ip", "app"]));
  }
  assert.equal(beginnings("Quiz.Example")[0], "domain:quiz.example");
  assert.equal(beginnings("alice")[0], "account:alice");
  assert.ok(beginnings("::1").includes("ip:::1"));
});

test("how a kind begins is meant, too", () => {
  assert.deepEqual(beginnings("acc").slice(0, 2), ["acc", "account:acc"]);
  assert.deepEqual(beginnings(""), ["account:"]);
});
