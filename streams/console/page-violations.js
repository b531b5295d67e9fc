// Violations: what rules found, newest first. What the counts of violations lead to.

import { el } from "./dom.js";
import { evidenceOf } from "./evidence.js";
import { filterForm } from "./filtering.js";
import { filtersOf } from "./filters.js";
import { t } from "./language.js";
import { Listing } from "./listing.js";
import { subjectLink } from "./parts.js";
import { to } from "./routes.js";

const FILTERS = ["mode", "clause", "rule", "subject_kind", "since"];

export function open(main, route, app) {
  const { form, draw } = filterForm(FILTERS, (filters) => { location.hash = to("violations", "", filters); });
  const listing = new Listing(app, {
    path: "/v1/violations", classes: "found", go: (row) => row.querySelector("a.subject").click(),
    row: ({ item }) => el("li", { class: "row", tabindex: "-1" }, subjectLink(item.subject, { clip: 80 }), evidenceOf(item)),
    empty: (filters) => t(Object.keys(filters).length ? "feed.empty.filtered" : "violations.empty"),
  });
  main.append(el("h1", {}, t("violations.title")), el("p", { class: "dim" }, t("violations.hint")), form, ...listing.nodes);

  function show(next) {
    const filters = filtersOf(next.query, FILTERS);
    draw(filters);
    listing.show(filters);
  }

  show(route);
  return {
    title: t("violations.title"),
    update(next) {
      if (next.page !== "violations") return false;
      show(next);
      return true;
    },
    key: (what) => listing.key(what),
    close: () => listing.close(),
  };
}
