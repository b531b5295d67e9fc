// A subject: what is in force and why, how to undo it, who is linked, and all that happened, newest first.

import { get } from "./api.js";
import { askDecision } from "./asking.js";
import { content } from "./content.js";
import { actionsOf, appeal, decide, decisions, underWay } from "./deciding.js";
import { el, fill } from "./dom.js";
import { line } from "./escaping.js";
import { evidenceOf } from "./evidence.js";
import { ago, moment, number, subjectParts } from "./formats.js";
import { language, t, word } from "./language.js";
import { action, badge, clause, clauses, count, empty, lasting, loaded, measure, quotes, section, subjectLink, terms, time, until } from "./parts.js";
import { to } from "./routes.js";

/** The sanctions that land on each kind of subject, the usual one first. */
const ACTIONS = {
  account: ["suspend_account", "warn", "suspend_share_api", "ban_account", "ban_share_api"],
  link: ["stop_spread"],
  domain: ["block_access", "ban_domain"],
  ip: ["block_access", "ban_ip"],
  app: ["suspend_share_api", "ban_share_api"],
};
const LENGTHS = [["decide.1h", 3600], ["decide.1d", 86400], ["decide.7d", 7 * 86400], ["decide.30d", 30 * 86400], ["decide.until.never", 0]];
const FIRST_SHOWN = 30;
/** Linked subjects that are shown at once: what happened stands below them. */
const FIRST_LINKED = 8;
/** Pauses before the page is read again after a decision, in ms. */
const AGAIN_MS = [500, 1000, 2000, 4000, 8000];
/** Violations behind a sanction that are shown at once. */
const BEHIND = 2;

