// Pieces that several pages are made of.

import { content, quote } from "./content.js";
import { add, el, fill, svg } from "./dom.js";
import { line } from "./escaping.js";
import { ago, length, moment, number, subjectParts } from "./formats.js";
import { both, language, t, word } from "./language.js";
import { to } from "./routes.js";

/** A time, with the whole of it on hover. */
export function time(value, { brief = false, relative = false } = {}) {
  if (!value) return el("span", { class: "dim" }, "–");
  const text = relative ? ago(value, Date.now(), language()) : moment(value, Date.now(), { brief });
  return el("time", { datetime: value, title: value }, text);
}

/** A length of seconds. */
export const lasting = (seconds) => length(seconds, language());

/** A subject, which leads to its page. */
export function subjectLink(subject, { clip = 80 } = {}) {
  const [kind, name] = subjectParts(subject);
  return el("a", { class: "subject", href: to("subject", subject) },
    el("span", { class: "kind" }, word("subject", kind)), content(name, { one: true, clip }));
}

/** What a sanction forbids. */
export function action(value) {
  const grave = value === "warn" ? "mild" : value.startsWith("ban_") ? "grave" : "firm";
  return el("span", { class: `badge ${grave}`, title: value }, word("action", value));
}

/** A word in a box. */
export function badge(text, tone = "plain", title = null) {
  return el("span", { class: `badge ${tone}`, title }, text);
}

/** A number that leads to what it counts. */
export function count(value, href, label = null) {
  return el("a", { class: "count", href, "aria-label": label === null ? null : `${number(value)} ${label}` }, number(value));
}

/** What is no count, and so leads nowhere: a length of time, a step, a share, something that was set. */
export const measure = (text, tag = "span") => el(tag, { "data-measure": "" }, text);

/** A number whose items are nowhere to be listed; `id`: of the element that says where it comes from. */
export const stated = (text, id) => el("span", { "data-stated": id }, text);

/** Until when something holds. */
export function until(ends, permanent, name = "") {
  if (name === "warn") return el("span", { class: "dim" }, t("feed.warning"));
  if (permanent || !ends) return el("strong", {}, t("feed.permanent"));
  return measure(t("feed.until", { time: moment(ends, Date.now(), { brief: true }) }));
}

/** Titles of clauses, which the server tells once: id -> {zh, en}. */
export const clauses = new Map();

/** A clause by its id, with its title in the reader's language, or in both. */
export function clause(id, { full = false, titles = null } = {}) {
  const known = titles ?? clauses.get(id);
  const [first, second] = both(known);
  return el("span", { class: full ? "clause full" : "clause" },
    el("a", { class: "id", href: to("now", "", { clause: id }) }, id),
    first.text ? el("span", { lang: first.lang, class: "title" }, first.text) : null,
    full && second.text ? el("span", { lang: second.lang, class: "title other" }, second.text) : null);
}

/** Quotes of evidence, each once. */
export function quotes(evidence, most = 3) {
  const seen = new Map();
  for (const each of evidence ?? []) if (each.quote && !seen.has(each.quote)) seen.set(each.quote, each);
  const shown = [...seen.values()].slice(0, most);
  return el("span", { class: "quotes" }, shown.map((each) => [quote(each.quote, `${each.signal} · ${each.field}`), " "]),
    seen.size > most ? el("button", { type: "button", class: "more", on: {
      click: (event) => {
        event.stopPropagation();
        event.target.replaceWith(...[...seen.values()].slice(most).flatMap((each) => [quote(each.quote, `${each.signal} · ${each.field}`), " "]));
      },
    } }, t("quotes.more", { n: number(seen.size - most) })) : null);
}

/** Something is on its way. */
export const loading = () => el("p", { class: "state loading", role: "status" }, t("state.loading"));

/** There is nothing, and that is no error. */
export const empty = (text, ...more) => el("div", { class: "state" }, el("p", {}, text), more);

/** Something failed, why, and how to try again. */
export function failed(problem, again) {
  const status = problem.status ?? null;
  const title = status === 0 ? t("state.offline") : status === 503 ? t("state.kafka") : t("state.error");
  const detail = status === 0 ? "" : [problem.title, problem.detail ?? problem.message].filter(Boolean).join(": ");
  return el("div", { class: "state error", role: "alert" },
    el("p", {}, el("strong", {}, title)),
    detail ? el("p", { class: "dim" }, line(detail, 400)) : null,
    again ? el("button", { type: "button", on: { click: again } }, t("state.retry")) : null);
}

/** A part of a page with a heading. */
export function section(title, props, ...children) {
  const id = `s-${Math.random().toString(36).slice(2)}`;
  return el("section", { ...props, class: `part ${props.class ?? ""}`, "aria-labelledby": id },
    el("div", { class: "head" }, el("h2", { id }, title), props.tools ?? null), children);
}

/** Small bars, one a value, for a look and not for reading off. */
export function bars(values, label) {
  const most = Math.max(1, ...values);
  const width = 4;
  return svg("svg", { class: "bars", viewBox: `0 0 ${values.length * width} 20`, role: "img", "aria-label": label, preserveAspectRatio: "none" },
    values.map((value, at) => svg("rect", {
      x: at * width, width: width - 1, y: 20 - (20 * value) / most, height: Math.max(value ? 1 : 0.4, (20 * value) / most),
    })));
}

/** A share of a whole as a bar. */
export function share(value, whole, tone = "") {
  return svg("svg", { class: `share ${tone}`, viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "rest", width: 100, height: 6 }), svg("rect", { width: whole ? (100 * value) / whole : 0, height: 6 }));
}

/** Terms and what they are. */
export function terms(pairs) {
  return el("dl", { class: "terms" }, pairs.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** A table; cells are children of `td`. It scrolls by itself where it is wide. */
export function table(heads, rows, label) {
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label },
    el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => el("td", {}, cell)))))));
}

/** Loads something into a node: a line meanwhile, then what `draw` makes of it, or the error. `alive`: still wanted. */
export async function loaded(node, load, draw, alive = () => true) {
  fill(node, loading());
  try {
    const value = await load();
    if (alive()) add(fill(node), [draw(value)]);
  } catch (problem) {
    if (problem.name !== "AbortError" && alive()) fill(node, failed(problem, () => loaded(node, load, draw, alive)));
  }
}
