// The page: its bar, its addresses, its keys. Each address has a module of its own, loaded when it is first opened.

import { get, onLoggedOut, remove } from "./api.js";
import { showKeys } from "./asking.js";
import { decidedBy, flush, undo } from "./deciding.js";
import { el, fill } from "./dom.js";
import { beginnings, isSubject } from "./finding.js";
import { ago, length, moment, number } from "./formats.js";
import { asked } from "./keyboard.js";
import { keep, kept, language, onLanguage, setLanguage, t } from "./language.js";
import { Live } from "./live.js";
import { clauses, empty, failed, loading } from "./parts.js";
import { parse, to } from "./routes.js";
import { tell } from "./telling.js";

const PAGES = {
  now: () => import("./page-now.js"),
  subjects: () => import("./page-subjects.js"),
  subject: () => import("./page-subject.js"),
  reviews: () => import("./page-reviews.js"),
  review: () => import("./page-reviews.js"),
  violations: () => import("./page-violations.js"),
  dead: () => import("./page-dead.js"),
  explain: () => import("./page-explain.js"),
  engine: () => import("./page-engine.js"),
  packs: () => import("./page-engine.js"),
  audit: () => import("./page-audit.js"),
  login: () => import("./page-login.js"),
};
const NAV = ["now", "reviews", "explain", "engine", "audit"];

const main = document.getElementById("main");
const bar = document.getElementById("bar");

/** What pages are given: who is logged in, the stream, and where they were asked to go. */
const app = { session: null, live: new Live(), wanted: "#/", place: "", open: (hash) => { location.hash = hash; } };
let page = null;
let turn = 0;

async function show({ keepFocus = false } = {}) {
  const mine = ++turn;
  const route = parse(location.hash);
  if (!app.session && route.page !== "login") {
    app.wanted = location.hash || "#/";
    location.replace(to("login"));
    return;
  }
  if (page?.update?.(route)) {
    mark(route);
    return;
  }
  page?.close?.();
  page = null;
  app.place = "";
  mark(route);
  fill(main, loading());
  const load = PAGES[route.page];
  if (!load) {
    fill(main, empty(t("state.missing"), el("a", { href: to("now") }, t("nav.now"))));
    return;
  }
  try {
    const module = await load();
    if (mine !== turn) return;
    fill(main);
    page = module.open(main, route, app);
    document.title = `${page.title} · ${t("app.name")}`;
    if (!keepFocus) focusPage();
    scrollTo(0, 0);
  } catch (problem) {
    if (mine === turn) fill(main, failed(problem, () => show()));
  }
}

function focusPage() {
  (main.querySelector("[data-first]") ?? main).focus({ preventScroll: true });
}

// The bar

const state = el("span", { class: "live", role: "status" });
const waitingCount = el("span", { class: "waiting" });
const notice = el("div", { class: "notice", role: "status" });

function drawBar() {
  document.getElementById("skip").textContent = t("app.skip");
  fill(bar);
  if (!app.session) {
    bar.append(el("div", { class: "row" }, brand(), el("span", { class: "space" }), tools()));
    return;
  }
  const find = el("form", { role: "search", class: "find", on: {
    submit: (event) => {
      event.preventDefault();
      const text = event.target.elements.subject.value.trim();
      if (text) location.hash = isSubject(text) && !text.endsWith("*") ? to("subject", text) : to("subjects", "", { prefix: text.replace(/\*$/, "") });
    },
  } }, el("input", { type: "search", name: "subject", id: "find", "aria-label": t("nav.find"), placeholder: t("nav.find.hint"), list: "found", autocomplete: "off", spellcheck: "false", on: { input: suggest } }),
  el("datalist", { id: "found" }));
  bar.append(
    el("div", { class: "row" }, brand(), state, el("span", { class: "space" }), find, tools()),
    el("nav", { "aria-label": t("nav.pages") }, NAV.map((name) =>
      el("a", { href: to(name), data: { page: name } }, t(`nav.${name}`), name === "reviews" ? waitingCount : null))),
    notice);
  mark(parse(location.hash));
  drawState();
}

function brand() {
  return el("a", { class: "brand", href: to("now") }, el("img", { src: "/console/icon.svg", alt: "", width: 18, height: 18 }), el("span", {}, t("app.name")));
}

function tools() {
  const dark = () => getComputedStyle(document.documentElement).colorScheme === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  return el("div", { class: "tools" },
    el("button", { type: "button", class: "quiet", lang: language() === "zh" ? "en" : "zh", "aria-label": t("nav.language.label"), on: { click: () => setLanguage(language() === "zh" ? "en" : "zh") } }, t("nav.language")),
    el("button", { type: "button", class: "quiet", "aria-label": t("nav.theme"), title: t("nav.theme"), on: { click: () => {
      const next = dark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      keep("theme", next);
    } } }, "◐"),
    app.session ? el("button", { type: "button", class: "quiet", "aria-label": t("nav.keys"), title: t("nav.keys"), on: { click: () => showKeys() } }, "?") : null,
    app.session ? el("button", { type: "button", class: "quiet who", title: `${app.session.name} · ${app.session.role}`, on: { click: logout } }, el("bdi", {}, app.session.name), " · ", t("nav.logout")) : null);
}

