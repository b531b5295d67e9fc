// Who did what, newest first.

import { get } from "./api.js";
import { content } from "./content.js";
import { el, fill } from "./dom.js";
import { line } from "./escaping.js";
import { isSubject } from "./finding.js";
import { t, word } from "./language.js";
import { badge, empty, failed, loading, measure, subjectLink, table, time } from "./parts.js";

const LIMIT = 50;

export function open(main) {
  const list = el("div", { class: "audit" });
  const more = el("div", { class: "after" });
  main.append(el("h1", {}, t("audit.title")), list, more);
  const entries = [];
  let oldest = null;
  let alive = true;

  const draw = () => {
    const heads = ["at", "who", "what", "subject", "reason"].map((each) => t(`audit.${each}`));
    fill(list, entries.length ? table(heads, entries.map((entry) => [
      time(entry.at), content(entry.who, { one: true, clip: 40 }), what(entry),
      isSubject(entry.subject) ? subjectLink(entry.subject, { clip: 50 }) : content(entry.subject, { one: true, clip: 50 }),
      [content(entry.reason, { clip: 160 }), entry.refused ? el("p", { class: "wrong", "data-measure": "" }, t("done.refused", { why: line(entry.refused, 160) })) : null],
    ]), t("audit.title")) : empty(t("audit.empty")));
  };

  async function load() {
    fill(more, loading());
    try {
      const answer = await get("/v1/audit", { limit: LIMIT, before: oldest });
      if (!alive) return;
      entries.push(...answer.entries);
      oldest = answer.oldest;
      draw();
      fill(more, oldest !== null ? el("button", { type: "button", on: { click: load } }, t("audit.more")) : null);
    } catch (problem) {
      if (alive) fill(more, failed(problem, load));
    }
  }

  load();
  return { title: t("audit.title"), close: () => { alive = false; } };
}

/** "approved", "overturned", "halt: rule": what the API says, in words where there are some. */
function what(entry) {
  const parts = String(entry.what).split(/[ :]+/);
  const words = parts.map((each) => ["do", "verdict", "kind", "action", "engine"].map((kind) => [kind, word(kind, each)]).find(([kind, said]) => said !== `${kind}.${each}` && said !== each)?.[1] ?? each);
  return measure(badge(words.join(" "), /overturn|reject|clear|halt|rollback/.test(entry.what) ? "warned" : "plain", entry.what));
}
