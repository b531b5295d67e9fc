// Subjects by how their names begin.

import { get } from "./api.js";
import { add, el, fill } from "./dom.js";
import { line } from "./escaping.js";
import { beginnings, KINDS } from "./finding.js";
import { t, word } from "./language.js";
import { Picking } from "./picking.js";
import { action, empty, loaded, subjectLink, time } from "./parts.js";
import { to } from "./routes.js";

const LIMIT = 100;
/** Of each beginning, where a text may mean several. */
const FEW = 20;

export function open(main, route, app) {
  app.place = "list";
  const list = el("div", {});
  const input = el("input", { type: "search", id: "prefix", value: "", autocomplete: "off", spellcheck: "false", "data-first": "" });
  const rows = el("ul", { class: "subjects" });
  const picking = new Picking(rows, { open: (row) => row.querySelector("a").click() });
  let alive = true;
  let turn = 0;
  let timer = null;
  let held = false;
  const heldOnly = el("input", { type: "checkbox", id: "held", on: { change: () => { location.hash = to("subjects", "", { prefix: input.value.trim(), held: heldOnly.checked ? "1" : "" }); } } });
  main.append(el("h1", {}, t("find.title")),
    el("label", { class: "field", for: "prefix" }, el("span", { class: "dim" }, t("find.hint"))), input,
    el("p", { class: "choices" }, KINDS.map((kind) => [el("a", { href: to("subjects", "", { prefix: `${kind}:`, held: held ? "1" : "" }) }, word("subject", kind)), " "])),
    el("p", {}, el("label", {}, heldOnly, " ", t("find.held"))), list);

  function load(prefix) {
    const mine = ++turn;
    const wanted = () => alive && mine === turn;
    const ask = (begins, after, limit) => get("/v1/subjects", { prefix: begins, limit, held: held ? "true" : "", after });
    const several = beginnings(prefix);
    if (several.length > 1) {
      loaded(list, () => Promise.all(several.map((begins) => ask(begins, "", FEW))), (answers) => {
        const found = new Map(answers.flatMap(({ subjects }) => subjects.map((each) => [each.subject, each])));
        fill(rows, [...found.values()].map(rowOf));
        const rest = several.filter((_, at) => answers[at].subjects.length === FEW);
        return found.size ? [rows, el("p", { class: "after" }, rest.map((begins) => [el("a", { class: "button", href: to("subjects", "", { prefix: begins, held: held ? "1" : "" }) }, t("find.more"), ": ", line(begins, 60)), " "]))]
          : empty(t("find.empty", { prefix }));
      }, wanted);
      return;
    }
    const [only] = several;
    const more = (subjects) => {
      add(rows, subjects.map(rowOf));
      if (subjects.length < LIMIT) return null;
      const next = el("div", { class: "after" });
      fill(next, el("button", { type: "button", on: { click: () => loaded(next, () => ask(only, subjects.at(-1).subject, LIMIT), (found) => more(found.subjects), wanted) } }, t("find.more")));
      return next;
    };
    loaded(list, () => ask(only, "", LIMIT), ({ subjects }) => {
      fill(rows);
      const after = more(subjects);
      return subjects.length ? [rows, after] : empty(t("find.empty", { prefix: only }));
    }, wanted);
  }

  const rowOf = (each) => el("li", { class: "row", tabindex: "-1" }, subjectLink(each.subject, { clip: 100 }),
    el("span", {}, (each.in_force ?? []).map((value) => [action(typeof value === "string" ? value : value.action), " "])), time(each.last, { relative: true }));

  function show(next) {
    input.value = next.query.get("prefix") ?? "";
    held = next.query.get("held") === "1";
    heldOnly.checked = held;
    load(input.value);
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      history.replaceState(null, "", to("subjects", "", { prefix: input.value.trim(), held: held ? "1" : "" }));
      load(input.value.trim());
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
    key: (what) => picking.key(what),
    close() {
      alive = false;
      clearTimeout(timer);
    },
  };
}