function mark(route) {
  const current = { review: "reviews", packs: "engine", violations: "engine", dead: "engine", subjects: "", subject: "" }[route.page] ?? route.page;
  for (const link of bar.querySelectorAll("nav a")) {
    if (link.dataset.page === current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function drawState() {
  const { live } = app;
  const behind = live.now?.journal?.behind_s ?? 0;
  const late = live.state === "live" && behind > 10;
  state.dataset.state = late ? "behind" : live.state;
  state.textContent = late ? t("live.behind", { length: length(behind, language()) }) : t(`live.${live.state}`);
  const open = live.now?.reviews_open ?? 0;
  waitingCount.textContent = open ? number(open) : "";
  waitingCount.title = open ? t("nav.waiting", { n: open }) : "";
  const lost = live.state === "lost" && Date.now() - live.since > 1500;
  const text = lost ? t("live.lost.long", { time: moment(live.since, Date.now()) })
    : live.now && live.now.journal?.complete === false ? t("live.incomplete", { n: number(live.now.journal.records) })
      : late ? t("live.behind.long", { length: length(behind, language()) })
        : live.now?.halted ? t("now.halted.long", { who: live.now.halted.by, why: live.now.halted.why, ago: ago(live.now.halted.at, Date.now(), language()) }) : "";
  if (notice.textContent !== text) notice.textContent = text;
  notice.dataset.tone = lost ? "bad" : "warn";
}

let suggesting = null;
async function suggest(event) {
  const text = event.target.value.trim();
  clearTimeout(suggesting);
  if (text.length < 3) return;
  suggesting = setTimeout(async () => {
    try {
      const answers = await Promise.all(beginnings(text).map((prefix) => get("/v1/subjects", { prefix, limit: 12 })));
      const subjects = answers.flatMap((each) => each.subjects).slice(0, 12);
      const list = document.getElementById("found");
      if (list) fill(list, subjects.map((each) => el("option", { value: each.subject })));
    } catch {
      // suggestions are a help, and no page waits for them
    }
  }, 200);
}

// Sessions

async function begin(session) {
  app.session = session;
  decidedBy(session.name);
  keep("session", "1");
  try {
    for (const each of (await get("/v1/clauses")).clauses) clauses.set(each.id, each);
  } catch {
    // ids alone, until a page brings the titles along
  }
  app.live.start();
  drawBar();
}

/** Called by the login. */
app.login = async (session) => {
  await begin(session);
  location.hash = app.wanted.startsWith("#/login") ? "#/" : app.wanted;
};

function end() {
  keep("session", null);
  if (!app.session) return;
  app.session = null;
  app.live.stop();
  app.live = new Live();
  listen();
  app.wanted = location.hash;
  drawBar();
  location.hash = to("login");
}

async function logout(event) {
  event.currentTarget.disabled = true;
  if (!await flush()) { // the session is what it could still be sent with
    drawBar();
    tell(t("nav.logout.unsent"), { tone: "warn" });
    return;
  }
  try {
    await remove("/v1/session");
  } finally {
    end();
    app.wanted = "#/";
  }
}

function listen() {
  app.live.addEventListener("state", drawState);
  app.live.addEventListener("now", drawState);
}

// Keys

let before = { key: "", at: 0 };

addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]") || !app.session) return;
  const target = event.target;
  const typing = target.matches?.("input,textarea,select,[contenteditable]");
  const last = Date.now() - before.at < 1000 ? before.key : "";
  const what = asked(event.key, app.place, { before: last, typing, modified: event.ctrlKey || event.metaKey || event.altKey });
  before = { key: event.key, at: Date.now() };
  if (what === null || (what === "open" && target.matches?.("a,button,summary"))) return;
  if (what === "back" && typing) return void target.blur();
  if (page?.key?.(what, event)) return void event.preventDefault();
  if (what === "help") showKeys();
  else if (what === "find") document.getElementById("find")?.focus();
  else if (what === "undo") undo();
  else if (what.startsWith("go:")) location.hash = to(what.slice(3));
  else return;
  event.preventDefault();
});

addEventListener("hashchange", () => show());
onLoggedOut(end);
onLanguage(() => {
  drawBar();
  page?.close?.();
  page = null;
  show({ keepFocus: true });
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  focusPage();
});
setInterval(drawState, 2000);

drawBar();
listen();
// Scripts cannot see the cookie; a mark says whether it is worth asking who it stands for.
const known = kept("session") ? get("/v1/session", {}, { quiet: true }) : Promise.reject(new Error("no session"));
known.then(begin, () => keep("session", null)).then(() => show());
