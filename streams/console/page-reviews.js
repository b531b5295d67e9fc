// The queue of cases that need a decision: the list, the case, and the decision, all within reach of the keys.

import { get } from "./api.js";
import { askDecision } from "./asking.js";
import { anyUnderWay, appeal, decide, decisions, underWay } from "./deciding.js";
import { el, fill } from "./dom.js";
import { evidenceOf } from "./evidence.js";
import { line } from "./escaping.js";
import { ago, number } from "./formats.js";
import { language, t, word } from "./language.js";
import { Picking } from "./picking.js";
import { action, badge, clause, empty, failed, lasting, loaded, loading, quotes, section, subjectLink, terms, time } from "./parts.js";
import { to } from "./routes.js";

const LIMIT = 100;

export function open(main, route, app) {
  app.place = "case";
  const list = el("ul", { class: "cases", "aria-label": t("reviews.list"), "data-first": "", tabindex: "-1" });
  const head = el("p", { class: "dim" });
  const after = el("div", { class: "after" });
  const detail = el("div", { class: "case", tabindex: "-1", "aria-live": "off" });
  const layout = el("div", { class: "queue", data: { shows: "list" } }, el("div", { class: "list" }, head, list, after), detail);
  main.append(el("h1", {}, t("reviews.title")), layout);

  const found = new Map();
  let openCount = 0;
  let last = null; // of what was loaded, oldest first: where to go on
  let whole = false; // whether that was all
  let current = null;
  let alive = true;
  let turn = 0;
  const wide = matchMedia("(min-width: 60rem)");
  const picking = new Picking(list, {
    picked(row) {
      if (wide.matches || layout.dataset.shows === "case") history.replaceState(null, "", to("review", row.dataset.id)); // the address is of what is shown
      showCase(row.dataset.id);
    },
    open(row) {
      layout.dataset.shows = "case";
      location.hash = to("review", row.dataset.id);
      detail.focus({ preventScroll: true });
      detail.scrollIntoView({ block: "nearest" });
    },
  });

  // The list

  async function load() {
    if (!found.size) fill(after, loading());
    try {
      const answer = await get("/v1/reviews", { status: "open", order: "oldest", limit: LIMIT });
      if (!alive) return;
      found.clear();
      last = null;
      take(answer);
    } catch (problem) {
      if (alive) fill(after, failed(problem, load));
    }
  }

  async function more() {
    fill(after, loading());
    try {
      const answer = await get("/v1/reviews", { status: "open", order: "oldest", limit: LIMIT, after: last });
      if (alive) take(answer);
    } catch (problem) {
      if (alive) fill(after, failed(problem, more));
    }
  }

  function take(answer) {
    const asked = Date.now();
    for (const each of answer.reviews) found.set(each.review.id, { review: each.review, opened: asked - each.waits_s * 1000 });
    openCount = answer.open;
    last = answer.reviews.at(-1)?.review.id ?? last;
    whole = answer.reviews.length < LIMIT;
    drawList();
    drawAfter();
    if (!current && found.size && wide.matches) picking.pick(list.firstElementChild, { focus: false });
  }

  function drawAfter() {
    fill(after, !found.size ? empty(t("reviews.empty"), el("a", { href: to("now") }, t("nav.now")))
      : whole ? null : el("button", { type: "button", on: { click: more } }, t("reviews.more")));
  }

  function drawHead() {
    fill(head, !found.size ? null : whole ? el("a", { href: to("reviews") }, t("reviews.open", { n: number(openCount) }))
      : el("a", { href: to("reviews") }, t("reviews.shown", { shown: number(found.size), n: number(openCount) })));
  }

  function drawList() {
    drawHead();
    const cases = [...found.values()]; // as they came: those that wait longest first
    const focused = list.contains(document.activeElement) && document.activeElement !== list;
    fill(list, cases.map(({ review, opened }) => el("li", {
      class: underWay(`review ${review.id}`) ? "row under-way" : "row", tabindex: "-1", data: { id: review.id },
      on: { click: (event) => { if (!event.target.closest("a")) { picking.pick(event.currentTarget); layout.dataset.shows = "case"; } } },
    },
    subjectLink(review.subject, { clip: 40 }),
    el("span", { class: "what" }, (review.proposed ?? []).map((each) => [action(each), " "])),
    el("a", { class: "go dim", href: to("review", review.id) }, word("reason", review.reason)),
    el("span", { class: "dim waits", "data-measure": "" }, t("reviews.waits", { length: lasting((Date.now() - opened) / 1000) })))));
    const row = current && [...list.children].find((each) => each.dataset.id === current);
    if (row) {
      picking.current = row;
      row.setAttribute("aria-current", "true");
      if (focused) row.focus({ preventScroll: true });
    } else picking.current = null;
  }

  // The case

  let shown = null;

  async function showCase(id, { notice = null } = {}) {
    current = id;
    const mine = ++turn;
    shown = null;
    await loaded(detail, () => get(`/v1/reviews/${encodeURIComponent(id)}`), (answer) => {
      shown = answer;
      return [notice, caseOf(answer)];
    }, () => alive && mine === turn);
  }

  function caseOf(answer) {
    const { review } = answer;
    const ended = review.status !== "open";
    const pending = underWay(`review ${review.id}`);
    const may = app.session.role !== "read";
    return el("article", { "aria-label": `${t("review.title")} ${line(review.subject, 60)}` },
      el("header", {},
        el("a", { class: "back", href: to("reviews") }, t("review.back")),
        el("h2", {}, subjectLink(review.subject, { clip: 200 })),
        el("p", { class: "reason" }, badge(word("status", review.status), ended ? "plain" : "warned"), " ", el("strong", {}, word("reason", review.reason)), review.detail && review.reason !== "by_report" ? [": ", line(review.detail, 300)] : "", // a clause that asks for a person says no more
          review.reporters ? [" · ", el("a", { href: to("subject", review.subject, { kind: "report" }) }, t("review.reporters", { n: number(review.reporters) }))] : null)),
      ended ? el("p", { class: "notice", "data-measure": "" }, t("review.ended", { status: word("status", review.status), ago: ago(review.time, Date.now(), language()) })) : null,
      el("div", { class: "would" }, el("h3", {}, t("review.would")), wouldOf(answer)),
      may ? el("div", { class: "buttons", role: "group" },
        ended
          ? el("button", { type: "button", disabled: review.status !== "approved", on: { click: () => undoEnded(answer) } }, el("kbd", {}, "u"), " ", t("review.undo"))
          : [el("button", { type: "button", class: "main", disabled: Boolean(pending), on: { click: () => choose("approved") } }, el("kbd", {}, "a"), " ", t("review.approve")),
            el("button", { type: "button", disabled: Boolean(pending), on: { click: () => choose("rejected") } }, el("kbd", {}, "r"), " ", t("review.reject"))])
        : el("p", { class: "dim" }, t("state.forbidden", { role: app.session.role })),
      section(t("clause.title"), {}, (review.clauses ?? []).map((each) => clause(each, { full: true }))),
      section(t("review.violations"), {}, answer.violations?.length
        ? answer.violations.map((each) => evidenceOf(each))
        : quotes(review.evidence, 10)),
      section(t("review.history"), {}, past(answer)),
      answer.linked_open?.length ? section(t("review.linked"), {}, el("ul", { class: "plain" }, answer.linked_open.map((each) =>
        el("li", {}, el("a", { href: to("review", each.id) }, (each.proposed ?? []).map((value) => word("action", value)).join(", ") || each.reason), " ", subjectLink(each.subject))))) : null,
      terms([["id", el("code", {}, review.id)], [t("feed.rule"), el("code", {}, review.rule)], ["pack", el("code", {}, review.pack)]]));
  }

  function past({ review, history_summary: summary, subject_in_force: holding }) {
    return el("div", {},
      summary ? el("p", {}, el("a", { href: to("subject", review.subject) }, t("review.history.text", {
        violations: number(summary.violations), enforcements: number(summary.enforcements), overturned: number(summary.overturned),
        first: summary.first_seen ? ago(summary.first_seen, Date.now(), language()) : "–",
      }))) : null,
      holding?.length ? el("p", {}, t("review.in_force"), ": ", holding.map((each) => [action(typeof each === "string" ? each : each.action), " "])) : el("p", { class: "dim" }, t("subject.free")));
  }

  async function choose(verdict) {
    const answer = shown;
    if (!answer || answer.review.status !== "open" || app.session.role === "read") return;
    const { review } = answer;
    if (underWay(`review ${review.id}`)) return;
    const approving = verdict === "approved";
    const given = await askDecision({
      title: approving ? t("decide.approve") : t("decide.reject"), kind: approving ? "approve" : "reject",
      submit: approving ? t("review.approve") : t("review.reject"), tone: approving ? "danger" : "",
      would: [el("p", {}, subjectLink(review.subject)), approving ? wouldOf(answer) : el("p", {}, t("review.reject.would"))],
    });
    if (!given) return;
    const made = decide({
      about: `review ${review.id}`, kind: "review", verdict, subject: review.subject,
      label: t(`pending.${verdict}`, { subject: line(review.subject, 60) }), done: t(`sent.${verdict}`, { subject: line(review.subject, 60) }),
      path: `/v1/reviews/${encodeURIComponent(review.id)}/decision`, body: { verdict, reason: given.reason, seen: review.time },
    });
    if (!made) return;
    const row = [...list.children].find((each) => each.dataset.id === review.id);
    const next = row?.nextElementSibling ?? row?.previousElementSibling;
    if (next && next.dataset.id !== review.id) picking.pick(next);
    else showCase(review.id);
  }

  async function undoEnded({ review }) {
    // What the approval put in force names the decision as its reason.
    const { timeline } = await get("/v1/subject", { id: review.subject });
    const made = timeline.map((each) => each.item ?? each).find((each) => each.kind === "enforcement" && each.because && each.because === review.because);
    if (made) await appeal(made.id, review.subject, "overturned");
    else location.hash = to("subject", review.subject);
  }

  // What comes meanwhile

  const changed = () => {
    drawList();
    if (shown && current) refreshButtons();
  };
  function refreshButtons() {
    const pending = Boolean(underWay(`review ${current}`));
    for (const button of detail.querySelectorAll("article > .buttons button")) if (shown.review.status === "open") button.disabled = pending;
  }
  const answered = ({ detail: decision }) => {
    if (decision.kind === "review") {
      found.delete(decision.about.replace("review ", ""));
      drawList();
      if (current === decision.about.replace("review ", "")) showCase(current);
      if (!found.size) load();
    }
  };
  const stale = ({ detail: decision }) => {
    const id = decision.about.replace("review ", "");
    load();
    showCase(id, { notice: el("p", { class: "notice", role: "alert" }, el("strong", {}, t("stale.title")), " ", t("stale.text")) });
  };
  const heard = ({ detail: { item } }) => {
    if (item.kind !== "review") return;
    if (item.status !== "open") {
      if (found.delete(item.id)) drawList();
      if (!found.size) load();
    } else if (found.has(item.id)) found.get(item.id).review = item;
    else if (whole) { // else it waits behind what is not loaded yet
      found.set(item.id, { review: item, opened: Date.now() });
      drawList();
      drawAfter();
    }
  };
  const counted = () => {
    const count = app.live.now?.reviews_open;
    if (count === undefined || count === openCount) return;
    openCount = count;
    drawHead();
  };
  decisions.addEventListener("changed", changed);
  decisions.addEventListener("answered", answered);
  decisions.addEventListener("stale", stale);
  app.live.addEventListener("decision", heard);
  app.live.addEventListener("now", counted);

  const go = (next) => {
    layout.dataset.shows = next.page === "review" ? "case" : "list";
    if (next.page === "review" && next.name) {
      showCase(next.name).then(drawList);
      if (layout.dataset.shows === "case") detail.focus({ preventScroll: true });
    }
  };
  if (route.page !== "review") fill(detail, el("p", { class: "state" }, t("reviews.choose")));
  go(route);
  load();

  return {
    title: t("nav.reviews"),
    update(next) {
      if (next.page !== "reviews" && next.page !== "review") return false;
      go(next);
      return true;
    },
    key(what) {
      if (what === "approve") choose("approved");
      else if (what === "reject") choose("rejected");
      else if (what === "undo" && shown?.review.status === "approved" && !anyUnderWay()) undoEnded(shown);
      else if (what === "back" && layout.dataset.shows === "case") {
        location.hash = to("reviews");
        layout.dataset.shows = "list";
        (picking.active ? picking.current : list).focus();
      } else return picking.key(what);
      return true;
    },
    close() {
      alive = false;
      decisions.removeEventListener("changed", changed);
      decisions.removeEventListener("answered", answered);
      decisions.removeEventListener("stale", stale);
      app.live.removeEventListener("decision", heard);
      app.live.removeEventListener("now", counted);
    },
  };
}

/** What approving a case would do, in a sentence, with the actions as they are named elsewhere. */
function wouldOf({ review, would }) {
  if (!(review.proposed ?? []).length) return el("p", {}, t("review.would.nothing"));
  const sentence = would?.[language()] ?? "";
  return el("p", {}, review.proposed.map((each) => [action(each), " "]),
    el("strong", { "data-measure": "" }, review.lasts === null && !(review.proposed.length === 1 && review.proposed[0] === "warn") ? t("subject.permanent") : review.lasts === null ? "" : lasting(review.lasts)),
    sentence ? el("span", { class: "sentence", "data-measure": "" }, line(sentence, 300)) : null);
}
