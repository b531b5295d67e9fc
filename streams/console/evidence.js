// A violation with its evidence, and on demand the event it was found in: what matched is marked, and beside it stands the
// form in which it was matched.

import { get } from "./api.js";
import { content } from "./content.js";
import { el } from "./dom.js";
import { line } from "./escaping.js";
import { number } from "./formats.js";
import { t, word } from "./language.js";
import { badge, clause, loaded, quotes, subjectLink, time } from "./parts.js";

/** A violation. `linked`: whether to name who else was charged. */
export function evidenceOf(violation, { linked = true } = {}) {
  const context = el("div", { class: "context", id: `context-${violation.id}` });
  const button = el("button", { type: "button", class: "quiet small", "aria-expanded": "false", "aria-controls": context.id, on: {
    click: () => {
      const shows = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!shows));
      button.textContent = shows ? t("evidence.context") : t("evidence.hide");
      if (shows) context.replaceChildren();
      else loaded(context, () => get("/v1/evidence", { violation: violation.id }), inContext);
    },
  } }, t("evidence.context"));
  return el("div", { class: "violation" },
    el("p", {}, time(violation.time), " ", clause(violation.clause), " ", el("code", { class: "rule" }, violation.rule), " ",
      violation.mode === "enforce" ? null : badge(word("mode", violation.mode)), " ",
      violation.severity === "egregious" ? badge(word("severity", "egregious"), "grave") : null),
    el("p", {}, quotes(violation.evidence, 8)),
    el("p", { class: "dim small" }, word("subject", violation.event.type) === violation.event.type ? violation.event.type : "", " ", el("code", {}, line(violation.event.id, 60)), " ", button),
    linked && violation.linked?.length ? el("p", { class: "dim small" }, t("subject.charged_too"), violation.linked.map((each) => [subjectLink(each, { clip: 40 }), " "])) : null,
    context);
}

/** The event of a violation: each field as it was written, marked, and as it was matched. */
export function inContext(answer) {
  if (!answer.event) {
    const evidence = answer.violation?.evidence ?? answer.marks ?? [];
    return el("div", {}, el("p", { class: "dim" }, t("evidence.why_not", { why: line(answer.why_not ?? "", 200) })), quotes(evidence, 20));
  }
  const fields = Object.entries(answer.event.fields ?? {}).filter(([, value]) => typeof value === "string" && value !== "");
  const folded = new Map((answer.folded ?? []).map((each) => [each.field, each]));
  return el("div", { class: "fields" }, fields.map(([name, value]) => {
    const marks = (answer.marks ?? []).filter((each) => each.field === name).map((each) => ({ start: each.start, end: each.end, title: each.signal }));
    const before = answer.event.left_out?.[name];
    return [before ? el("p", { class: "dim small" }, t("evidence.left_out", { n: number(before) })) : null, sideBySide(name, value, marks, folded.get(name))];
  }));
}

/** A field as it was written, with marks, and beside it what it was folded to, where that is another text. */
export function sideBySide(name, text, marks, folded) {
  const other = folded && folded.folded !== text;
  return el("div", { class: other ? "sides" : "sides one" },
    el("div", {}, el("h4", {}, name, " ", el("small", { class: "dim" }, t("evidence.original"))), el("p", { class: "sample" }, content(text, { marks }))),
    other ? el("div", {}, el("h4", {}, el("small", { class: "dim" }, t("evidence.folded"))), el("p", { class: "sample folded" }, content(folded.folded, { marks: folded.marks ?? [] }))) : null);
}
