// Short messages at the foot of the page, which screen readers read out.

import { add, el } from "./dom.js";
import { t } from "./language.js";

const MOST = 4;

/** A message. It stays until it is closed, or for `ms`, or gives way to newer ones unless it is to `stay`;
 * returns {node, close, set(children, tone, stay)}. */
export function tell(children, { tone = "plain", ms = null, stay = false } = {}) {
  const holder = document.getElementById("told");
  const text = el("div", { class: "text" });
  const node = el("div", { class: `toast ${tone}` }, text,
    el("button", { type: "button", class: "quiet close", "aria-label": t("done.close"), on: { click: () => close() } }, "×"));
  const close = () => node.remove();
  const set = (next, nextTone = tone, nextStay = false) => {
    node.className = `toast ${nextTone}`;
    node.toggleAttribute("data-stay", nextStay);
    text.replaceChildren();
    add(text, next);
  };
  set(children, tone, stay);
  holder.append(node);
  const others = [...holder.querySelectorAll(".toast:not([data-stay])")];
  for (const old of others.slice(0, Math.max(0, others.length - MOST))) old.remove();
  if (ms !== null) setTimeout(close, ms);
  return { node, close, set };
}
