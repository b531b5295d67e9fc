// What users wrote, on the page: inert, isolated from the text around it, and legible whatever is in it.

import { el, fill } from "./dom.js";
import { CLIP, STEP, pieces, stretches } from "./escaping.js";
import { number } from "./formats.js";
import { t } from "./language.js";

/** Characters, with controls named and scribbles counted. */
function characters(points) {
  return pieces(points).map((piece) => {
    if (piece.control) {
      return el("span", { class: "control", title: t("content.control", { name: piece.control }) }, piece.control);
    }
    if (piece.left) return el("span", { class: "control", title: t("content.marks", { n: piece.left }) }, `+${piece.left}`);
    return piece.text;
  });
}

/** A text of others. marks: [{start, end, title}] in code points; `one`: on one line; `clip`: how much at first. */
export function content(text, { marks = [], one = false, clip = CLIP, label = null } = {}) {
  const points = Array.from(String(text ?? ""));
  const holder = el("bdi", { class: one ? "content one" : "content", "aria-label": label });
  const draw = (from, to) => {
    const cut = marks.map((mark) => ({ ...mark, start: mark.start - from, end: mark.end - from }));
    return stretches(to - from, cut).map(({ start, end, marks: over }) => {
      const inside = characters(points.slice(from + start, from + end));
      if (!over.length) return inside;
      const title = [...new Set(over.map((mark) => mark.title).filter(Boolean))].join(", ");
      return el("mark", { title: title || null, class: over[0].class ?? null }, inside);
    });
  };
  const show = (from, to) => {
    fill(holder, from > 0 ? el("span", { class: "cut" }, "…") : null, draw(from, to));
    const left = points.length - to;
    if (left <= 0 && from === 0) return;
    if (one) {
      if (left > 0) holder.append("…");
      return;
    }
    const more = el("button", { type: "button", class: "more", on: {
      click: (event) => {
        event.stopPropagation();
        show(0, Math.min(points.length, to + STEP));
        holder.querySelector("button.more")?.focus();
      },
    } }, left > 0 ? t("content.more", { n: number(left) }) : t("content.beginning"));
    holder.append(" ", more);
  };
  const first = marks.length ? Math.min(...marks.map((mark) => mark.start)) : 0;
  const from = first > clip * 0.8 ? Math.max(0, first - 60) : 0; // what was found is in view
  show(from, Math.min(points.length, from + clip));
  return holder;
}

/** A quote, marked as what was found. */
export function quote(text, title = null) {
  return el("bdi", { class: "content one" }, el("mark", { title }, content(text, { one: true, clip: 80 })));
}
