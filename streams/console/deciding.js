// What moderators decide, from the moment they say so: a few seconds in which it can be taken back, then it is sent,
// once, and what the workers make of it is told. `u` takes back what waits, and afterwards undoes what can be undone.

import { newId, post } from "./api.js";
import { askDecision } from "./asking.js";
import { el } from "./dom.js";
import { line } from "./escaping.js";
import { t, word } from "./language.js";
import { subjectLink } from "./parts.js";
import { tell } from "./telling.js";

/** How long a decision can be taken back, in seconds. */
export const GRACE_S = 5;
/** Changes, and subjects, of which the message at the foot tells. */
const MOST_SAID = 4;

/** Events: "changed" (what waits), "answered" ({decision, outcome}), "stale" (decision). */
export const decisions = new EventTarget();

/** What was decided here and is not sent yet, newest last; and what was sent, newest last. */
const waiting = [];
const sent = [];

/** Whose decisions they are. */
let who = "";

/** Says who is logged in: what somebody else decided here and could not be sent is not sent in this name. */
export function decidedBy(name) {
  who = name;
  for (const decision of waiting.filter((each) => each.by !== name)) {
    settle(decision);
    decision.toast.close();
    tell(t("pending.not_yours", { label: line(decision.label, 100), who: line(decision.by, 60) }), { tone: "warn" });
  }
}

/** The decision about a case, a sanction or a subject that waits or is on its way; null for none. */
export function underWay(about) {
  return waiting.find((each) => each.about === about) ?? null;
}

/** Whether anything could be taken back, or is on its way. */
export const anyUnderWay = () => waiting.length > 0;

const signal = (type, detail) => decisions.dispatchEvent(new CustomEvent(type, { detail }));

/** Decides: `about` names what it is about, so that nothing is decided twice at a time; `path` and `body` are of the
 * API; `label` says it in words, and `done` once it is sent; `verdict`, `subject` and `kind` tell what undoing it would mean. */
export function decide({ about, kind, verdict = "", subject, path, body, label, done = label }) {
  if (underWay(about)) return null;
  const once = kind === "control" || kind === "pack" ? {} : { id: newId() }; // to halt twice is to halt
  const decision = { by: who, about, kind, verdict, subject, path, label, done, body: { ...body, ...once }, left: GRACE_S, state: "waiting" };
  waiting.push(decision);
  const seconds = el("span", { class: "dim seconds", "aria-hidden": "true" });
  const draw = () => { seconds.textContent = t("pending.seconds", { n: decision.left }); };
  draw();
  decision.toast = tell([el("strong", {}, line(label, 100)), " ", seconds, " ",
    el("button", { type: "button", on: { click: () => takeBack(decision) } }, t("pending.take_back")),
    el("button", { type: "button", class: "quiet", on: { click: () => send(decision) } }, t("pending.now"))], { stay: true });
  decision.toast.node.querySelector(".close").remove();
  decision.clock = setInterval(() => {
    decision.left -= 1;
    if (decision.left > 0) draw();
    else send(decision);
  }, 1000);
  signal("changed", decision);
  return decision;
}

function takeBack(decision) {
  if (decision.state !== "waiting") return;
  settle(decision);
  decision.state = "taken back";
  decision.toast.close();
  tell(t("pending.taken_back"), { ms: 4000 });
  signal("changed", decision);
}

function settle(decision) {
  clearInterval(decision.clock);
  const at = waiting.indexOf(decision);
  if (at >= 0) waiting.splice(at, 1);
}

async function send(decision) {
  if (decision.state === "sending" || decision.state === "taken back" || decision.state === "sent") return;
  clearInterval(decision.clock);
  decision.state = "sending";
  decision.toast.set([el("strong", {}, line(decision.label, 100)), " ", t("pending.sending")], "plain", true);
  signal("changed", decision);
  try {
    const outcome = await post(decision.path, decision.body);
    settle(decision);
    decision.state = "sent";
    decision.outcome = outcome ?? {};
    sent.push(decision);
    showOutcome(decision);
    signal("answered", decision);
  } catch (problem) {
    decision.problem = problem;
    if (problem.code === "stale") {
      settle(decision);
      decision.state = "stale";
      decision.toast.close();
      signal("stale", decision);
      tell([el("strong", {}, t("stale.title")), " ", t("stale.text")], { tone: "warn" });
    } else if (problem.status === 0 || problem.status >= 500 || problem.status === 429 || problem.status === 401) {
      decision.state = "failed"; // it may have been written: sent again under the same id, it counts once
      decision.toast.set([el("strong", {}, line(decision.label, 100)), " ", problem.status === 401 ? t("done.logged_out") : t("done.failed", { why: line(problem.message, 200) }), " ",
        el("button", { type: "button", on: { click: () => send(decision) } }, t("done.again")),
        el("button", { type: "button", class: "quiet", on: { click: () => { settle(decision); decision.toast.close(); signal("changed", decision); } } }, t("decide.cancel"))], "bad", true);
    } else {
      settle(decision);
      decision.state = "refused";
      const why = line(problem.message, 300);
      decision.toast.close();
      tell([el("strong", {}, line(decision.label, 100)), " ", problem.status === 409 ? t("done.conflict", { why }) : t("done.failed", { why })], { tone: "bad" });
    }
    signal("changed", decision);
  }
}

