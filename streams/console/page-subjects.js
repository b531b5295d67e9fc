// Subjects by how their names begin.

import { get } from "./api.js";
import { add, el, fill } from "./dom.js";
import { t, word } from "./language.js";
import { Picking } from "./picking.js";
import { action, empty, loaded, subjectLink, time } from "./parts.js";
import { to } from "./routes.js";

const LIMIT = 100;

export function open(main, route, app) {
  app.place = "list";
  const list = el("div", {});
  const input = el("input", { type: "search", id: "prefix", value: "", autocomplete: "off", spellcheck: "false", "data-first": "" });
  const rows = el("ul", { class: "subjects" });
  const picking = new Picking(rows);
  let alive = true;
  let turn = 0;
  let timer = null;
  let held = false;
  const only = el("input", { type: "checkbox", id: "held", on: { change: () => { location.hash = to("subjects", "", { prefix: input.value.trim(), held: only.checked ? "1" : "" }); } } });
  main.append(el("h1", {}, t("find.title")),
    el("label", { class: "field", for: "prefix" }, el("span", { class: "dim" }, t("find.hint"))), input,
    el("p", { class: "choices" }, ["account", "link", "domain", "ip", "app"].map((kind) => [el("a", { href: to("subjects", "", { prefix: `${kind}:`, held: held ? "1" : "" }) }, word("subject", kind)), " "])),
    el("p", {}, el("label", {}, only, " ", t("find.held"))), list);

  function load(prefix) {
    const mine = ++turn;
    const wanted = () => alive && mine === turn;
    const ask = (after) => get("/v1/subjects", { prefix, limit: LIMIT, held: held ? "true" : "", after });
    const more = (subjects) => {
      add(rows, subjects.map(rowOf));
      if (subjects.length < LIMIT) return null;
      const next = el("div", { class: "after" });
      fill(next, el("button", { type: "button", on: { click: () => loaded(next, () => ask(subjects.at(-1).subject), (found) => more(found.subjects), wanted) } }, t("find.more")));
      return next;
    };
    loaded(list, () => ask(""), ({ subjects }) => {
      fill(rows);
      const after = more(subjects);
      return subjects.length ? [rows, after] : empty(t("find.empty", { prefix }));
    }, wanted);
  }

  const rowOf = (each) => el("li", { class: "row", tabindex: "-1" }, subjectLink(each.subject, { clip: 100 }),
    el("span", {}, (each.in_force ?? []).map((value) => [action(typeof value === "string" ? value : value.action), " "])), time(each.last, { relative: true }));

  function show(next) {
    input.value = next.query.get("prefix") ?? "";
    held = next.query.get("held") === "1";
    only.checked = held;
    load(input.value || "account:");
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      history.replaceState(null, "", to("subjects", "", { prefix: input.value.trim(), held: held ? "1" : "" }));
      load(input.value.trim() || "account:");
    }, 200);
  });
  show(route);
  return {
    title: t("find.title"),
    update(next) {
      if (next.page !== "subjects") return false;
      show(next);
      return true;
    },
    key(what) {
      if (what === "next") picking.move(1);
      else if (what === "previous") picking.move(-1);
      else if (what === "open" && picking.active) picking.current.querySelector("a").click();
      else return false;
      return true;
    },
    close() {
      alive = false;
      clearTimeout(timer);
    },
  };
}
