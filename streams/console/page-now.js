// What is happening now: counts, what needs a decision, how the engine is, and the decisions as they are made.

import { get } from "./api.js";
import { content } from "./content.js";
import { el, fill, framed } from "./dom.js";
import { filterForm } from "./filtering.js";
import { filtersOf, FILTERS, matches, newest, sinceMinutes } from "./filters.js";
import { ago, number } from "./formats.js";
import { language, t, word } from "./language.js";
import { Picking } from "./picking.js";
import { action, badge, clause, count, empty, failed, loading, measure, quotes, section, share, subjectLink, time, until } from "./parts.js";
import { to } from "./routes.js";

/** Rows on the page; older ones go as newer ones come, so that a day of it costs no more than a minute. */
export const MOST_ROWS = 300;
const PAGE = 50;

export function open(main, route, app) {
  app.place = "feed";
  const tiles = el("div", { class: "tiles" });
  const list = el("ol", { class: "feed", "aria-label": t("feed.title") });
  const state = el("div", { class: "after" });
  const fresh = el("button", { type: "button", class: "fresh", hidden: true, on: { click: () => release() } });
  const pauser = el("button", { type: "button", "aria-pressed": "false", on: { click: () => setPaused(!paused) } }, t("feed.pause"));
  const picking = new Picking(list, { open: (row) => row.querySelector("a.go, a.subject")?.click() });
  let filters = filtersOf(route.query);
  let items = [];
  let held = [];
  let heldCount = 0;
  let oldest = null;
  let paused = false;
  let alive = true;
  const rows = new Map();

  const { form, draw: drawFilters } = filterForm(FILTERS, (chosen) => { location.hash = to("now", "", chosen); });
  main.append(
    el("h1", { class: "unseen" }, t("now.title")), tiles,
    section(t("feed.title"), { class: "stream", tools: el("div", { class: "tools" }, pauser) }, form, fresh, list, state));

  // The list

  async function load() {
    fill(state, loading());
    try {
      const answer = await get("/v1/feed", { limit: PAGE, ...filters });
      if (!alive) return;
      items = newest([], answer.items, MOST_ROWS);
      oldest = answer.oldest;
      held = [];
      heldCount = 0;
      if (items.length) app.live.reached(items[0].seq);
      draw();
    } catch (problem) {
      if (alive) fill(state, failed(problem, load));
    }
  }

  async function older() {
    fill(state, loading());
    try {
      const answer = await get("/v1/feed", { limit: PAGE, before: oldest, ...filters });
      if (!alive) return;
      items = [...items, ...answer.items].slice(0, MOST_ROWS);
      oldest = items.length >= MOST_ROWS ? null : answer.oldest;
      draw();
    } catch (problem) {
      if (alive) fill(state, failed(problem, older));
    }
  }

  const draw = framed(() => {
    if (!alive) return;
    const reading = paused || scrollY > list.getBoundingClientRect().top + scrollY || picking.active;
    if (held.length && !reading) {
      items = newest(items, held, MOST_ROWS);
      held = [];
      heldCount = 0;
    }
    fresh.hidden = heldCount === 0;
    if (heldCount) fresh.textContent = t("feed.new", { n: number(heldCount) });
    const wanted = new Set(items.map((each) => each.seq));
    for (const [seq, row] of rows) {
      if (!wanted.has(seq)) {
        row.remove();
        rows.delete(seq);
      }
    }
    let next = null;
    for (const item of [...items].reverse()) {
      let row = rows.get(item.seq);
      if (!row) {
        row = feedRow(item);
        rows.set(item.seq, row);
      }
      if (row.nextSibling !== next || row.parentNode !== list) list.insertBefore(row, next);
      next = row;
    }
    if (!items.length) fill(state, empty(Object.keys(filters).length ? t("feed.empty.filtered") : t("feed.empty")));
    else if (items.length >= MOST_ROWS) fill(state, el("p", { class: "dim" }, t("feed.shown", { n: MOST_ROWS })));
    else fill(state, oldest === null ? el("p", { class: "dim" }, t("feed.end")) : el("button", { type: "button", on: { click: older } }, t("feed.older")));
  });

  function release() {
    picking.clear();
    setPaused(false);
    items = newest(items, held, MOST_ROWS);
    held = [];
    heldCount = 0;
    scrollTo(0, 0);
    draw();
    list.focus?.();
  }

  function setPaused(value) {
    paused = value;
    pauser.textContent = paused ? t("feed.resume") : t("feed.pause");
    pauser.setAttribute("aria-pressed", String(paused));
    draw();
  }

  const heard = ({ detail: item }) => {
    if (!matches(item, filters)) return;
    held.push(item);
    heldCount += 1;
    if (held.length > 2 * MOST_ROWS) held = newest([], held, MOST_ROWS); // hidden pages draw nothing, and must not grow
    draw();
  };
  const gapped = () => {
    fill(state, el("p", { class: "notice", role: "status" }, t("live.gap", { n: "" }).replace(/ +/g, " ")));
    load();
  };
  const counted = framed(() => { if (alive && app.live.now) drawTiles(); });
  const scrolled = () => { if (held.length) draw(); };

  // The tiles

  function drawTiles() {
    const { now } = app.live;
    const hour = now.hour ?? {};
    const made = Object.entries(hour.enforcements ?? {}).sort((a, b) => b[1] - a[1]);
    const total = made.reduce((sum, [, value]) => sum + value, 0);
    fill(tiles, happening(now, hour, made, total), needed(now, hour), engine(now));
  }

  function happening(now, hour, made, total) {
    const minute = sinceMinutes(Date.parse(now.time), 2);
    const since = sinceMinutes(Date.parse(now.time), 60);
    return el("section", { class: "tile", "aria-label": t("now.title") },
      el("h2", {}, t("now.title")),
      el("div", { class: "figures" },
        figure(now.minute?.enforcements, to("now", "", { kind: "enforcement", since: minute }), t("now.enforcements"), t("now.minute")),
        figure(now.minute?.violations, to("violations", "", { since: minute }), t("now.violations"), t("now.minute")),
        figure(hour.lifts, to("now", "", { kind: "lift", since }), t("now.lifts"), t("now.hour"))),
      el("ul", { class: "shares", "aria-label": `${t("now.enforcements")}, ${t("now.hour")}` }, made.slice(0, 5).map(([name, value]) =>
        el("li", {}, el("a", { href: to("now", "", { kind: "enforcement", action: name, since }) }, word("action", name)), share(value, total),
          count(value, to("now", "", { kind: "enforcement", action: name, since }), word("action", name))))));
  }

  function needed(now, hour) {
    const waits = now.reviews_open ?? 0;
    return el("section", { class: `tile ${waits ? "need" : ""}`, "aria-label": t("now.need") },
      el("h2", {}, t("now.need")),
      waits
        ? el("p", { class: "big" }, el("a", { href: to("reviews") }, number(waits)), " ", el("span", {}, waits === 1 ? t("now.need.one") : t("now.need.some")))
        : el("p", { class: "calm" }, t("now.need.none")),
      el("p", { class: "dim" }, count(hour.reviews_opened ?? 0, to("now", "", { kind: "review", since: sinceMinutes(Date.parse(now.time), 60) }), t("now.opened")), " ", t("now.opened")),
      waits ? el("a", { class: "button main", href: to("reviews") }, t("now.need.go")) : null);
  }

  function engine(now) {
    const workers = now.workers ?? [];
    const unknown = workers.every((each) => each.ready === null); // the demo's broker does not tell
    const ready = workers.filter((each) => each.ready !== false).length;
    const lag = workers.reduce((sum, each) => sum + (each.lag ?? 0), 0);
    const bad = Boolean(now.halted);
    return el("section", { class: `tile ${bad ? "halted" : ""}`, "aria-label": t("now.engine") },
      el("h2", {}, t("now.engine")),
      el("p", { class: "calm" }, el("a", { href: to("engine") }, badge(bad ? t("now.halted") : t("now.running"), bad ? "grave" : "good"))),
      bad ? el("p", { "data-measure": "" }, t("now.halted.long", { who: now.halted.by, why: now.halted.why, ago: ago(now.halted.at, Date.now(), language()) })) : null,
      el("p", {}, el("a", { href: to("engine", "", { part: "workers" }) }, workers.length ? (unknown ? t(workers.length === 1 ? "now.workers.unknown.one" : "now.workers.unknown", { n: workers.length }) : t("now.workers", { ready, all: workers.length })) : t("now.noworkers"))),
      workers.length && !unknown ? el("p", {}, el("a", { href: to("engine", "", { part: "workers" }) }, t("now.lag", { n: number(lag) }))) : null,
      now.packs?.live ? el("p", { class: "dim" }, el("a", { href: to("engine", "", { part: "packs" }) }, now.packs.live, now.packs.canary ? [" · ", t("engine.canary"), " ", now.packs.canary] : null)) : null,
      now.rules_halted?.length ? el("p", {}, el("a", { href: to("engine") }, t("now.rules_halted", { n: now.rules_halted.length }))) : null,
      el("ul", { class: "kinds", "aria-label": t("now.in_force") }, el("li", { class: "dim" }, t("now.in_force")), Object.entries(now.in_force ?? {}).map(([kind, value]) =>
        el("li", {}, count(value, to("subjects", "", { prefix: `${kind}:`, held: "1" }), word(value === 1 ? "subject" : "subjects", kind)), " ", word(value === 1 ? "subject" : "subjects", kind)))),
      el("p", { class: "dim" }, count(hourly(now), to("dead", "", { since: sinceMinutes(Date.parse(now.time), 60) }), t("now.dead")), " ", t("now.dead"), ", ", t("now.hour")));
  }

  const hourly = (now) => now.hour?.dead_letters ?? 0;

  app.live.addEventListener("decision", heard);
  app.live.addEventListener("gap", gapped);
  app.live.addEventListener("now", counted);
  addEventListener("scroll", scrolled, { passive: true });
  drawFilters(filters);
  if (app.live.now) drawTiles();
  else {
    fill(tiles, loading());
    app.live.refresh().catch((problem) => fill(tiles, failed(problem, () => app.live.refresh())));
  }
  load();

  return {
    title: t("nav.now"),
    update(next) {
      if (next.page !== "now") return false;
      filters = filtersOf(next.query);
      items = [];
      for (const row of rows.values()) row.remove();
      rows.clear();
      picking.clear();
      drawFilters(filters);
      load();
      return true;
    },
    key(what) {
      if (what === "pause") setPaused(!paused);
      else if (what === "new") release();
      else if (what === "back" && picking.active) release();
      else return picking.key(what);
      return true;
    },
    close() {
      alive = false;
      app.live.removeEventListener("decision", heard);
      app.live.removeEventListener("gap", gapped);
      app.live.removeEventListener("now", counted);
      removeEventListener("scroll", scrolled);
    },
  };
}

