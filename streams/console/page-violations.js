// Violations: what rules found, newest first. What the counts of violations lead to.

import { get } from "./api.js";
import { el, fill } from "./dom.js";
import { evidenceOf } from "./evidence.js";
import { filterForm } from "./filtering.js";
import { filtersOf } from "./filters.js";
import { t } from "./language.js";
import { Picking } from "./picking.js";
import { empty, failed, loading, subjectLink } from "./parts.js";
import { to } from "./routes.js";

const PAGE = 30;
const FILTERS = ["mode", "clause", "rule", "subject_kind", "since"];

export function open(main, route, app) {
  app.place = "list";
  const list = el("ol", { class: "found" });
  const after = el("div", { class: "after" });
  const { form, draw } = filterForm(FILTERS, (filters) => { location.hash = to("violations", "", filters); });
  const picking = new Picking(list);
  let filters = {};
  let oldest = null;
  let alive = true;
  let turn = 0;
  main.append(el("h1", {}, t("violations.title")), el("p", { class: "dim" }, t("violations.hint")), form, list, after);

  async function load() {
    const mine = ++turn;
    fill(after, loading());
    try {
      const answer = await get("/v1/violations", { limit: PAGE, before: oldest, ...filters });
      if (!alive || mine !== turn) return;
      oldest = answer.oldest;
      list.append(...answer.items.map(({ item }) => el("li", { class: "row", tabindex: "-1" }, subjectLink(item.subject, { clip: 80 }), evidenceOf(item))));
      fill(after, oldest !== null ? el("button", { type: "button", on: { click: load } }, t("feed.older"))
        : list.childElementCount ? el("p", { class: "dim" }, t("feed.end")) : empty(t(Object.keys(filters).length ? "feed.empty.filtered" : "violations.empty")));
    } catch (problem) {
      if (alive && mine === turn) fill(after, failed(problem, load));
    }
  }

  function show(next) {
    filters = filtersOf(next.query, FILTERS);
    oldest = null;
    list.replaceChildren();
    picking.clear();
    draw(filters);
    load();
  }

  show(route);
  return {
    title: t("violations.title"),
    update(next) {
      if (next.page !== "violations") return false;
      show(next);
      return true;
    },
    key(what) {
      if (what === "next") picking.move(1);
      else if (what === "previous") picking.move(-1);
      else if (what === "open" && picking.active) picking.current.querySelector("a.subject").click();
      else return false;
      return true;
    },
    close() {
      alive = false;
    },
  };
}
