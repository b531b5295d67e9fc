// Dialogs: what would happen, a reason, and the choice to leave it.

import { el } from "./dom.js";
import { t } from "./language.js";
import { SHOWN } from "./keyboard.js";

const MAX_REASON = 500;

/** Shows a dialog until it is closed; `make(close)` gives its children. Focus goes back to where it was. */
function open(label, make, { wide = false } = {}) {
  return new Promise((resolve) => {
    let answer = null;
    const dialog = el("dialog", { "aria-label": label, class: wide ? "broad" : null });
    const close = (value = null) => {
      answer = value;
      dialog.close();
    };
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) close();
    });
    dialog.append(make(close));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** The reasons that are given often, for `kind` of decision. */
function quickReasons(kind) {
  const found = [];
  for (let at = 1; at <= 4; at++) {
    const text = t(`quick.${kind}.${at}`);
    if (text !== `quick.${kind}.${at}`) found.push(text);
  }
  return found;
}

/** Asks for a decision with its reason. `would`: what it would do, as children; `kind`: of its quick reasons;
 * `fields`: [{name, node}] of further inputs, which may change `would` by themselves; `shown`: called once they are there.
 * Resolves with {reason, ...fields}, or null when it was left. */
export function askDecision({ title, would, kind, submit, tone = "", fields = [], shown = () => {} }) {
  return open(title, (close) => {
    const reason = el("input", { type: "text", id: "reason", name: "reason", maxlength: MAX_REASON, autocomplete: "off", "aria-describedby": "reason-hint", autofocus: true });
    const missing = el("p", { class: "wrong", role: "alert", id: "reason-missing" });
    const pick = (text) => {
      reason.value = text;
      missing.replaceChildren();
      reason.focus();
    };
    const quick = quickReasons(kind);
    reason.addEventListener("keydown", (event) => {
      const at = Number(event.key) - 1;
      if (!event.isComposing && reason.value === "" && at in quick) {
        event.preventDefault();
        pick(quick[at]);
      }
    });
    const form = el("form", { method: "dialog", class: "ask", on: {
      submit: (event) => {
        event.preventDefault();
        const given = reason.value.trim();
        if (!given) {
          missing.textContent = t("decide.reason.missing");
          reason.focus();
          return;
        }
        close({ reason: given, ...Object.fromEntries(fields.map(({ name, node }) => [name, (node.matches("input,select") ? node : node.querySelector("input,select")).value])) });
      },
      keydown: (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
      },
    } },
    el("h2", {}, title),
    el("div", { class: "would" }, would),
    fields.map(({ label, node }) => el("label", { class: "field" }, el("span", {}, label), node)),
    el("label", { class: "field", for: "reason" }, el("span", {}, t("decide.reason"))), reason,
    el("p", { class: "dim small", id: "reason-hint" }, t("decide.reason.hint")), missing,
    quick.length ? el("div", { class: "quick", role: "group", "aria-label": t("decide.quick") }, quick.map((text, at) =>
      el("button", { type: "button", class: "quiet", on: { click: () => pick(text) } }, el("kbd", {}, at + 1), " ", text))) : null,
    el("div", { class: "buttons" },
      el("button", { type: "button", on: { click: () => close() } }, t("decide.cancel")),
      el("button", { type: "submit", class: `main ${tone}` }, submit)));
    shown();
    return form;
  });
}

/** The list of keys. */
export function showKeys() {
  return open(t("keys.title"), (close) => el("div", { class: "keys" },
    el("h2", {}, t("keys.title")),
    SHOWN.map(([where, keys]) => el("section", {}, el("h3", {}, t(where)),
      el("dl", { class: "terms" }, keys.map(([key, words]) => el("div", {}, el("dt", {}, key.split("  ").map((each) => [el("kbd", {}, each), " "])), el("dd", {}, t(words))))))),
    el("div", { class: "buttons" }, el("button", { type: "button", autofocus: true, on: { click: () => close() } }, t("done.close")))), { wide: true });
}