function figure(value, href, name, when) {
  return el("div", { class: "figure" }, count(value ?? null, href, `${name}, ${when}`), el("span", {}, name), el("small", {}, when));
}

/** One decision, on a line where there is room. */
function feedRow({ at, item }) {
  const said = { enforcement, lift, review }[item.kind]?.(item) ?? [];
  return el("li", { class: `row ${item.kind}`, tabindex: "-1" }, time(at), el("span", { class: "what" }, said.what), subjectLink(item.subject, { clip: 60 }), el("span", { class: "why" }, said.why), el("span", { class: "until" }, said.until));
}

function enforcement(item) {
  return {
    what: action(item.action),
    why: [(item.clauses ?? []).map((each) => clause(each)), quotes(item.evidence)],
    until: [until(item.ends, item.permanent, item.action), item.rung ? measure(t("feed.rung", { n: item.rung }), "small") : el("small", {}, t("feed.by_hand"))],
  };
}

function lift(item) {
  return { what: [badge(word("kind", "lift"), "good"), action(item.action)], why: el("span", { class: "dim" }, content(item.moderator, { one: true, clip: 40 }), item.reason ? ": " : "", content(item.reason, { one: true, clip: 120 })), until: [] };
}

function review(item) {
  return {
    what: el("a", { class: "go", href: to("review", item.id) }, badge(t("feed.case", { status: word("status", item.status) }), item.status === "open" ? "warned" : "plain")),
    why: [(item.clauses ?? []).map((each) => clause(each)), quotes(item.evidence)],
    until: el("small", {}, word("reason", item.reason)),
  };
}