function showOutcome(decision) {
  const { outcome } = decision;
  const said = [];
  if (outcome.refused) said.push(t("done.refused", { why: line(outcome.refused.detail ?? outcome.refused.reason ?? "", 300) }));
  else if (outcome.answered === undefined) said.push(t("done.changes")); // controls and packs are in force once written
  else if (!outcome.answered) said.push(t("done.unanswered"));
  else {
    if (outcome.repeated) said.push(t("done.repeated"));
    const holding = Object.entries(outcome.in_force ?? {});
    const changes = (outcome.changes ?? []).filter((each) => each.action);
    const other = (name) => Number(name !== decision.subject); // what it was about comes first
    changes.sort((a, b) => other(a.subject) - other(b.subject));
    holding.sort(([a], [b]) => other(a) - other(b));
    for (const each of changes.slice(0, MOST_SAID)) said.push(t(each.kind === "lift" ? "done.lifted" : "done.made", { subject: line(each.subject, 60), action: word("action", each.action) }));
    if (!holding.length && !changes.length) said.push((outcome.changes ?? []).length ? t("done.changes") : t("done.nothing"));
    const heldToo = holding.filter(([subject, actions]) => other(subject) && actionsOf(actions).length);
    for (const [subject, actions] of holding.filter((each) => !heldToo.includes(each)).slice(0, MOST_SAID)) {
      const names = [...new Set(actionsOf(actions))].map((each) => word("action", each)).join(", ");
      said.push(names ? t("done.in_force", { subject: line(subject, 60), actions: names }) : t("done.free", { subject: line(subject, 60) }));
    }
    if (heldToo.length) said.push(t(heldToo.length === 1 ? "done.linked_held.one" : "done.linked_held", { n: heldToo.length }));
    if (stillHeld(decision)) said.push(t("done.still"));
    if (outcome.complete === false) said.push(t("done.incomplete"));
  }
  const close = decision.toast.close;
  close();
  tell([el("strong", {}, line(decision.done, 100)), el("ul", {}, said.map((each) => el("li", {}, each))), decision.subject ? subjectLink(decision.subject) : null,
    putInForce(decision) ? [" ", el("button", { type: "button", on: { click: () => undoSent(decision) } }, t("review.undo"))] : null],
    { tone: outcome.refused ? "bad" : outcome.answered === false || stillHeld(decision) ? "warn" : "good", ms: outcome.answered === false || outcome.refused ? null : 15_000 });
}

/** Whether somebody who took a sanction back may think the subject free, and it is not. */
function stillHeld({ kind, verdict, subject, outcome }) {
  return kind === "appeal" && verdict === "overturned" && actionsOf(outcome.in_force?.[subject]).length > 0;
}

/** The sanction that an approval put in force, as far as the answer says so; undefined for none. */
function putInForce({ kind, verdict, subject, outcome }) {
  if (kind !== "review" || verdict !== "approved") return undefined;
  return (outcome.changes ?? []).find((each) => each.kind === "enforcement" && each.subject === subject);
}

/** Names of actions in what an outcome says is in force, whatever it says of them besides. */
export function actionsOf(holding) {
  return (holding ?? []).map((each) => (typeof each === "string" ? each : each.action));
}

/** What `u` does: takes back what waits, else undoes the newest decision of this page as far as that goes. */
export async function undo() {
  const newest = waiting.findLast((each) => each.state === "waiting");
  if (newest) return takeBack(newest);
  if (waiting.length) return undefined; // it is on its way: first it is seen what comes of it
  const last = sent.at(-1);
  if (!last) return void tell(t("undo.nothing"), { ms: 5000 });
  return undoSent(last);
}

async function undoSent(last) {
  if (last.kind === "review" && last.verdict === "approved") {
    if (!last.outcome.answered) return void tell(t("undo.unanswered"), { tone: "warn" });
    const made = putInForce(last);
    if (!made) return void tell(t("undo.answered_nothing"), { ms: 8000 });
    const decision = await appeal(made.id, last.subject, "overturned");
    if (decision && sent.includes(last)) sent.splice(sent.indexOf(last), 1);
    return undefined;
  }
  const why = { review: "undo.rejected", appeal: "undo.final", order: "undo.order" }[last.kind] ?? "undo.admin";
  return void tell([el("span", {}, t(why)), " ", last.subject ? subjectLink(last.subject) : null], { tone: "warn" });
}

/** Asks for a verdict on an enforcement, and decides. */
export async function appeal(enforcement, subject, verdict) {
  const overturned = verdict === "overturned";
  const title = overturned ? t("decide.appeal") : t("decide.uphold");
  const given = await askDecision({
    title,
    kind: verdict,
    submit: overturned ? t("subject.undo") : t("subject.uphold"),
    tone: overturned ? "danger" : "",
    would: [el("p", {}, subjectLink(subject)), el("p", {}, overturned ? t("decide.appeal.would") : t("decide.uphold.would"))],
  });
  if (!given) return null;
  return decide({
    about: `enforcement ${enforcement}`, kind: "appeal", verdict, subject, label: t("pending.other", { what: title, subject }),
    path: "/v1/appeals", body: { enforcement, verdict, reason: given.reason },
  });
}

/** Sends what waits at once, because who decided expects it done, and ends when it is answered; whether all of it was. */
export async function flush() {
  await Promise.all(waiting.filter((each) => each.state === "waiting").map(send));
  while (waiting.some((each) => each.state === "sending")) await new Promise((done) => setTimeout(done, 50));
  return waiting.length === 0;
}

addEventListener("pagehide", () => {
  for (const decision of waiting) {
    if (decision.state !== "waiting") continue;
    clearInterval(decision.clock);
    decision.state = "sent";
    fetch(decision.path, {
      method: "POST", keepalive: true, credentials: "same-origin", body: JSON.stringify(decision.body),
      headers: { "Content-Type": "application/json", "Warden-Request": "1" },
    });
  }
});
