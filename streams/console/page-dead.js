// Dead letters, newest first: records that could not be taken, why, and what they held. What their counts lead to.

import { content } from "./content.js";
import { el } from "./dom.js";
import { line } from "./escaping.js";
import { filtersOf } from "./filters.js";
import { moment, number } from "./formats.js";
import { t } from "./language.js";
import { Listing } from "./listing.js";
import { badge, measure, time } from "./parts.js";
import { to } from "./routes.js";

const FILTERS = ["reason", "since"];

export function open(main, route, app) {
  const chosen = el("p", { class: "choices" });
  const listing = new Listing(app, {
    path: "/v1/dead-letters", row: rowOf, classes: "found", go: () => {},
    empty: (filters) => t(Object.keys(filters).length ? "dead.empty.filtered" : "dead.empty"), end: "dead.end",
  });
  main.append(el("h1", {}, t("dead.title")), el("p", { class: "dim", "data-measure": "" }, t("dead.hint")), chosen, ...listing.nodes);

  function show(next) {
    const filters = filtersOf(next.query, FILTERS);
    chosen.replaceChildren();
    if (filters.reason) chosen.append(badge(line(filters.reason, 60)));
    if (filters.since) chosen.append(el("span", { class: "dim", "data-measure": "" }, t("dead.since", { time: moment(filters.since, Date.now()) })));
    if (Object.keys(filters).length) chosen.append(el("a", { href: to("dead") }, t("feed.clear")));
    listing.show(filters);
  }

  show(route);
  return {
    title: t("dead.title"),
    update(next) {
      if (next.page !== "dead") return false;
      show(next);
      return true;
    },
    key: (what) => listing.key(what),
    close: () => listing.close(),
  };
}

function rowOf(letter) {
  return el("li", { class: "row", tabindex: "-1" },
    el("p", {}, time(letter.at), " ", el("a", { href: to("dead", "", { reason: letter.reason }) }, el("code", {}, line(letter.reason || "–", 60))), " ", content(letter.detail, { clip: 300 })),
    el("p", { class: "dim small" }, letter.topic === null ? t("dead.nowhere")
      : el("span", { "data-measure": "" }, t("dead.place", { topic: line(letter.topic, 80), partition: letter.partition, offset: letter.offset })), " · ",
    measure(t(letter.cut ? "dead.cut" : "dead.bytes", { n: number(letter.bytes) }))),
    letter.value ? el("p", { class: "sample" }, content(letter.value, { clip: 400 })) : null);
}