export function open(main, route, app) {
  const page = el("div", { class: "subject-page" });
  main.append(page);
  let alive = true;
  let turn = 0;
  let subject = route.name;
  let kind = route.query.get("kind") ?? "";
  let answer = null;

  function load(older = false) {
    const mine = ++turn;
    return loaded(page, () => get("/v1/subject", { id: subject, older: older ? "true" : "" }), (found) => {
      answer = found;
      for (const [id, titles] of Object.entries(found.clauses ?? {})) if (!clauses.has(id)) clauses.set(id, titles);
      return draw();
    }, () => alive && mine === turn);
  }

  function draw() {
    const may = app.session.role !== "read";
    const [, name] = subjectParts(subject);
    const holding = answer.in_force ?? [];
    const events = (answer.timeline ?? []).map((each) => ({ ...(each.item ?? each), at: each.at }));
    return [
      el("header", { class: "subject-head" },
        el("h1", { "data-first": "", tabindex: "-1" }, el("span", { class: "kind" }, word("subject", subjectParts(subject)[0])), " ", content(name, { clip: 200 })),
        holding.length ? el("p", { class: "actions" }, longest(holding).map((each) => [action(each.action), " ", until(each.ends, each.permanent, each.action), " "])) : el("p", { class: "free" }, badge(t("subject.free"), "good")),
        may ? el("div", { class: "buttons" },
          el("button", { type: "button", on: { click: sanction } }, t("subject.sanction")),
          holding.length ? el("button", { type: "button", on: { click: () => clear() } }, t("subject.clear")) : null) : null),
      section(t("subject.in_force"), { class: "in-force" }, holding.length > 1 ? el("p", { class: "dim", "data-measure": "" }, t("subject.several", { n: number(holding.length) })) : null, holding.length ? el("ul", { class: "plain" }, holding.map((each) => el("li", { class: "holding" }, held(each, events, may)))) : el("p", { class: "calm" }, t("subject.free.long"))),
      answer.reviews?.length ? section(t("subject.reviews"), { class: "waits" }, el("ul", { class: "plain" }, answer.reviews.map((each) =>
        el("li", {}, el("a", { class: "button", href: to("review", each.id) }, (each.proposed ?? []).map((value) => word("action", value)).join(", ") || t("review.title")), " ", word("reason", each.reason))))) : null,
      answer.linked?.length ? section(t("subject.linked"), { class: "linked" }, el("p", { class: "dim small" }, t("subject.linked.long")), linked(answer.linked.slice(0, FIRST_LINKED)), answer.linked.length > FIRST_LINKED
        ? el("details", {}, el("summary", {}, t("subject.linked.more", { n: number(answer.linked.length - FIRST_LINKED) })), linked(answer.linked.slice(FIRST_LINKED))) : null) : null,
      timeline(events),
      record(),
    ];
  }

  const linked = (others) => el("ul", { class: "plain" }, others.map((each) =>
    el("li", {}, subjectLink(each.subject, { clip: 60 }), " ", el("a", { class: "dim", href: to("subject", subject, { kind: "violation" }) }, each.via?.length === 1 ? t("subject.via.one") : t("subject.via", { n: each.via?.length ?? 0 })), " ",
      (each.in_force ?? []).map((value) => [action(typeof value === "string" ? value : value.action), " "]))));

  // In force

  function held(entry, events, may) {
    const ids = new Set(entry.violations ?? []);
    const behind = events.filter((each) => each.kind === "violation" && ids.has(each.id));
    const made = events.find((each) => each.kind === "enforcement" && each.id === entry.enforcement);
    const by = made?.because ? events.find((each) => each.id === made.because && each.kind !== "enforcement") : null;
    const about = `enforcement ${entry.enforcement}`;
    return [
      el("div", { class: "line" }, action(entry.action), " ",
        entry.permanent || !entry.ends ? until(entry.ends, entry.permanent, entry.action) : measure(t("subject.until", { time: moment(entry.ends, Date.now(), { brief: true }), ago: ago(entry.ends, Date.now(), language()) })), " ",
        el("span", { class: "dim", "data-measure": "" }, t("subject.since", { time: moment(entry.starts, Date.now(), { brief: true }) }), " · ", entry.ladder === "by_hand" ? t("feed.by_hand") : t("subject.ladder", { rung: entry.rung, ladder: entry.ladder })),
        el("span", { class: "space" }),
        may && entry.undo?.appeal ? el("span", { class: "acts" },
          el("button", { type: "button", class: "danger", title: t("subject.undo.long"), disabled: Boolean(underWay(about)), on: { click: () => appeal(entry.undo.appeal, subject, "overturned") } }, t("subject.undo")),
          el("button", { type: "button", class: "quiet", disabled: Boolean(underWay(about)), on: { click: () => appeal(entry.undo.appeal, subject, "upheld") } }, t("subject.uphold"))) : null,
        may && entry.undo?.clear ? [el("span", { class: "dim" }, t("subject.verdict.final"), " "), el("button", { type: "button", on: { click: () => clear(entry.undo.clear) } }, t("subject.clear"))] : null),
      el("div", { class: "clauses" }, (entry.clauses ?? []).map((each) => clause(each, { full: true, titles: answer.clauses?.[each] }))),
      el("div", { class: "because" }, el("h3", {}, t("subject.why")),
        by ? el("p", {}, t(by.kind === "appeal" ? "subject.why.anew" : "subject.why.by_hand", { who: line(by.moderator ?? "", 60), why: line(by.reason ?? "", 300) })) : null,
        behind.length ? behind.slice(-BEHIND).reverse().map((each) => evidenceOf(each)) : by ? null : made ? quotes(made.evidence, 8) : el("p", { class: "dim" }, t("subject.why.none")),
        behind.length > BEHIND ? more(behind.slice(0, -BEHIND).reverse()) : null),
    ];
  }

  function more(violations) {
    return el("details", { on: { toggle: (event) => {
      if (event.target.childElementCount === 1) event.target.append(...violations.map((each) => evidenceOf(each)));
    } } }, el("summary", {}, violations.length === 1 ? t("subject.more.one") : t("subject.more", { n: number(violations.length) })));
  }

  // What happened

  function timeline(events) {
    const sorted = [...events].sort((a, b) => Date.parse(b.at ?? b.time) - Date.parse(a.at ?? a.time));
    const kinds = new Map();
    for (const each of sorted) kinds.set(each.kind, (kinds.get(each.kind) ?? 0) + 1);
    const list = el("ol", { class: "timeline" });
    const after = el("div", { class: "after" });
    const chosen = kind ? sorted.filter((each) => each.kind === kind) : sorted;
    let shown = 0;
    const more = () => {
      for (const each of chosen.slice(shown, shown + FIRST_SHOWN)) list.append(entryOf(each));
      shown = Math.min(chosen.length, shown + FIRST_SHOWN);
      fill(after,
        shown < chosen.length ? el("button", { type: "button", on: { click: more } }, t("reviews.more"), ` (${number(chosen.length - shown)})`) : null,
        el("p", { class: "dim small" }, answer.complete_since ? measure(t("subject.since_journal", { time: moment(answer.complete_since, Date.now(), { brief: true }) })) : "", " ",
          answer.complete_since === null ? null : el("button", { type: "button", class: "quiet", title: t("subject.older.long"), on: { click: further } }, t("subject.older"))));
    };
    more();
    return section(t("subject.timeline"), { class: "story", id: "timeline" },
      el("p", { class: "choices" }, el("a", { href: to("subject", subject), "aria-current": kind ? null : "true" }, t("subject.all"), " ", number(sorted.length)), " ",
        [...kinds].map(([name, value]) => [el("a", { href: to("subject", subject, { kind: name }), "aria-current": kind === name ? "true" : null }, word("kind", name), " ", number(value)), " "])),
      chosen.length ? list : empty(t("subject.timeline.empty")), after);
  }

  async function further(event) {
    const button = event.target;
    button.disabled = true;
    try {
      if (answer.timeline_before) { // the journal has more, which costs nobody anything
        const found = await get("/v1/subject", { id: subject, before: answer.timeline_before });
        answer = { ...answer, timeline: [...found.timeline, ...answer.timeline], timeline_before: found.timeline_before };
      } else answer = await get("/v1/subject", { id: subject, older: "true" });
      if (!alive) return;
      fill(page, draw());
    } catch (problem) {
      if (!alive) return;
      button.disabled = false;
      button.after(el("span", { class: "wrong", role: "alert" }, " ", problem.status === 503 && problem.code !== "kafka" ? t("subject.older.busy") : line(problem.message, 200)));
    }
  }

  function entryOf(entry) {
    const refused = answer.refused?.[entry.id];
    return el("li", { class: `entry ${entry.kind}`, id: `e-${entry.id ?? ""}` },
      el("div", { class: "when" }, time(entry.at ?? entry.time)),
      el("div", { class: "body" }, el("p", { class: "head" }, badge(word("kind", entry.kind), entry.kind), " ", ENTRIES[entry.kind] ? ENTRIES[entry.kind](entry) : el("code", {}, line(JSON.stringify(entry), 300))),
        entry.kind === "violation" ? evidenceOf(entry) : null,
        refused ? el("p", { class: "wrong" }, t("subject.refused"), ": ", line(refused.detail || refused.reason, 200)) : null));
  }

  // The worker's record

  function record() {
    const { state } = answer;
    const ladders = state?.ladders ?? [];
    return el("details", { class: "part" }, el("summary", {}, t("subject.state"), answer.held_by ? el("span", { class: "dim" }, " · ", t("subject.held", { url: answer.held_by })) : null),
      state ? ladders.map((each) => terms([
        [each.ladder, [count(each.offences?.length ?? 0, to("subject", subject, { kind: "violation" })), " ", t("subject.offences", { n: "" }).trim(), " · ", measure(t("feed.rung", { n: each.rung ?? 0 })),
          each.next ? [" · ", t("subject.next"), " ", nextOf(each.next)] : null]],
      ])) : el("p", { class: "dim" }, t("subject.state.none", { why: line(answer.state_problem || t("subject.unknown"), 200) })));
  }

  // Orders

  async function sanction() {
    const [of] = subjectParts(subject);
    const actions = el("select", {}, (ACTIONS[of] ?? ACTIONS.account).map((each) => el("option", { value: each }, word("action", each))));
    const lasts = el("select", {}, LENGTHS.map(([key, seconds]) => el("option", { value: seconds }, t(key))));
    lasts.selectedIndex = 2;
    const given = await askDecision({
      title: t("decide.sanction"), kind: "sanction", submit: t("decide.sanction"), tone: "danger",
      would: [el("p", {}, subjectLink(subject)), el("p", {}, t("decide.sanction.would"))],
      fields: [{ name: "action", label: t("decide.action"), node: actions }, { name: "lasts", label: t("decide.lasts"), node: lasts }],
    });
    if (given) order("sanction", { action: given.action, until: ends(given.lasts), reason: given.reason }, `${word("do", "sanction")} ${word("action", given.action)}`);
  }

  async function clear(chosen = "") {
    const actions = el("select", {}, el("option", { value: "" }, t("decide.clear.all")), [...new Set(answer.in_force.map((each) => each.action))].map((each) => el("option", { value: each, selected: each === chosen }, word("action", each))));
    const lasts = el("select", {}, el("option", { value: 0 }, t("decide.exempt.no")), LENGTHS.slice(0, -1).map(([key, seconds]) => el("option", { value: seconds }, t(key))));
    const given = await askDecision({
      title: t("decide.clear"), kind: "clear", submit: t("subject.clear"),
      would: [el("p", {}, subjectLink(subject)), el("p", {}, t("decide.clear.would"))],
      fields: [{ name: "action", label: t("decide.clear.what"), node: actions }, { name: "lasts", label: t("decide.clear.exempt"), node: lasts }],
    });
    if (given) order("clear", { action: given.action || null, until: ends(given.lasts), reason: given.reason }, t("subject.clear"));
  }

  const ends = (seconds) => (Number(seconds) ? new Date(Date.now() + Number(seconds) * 1000).toISOString() : null);

  function order(what, body, label) {
    decide({ about: `order ${subject}`, kind: "order", subject, label: t("pending.other", { what: label, subject: line(subject, 60) }), path: "/v1/orders",
      body: { subject, do: what, ...Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null)) } });
  }

  const answered = ({ detail: { subject: about, outcome } }) => {
    if (about === subject || outcome.in_force?.[subject]) follow(outcome.in_force?.[subject]);
  };

  /** Loads again, until the page shows what a decision put in force: the list that it reads follows the workers. */
  async function follow(entries) {
    await load();
    const before = inForce(answer?.in_force);
    const wanted = entries ? inForce(entries) : null;
    for (const pause of AGAIN_MS) {
      if (!alive || !answer || (wanted === null ? inForce(answer.in_force) !== before : inForce(answer.in_force) === wanted)) return;
      await new Promise((done) => { setTimeout(done, pause); });
      const found = alive ? await get("/v1/subject", { id: subject, older: "" }).catch(() => null) : null;
      if (!alive || !found || inForce(found.in_force) === inForce(answer.in_force)) continue;
      answer = found;
      fill(page, draw());
    }
  }
  const changed = () => {
    if (answer) fill(page, draw());
  };
  decisions.addEventListener("answered", answered);
  decisions.addEventListener("changed", changed);
  load();

  return {
    title: line(subject, 60),
    update(next) {
      if (next.page !== "subject" || next.name !== subject || !answer) return false;
      kind = next.query.get("kind") ?? "";
      fill(page, draw());
      document.getElementById("timeline")?.scrollIntoView({ block: "start" });
      return true;
    },
    close() {
      alive = false;
      decisions.removeEventListener("answered", answered);
      decisions.removeEventListener("changed", changed);
    },
  };
}

