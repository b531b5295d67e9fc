// The engine: packs in force, what a shadow would change, how often rules hit, workers; and what admins may stop or change.

import { get } from "./api.js";
import { askDecision } from "./asking.js";
import { content } from "./content.js";
import { decide, decisions, underWay } from "./deciding.js";
import { el, fill } from "./dom.js";
import { line } from "./escaping.js";
import { sinceMinutes } from "./filters.js";
import { ago, number } from "./formats.js";
import { language, t, word } from "./language.js";
import { badge, bars, count, empty, loaded, measure, section, share, stated, table, terms, time } from "./parts.js";
import { to } from "./routes.js";

const HOURS = 24;

export function open(main, route, app) {
  const status = el("div", {});
  const packs = el("div", {});
  const rules = el("div", {});
  const workers = el("div", {});
  let alive = true;
  let newest = -1;
  const admin = app.session.role === "admin";
  main.append(el("h1", {}, t("engine.title")), status, packs, rules, workers);

  // Whether it runs

  function drawStatus() {
    const { now } = app.live;
    if (!now) return;
    const { halted } = now;
    fill(status, el("div", { class: `part status ${halted ? "halted" : ""}` },
      el("p", {}, badge(halted ? t("now.halted") : t("now.running"), halted ? "grave" : "good"), " ",
        halted ? measure(t("now.halted.long", { who: halted.by, why: line(halted.why, 200), ago: ago(halted.at, Date.now(), language()) })) : null),
      button(halted ? t("engine.resume") : t("engine.halt"), halted ? "" : "danger", () => control(halted ? "resume" : "halt", null), "control all"),
      now.rules_halted?.length ? el("div", {}, el("h3", {}, t("engine.shadowed")), el("ul", { class: "plain" }, now.rules_halted.map((rule) =>
        el("li", {}, el("code", {}, rule), " ", button(t("engine.resume"), "", () => control("resume", rule), `control ${rule}`))))) : null));
    fill(workers, section(t("engine.workers"), { id: "workers" }, now.workers?.length ? el("ul", { class: "plain" }, now.workers.map((each) =>
      el("li", {}, each.ready === null ? badge(t("engine.unknown")) : badge(each.ready ? t("engine.ready") : t("engine.unready"), each.ready ? "good" : "grave"), " ", el("code", {}, line(each.url || "–", 80)), " ",
        each.partitions === null ? t("engine.untold") : stated(t("engine.partitions", { n: number(each.partitions) }), "workers-source"), each.lag === null || each.lag === undefined ? null : [" · ", stated(t("engine.lag", { n: number(each.lag) }), "workers-source")])))
      : el("p", { class: "dim" }, t("engine.workers.empty")), el("p", { class: "dim small", id: "workers-source" }, t("engine.workers.source"))),
    section(t("engine.dead"), { id: "dead" }, deadLetters(now)),
    section(t("engine.journal"), { id: "journal" }, journal(now.journal)));
    goToPart();
  }

  function deadLetters({ hour, time: at }) {
    const since = sinceMinutes(Date.parse(at), 60);
    const reasons = Object.entries(hour?.dead_letter_reasons ?? {}).sort((a, b) => b[1] - a[1]);
    return [
      el("p", {}, count(hour?.dead_letters ?? 0, to("dead", "", { since }), t("engine.dead")), " ", t("now.hour")),
      reasons.length ? terms(reasons.map(([reason, value]) => [el("code", {}, line(reason, 60)), count(value, to("dead", "", { reason, since }), line(reason, 60))])) : null,
      el("p", { class: "dim small", "data-measure": "" }, t("dead.hint"))];
  }

  function journal(told) {
    return [
      el("p", {}, stated(t("engine.journal.text", { n: number(told?.records), since: told?.since ? ago(told.since, Date.now(), language()) : "–" }), "journal-source"), told?.problem ? [" · ", line(told.problem, 200)] : null),
      el("p", { class: told?.unreadable ? "wrong" : "" }, stated(t("engine.journal.unreadable", { n: number(told?.unreadable ?? 0) }), "journal-source")),
      el("p", { class: "dim small", id: "journal-source" }, t("engine.journal.source"))];
  }

  function button(text, tone, click, about) {
    return el("button", { type: "button", class: `small ${tone}`, disabled: !admin || Boolean(underWay(about)), title: admin ? null : t("engine.admin"), on: { click } }, text);
  }

  async function control(what, rule) {
    const key = rule ? `engine.${what}.rule.would` : `engine.${what}.would`;
    const title = what === "halt" ? (rule ? t("engine.halt.rule") : t("engine.halt")) : t("engine.resume");
    const given = await askDecision({ title, kind: what, submit: title, tone: what === "halt" ? "danger" : "", would: el("p", {}, t(key, { rule: rule ?? "" })) });
    if (!given) return;
    decide({ about: `control ${rule ?? "all"}`, kind: "control", subject: "", label: rule ? `${title}: ${rule}` : title, path: "/v1/controls",
      body: { do: what, reason: given.reason, ...(rule ? { rule } : {}) } });
  }

  // Packs

  function drawPacks({ in_force: standing, history, shadow, problem }) {
    newest = standing.at;
    return [
      section(t("engine.packs"), { id: "packs", tools: history.length ? button(t("engine.rollback"), "", rollback, "packs") : null },
        problem ? el("p", { class: "notice" }, line(problem, 300)) : null,
        terms(["live", "canary", "shadow"].map((role) => {
          const pack = standing[role];
          return [t(`engine.${role}`), pack?.label ? [measure(line(pack.label, 80), "strong"), role === "canary" && pack.percent ? [" · ", measure(t("engine.percent", { n: pack.percent }))] : null] : el("span", { class: "dim" }, t("engine.none"))];
        }))),
      section(t("engine.history"), {}, history.length ? table([t("audit.at"), t("engine.role"), "", t("audit.who"), t("audit.reason"), ""], history.map((each) => [
        time(each.time), each.percent ? measure(badge(`${word("engine", each.do)} ${number(each.percent)} %`)) : badge(word("engine", each.do)), measure(line(each.label, 60), "strong"),
        content(each.by, { one: true, clip: 40 }), content(each.why, { clip: 120 }),
        each.pack ? button(t("engine.activate"), "", () => activate(each), "packs") : null]), t("engine.history")) : el("p", { class: "calm" }, t("engine.history.empty"))),
      section(t("engine.comparison"), {}, comparison(shadow)),
    ];
  }

  function comparison(shadow) {
    const rows = Object.entries(shadow).map(([name, each]) => [name, each.both ?? 0, each.live ?? 0, each.shadow ?? 0]).sort((a, b) => b[2] + b[3] - a[2] - a[3]);
    if (!rows.length) return el("p", { class: "calm" }, t("engine.comparison.empty"));
    const found = (value, rule, mode) => (value ? count(value, to("violations", "", { rule, mode }), `${rule}, ${word("mode", mode)}`) : stated("0", "comparison-source"));
    return [table([t("engine.rule"), t("engine.both"), t("engine.only_live"), t("engine.only_shadow"), ""], rows.slice(0, 60).map(([name, both, live, only]) => [
      el("code", {}, name), found(both, name, "enforce"), found(live, name, "enforce"), found(only, name, "shadow"), el("span", { class: "pair" }, share(live, both + live + only, "lost"), share(only, both + live + only, "won"))]), t("engine.comparison")),
      el("p", { class: "dim small", id: "comparison-source" }, t("engine.comparison.source"))];
  }

  async function activate({ pack, label }) {
    const would = el("p", {});
    const say = () => {
      fill(would, t(`engine.activate.${role.value}`, { pack: line(label, 80), n: percent.value }));
      percent.closest("label")?.toggleAttribute("hidden", role.value !== "canary"); // nothing but a canary has one
    };
    const role = el("select", { on: { change: say } }, ["live", "canary", "shadow"].map((each) => el("option", { value: each }, t(`engine.${each}`))));
    const percent = el("input", { type: "number", min: 1, max: 100, value: 5, on: { input: say } });
    const given = await askDecision({
      title: `${t("engine.activate")}: ${line(label, 60)}`, kind: "pack", submit: t("engine.activate"), tone: "danger", would,
      fields: [{ name: "role", label: t("engine.role"), node: role }, { name: "percent", label: t("engine.canary.percent"), node: percent }], shown: say,
    });
    if (!given) return;
    decide({ about: "packs", kind: "pack", subject: "", label: `${t("engine.activate")}: ${line(label, 60)}`, path: "/v1/packs/activate",
      body: { pack, do: given.role, reason: given.reason, ...(given.role === "canary" ? { percent: Number(given.percent) } : {}) } });
  }

  async function rollback() {
    const of = newest;
    const given = await askDecision({ title: t("engine.rollback"), kind: "rollback", submit: t("engine.rollback"), tone: "danger", would: el("p", {}, t("engine.rollback.would")) });
    if (given) decide({ about: "packs", kind: "pack", subject: "", label: t("engine.rollback"), path: "/v1/packs/rollback", body: { reason: given.reason, ...(of >= 0 ? { of } : {}) } });
  }

  // Rules

  function drawRules(answer) {
    const sorted = [...answer.rules].sort((a, b) => b.violations + b.shadow - a.violations - a.shadow);
    const hit = sorted.filter((each) => each.violations + each.shadow + each.overturned > 0);
    const quiet = sorted.filter((each) => !hit.includes(each));
    const total = hit.reduce((sum, each) => sum + each.violations, 0);
    const heads = ["rule", "clause", "mode", "hits", "per_hour", "rate", "shadow_hits", "overturned", "subjects"].map((each) => t(`engine.${each}`));
    const label = t("engine.rules", { n: HOURS });
    const { since } = answer;
    return section(label, { id: "rules", tools: el("a", { href: to("violations", "", { mode: "enforce", since }) }, t("engine.total", { n: number(total) })) },
      hit.length ? table([...heads, ""], hit.map((each) => [
        el("a", { href: to("now", "", { rule: each.rule }) }, el("code", {}, each.rule)), el("a", { href: to("now", "", { clause: each.clause }) }, el("code", {}, each.clause)), each.mode ? badge(word("mode", each.mode)) : el("span", { class: "dim" }, t("engine.not_live")),
        count(each.violations, to("violations", "", { rule: each.rule, mode: "enforce", since }), t("engine.hits")), bars(each.per_hour, `${t("engine.per_hour")}: ${each.per_hour.join(", ")}`),
        rate(each), count(each.shadow, to("violations", "", { rule: each.rule, mode: "shadow", since }), t("engine.shadow_hits")),
        el("span", { class: each.overturned ? "bad" : "" }, count(each.overturned, to("now", "", { kind: "lift", rule: each.rule, since }), t("engine.overturned"))),
        count(each.subjects, to("now", "", { kind: "enforcement", rule: each.rule, since }), t("engine.subjects")),
        each.mode === "enforce" ? button(t("engine.halt.rule"), "quiet", () => control("halt", each.rule), `control ${each.rule}`) : null]), label) : empty(t("engine.rules.empty")),
      hit.length ? el("p", { class: "dim small" }, t("engine.rules.source")) : null,
      quiet.length ? el("details", {}, el("summary", {}, t("engine.quiet", { n: quiet.length })), el("p", { class: "names" }, quiet.map((each) => [el("code", {}, each.rule), " "]))) : null);
  }

  /** Hits of a hundred events now, and what is usual. */
  function rate({ hit_rate: now, usual_hit_rate: usual }) {
    if (now === null) return el("span", { class: "dim" }, "–");
    return [measure(`${number(now * 100)} %`), usual === null ? null : el("small", { class: "dim" }, " ", measure(t("engine.usual", { n: number(usual * 100) })))];
  }

  // A part that is asked for is gone to as soon as it is there; what is loaded above it moves it again
  let part = route.query.get("part");
  function goToPart() {
    const node = part && document.getElementById(part);
    if (node) node.scrollIntoView({ block: "start" });
  }
  const moved = () => { part = null; };
  for (const type of ["wheel", "touchmove", "keydown"]) addEventListener(type, moved, { passive: true });

  const loadPacks = () => loaded(packs, () => get("/v1/packs"), drawPacks, () => alive).then(goToPart);
  const loadRules = () => loaded(rules, () => get("/v1/rules", { hours: HOURS }), drawRules, () => alive).then(goToPart);
  const counted = () => { if (alive && !main.querySelector("dialog[open]")) drawStatusOnce(); };
  let before = "";
  function drawStatusOnce() {
    const { now } = app.live;
    const said = JSON.stringify([now?.halted, now?.rules_halted, now?.workers, now?.hour?.dead_letter_reasons, now?.journal?.unreadable, now?.journal?.problem]);
    if (said === before) return; // buttons in focus stay where they are
    before = said;
    drawStatus();
  }
  const changed = () => drawStatus();
  const answered = ({ detail: decision }) => {
    if (decision.kind === "pack") loadPacks();
    if (decision.kind === "control" || decision.kind === "pack") app.live.refresh().catch(() => {});
  };
  app.live.addEventListener("now", counted);
  decisions.addEventListener("changed", changed);
  decisions.addEventListener("answered", answered);
  if (app.live.now) drawStatusOnce();
  else app.live.refresh().catch(() => {});
  loadPacks();
  loadRules();
  return {
    title: t("engine.title"),
    update(next) {
      if (next.page !== "engine") return false;
      part = next.query.get("part");
      goToPart();
      return true;
    },
    close() {
      alive = false;
      for (const type of ["wheel", "touchmove", "keydown"]) removeEventListener(type, moved);
      app.live.removeEventListener("now", counted);
      decisions.removeEventListener("changed", changed);
      decisions.removeEventListener("answered", answered);
    },
  };
}