/** Which actions hold, to be compared. */
const inForce = (entries) => [...new Set(actionsOf(entries))].sort().join();

/** Of each action the one that holds longest. */
function longest(holding) {
  const found = new Map();
  for (const each of holding) {
    const other = found.get(each.action);
    if (!other || each.permanent || (!other.permanent && Date.parse(each.ends) > Date.parse(other.ends))) found.set(each.action, each);
  }
  return [...found.values()];
}

/** What the next offence leads to. */
function nextOf({ rung, apply, lasts_s: seconds }) {
  const named = t(`apply.${apply}`);
  return [measure(t("feed.rung", { n: rung })), ": ", named === `apply.${apply}` ? apply : named,
    apply === "warn" ? null : [", ", measure(seconds === null ? t("subject.permanent") : lasting(seconds))]];
}

const said = (who, reason) => [content(who, { one: true, clip: 40 }), reason ? [": ", content(reason, { clip: 300 })] : null];

/** What each kind of entry says, on its first line. */
const ENTRIES = {
  violation: () => null,
  enforcement: (entry) => [action(entry.action), " ", until(entry.ends, entry.permanent, entry.action), " ", el("span", { class: "dim", "data-measure": "" }, entry.rung ? t("subject.ladder", { rung: entry.rung, ladder: entry.ladder }) : t("feed.by_hand")), " ", (entry.clauses ?? []).map((each) => clause(each))],
  lift: (entry) => [action(entry.action), " ", said(entry.moderator, entry.reason)],
  review: (entry) => [el("a", { href: to("review", entry.id) }, word("status", entry.status)), " ", word("reason", entry.reason), " ", (entry.proposed ?? []).map((each) => [action(each), " "])],
  appeal: (entry) => [el("strong", {}, word("verdict", entry.verdict)), " ", said(entry.moderator, entry.reason)],
  review_decision: (entry) => [el("strong", {}, word("verdict", entry.verdict)), " ", said(entry.moderator, entry.reason)],
  order: (entry) => [el("strong", {}, word("do", entry.do)), " ", entry.action ? action(entry.action) : null, " ", entry.until ? measure(t("feed.until", { time: moment(entry.until, Date.now(), { brief: true }) })) : null, " ", said(entry.moderator, entry.reason)],
  report: (entry) => [content(entry.category, { one: true, clip: 40 }), " ", t("subject.reporter", { who: line(entry.reporter, 40) }), entry.comment ? [": ", content(entry.comment, { clip: 300 })] : null],
  ban: (entry) => (entry.sanctions ?? []).map((each) => [action(each.action), " "]),
};
