// Logging in: a token is given once, and a cookie stands for it from then on.

import { post } from "./api.js";
import { el } from "./dom.js";
import { t } from "./language.js";

export function open(main, _route, app) {
  const token = el("input", { type: "password", id: "token", name: "token", autocomplete: "current-password", required: true, spellcheck: "false", "data-first": "", "aria-describedby": "token-hint" });
  const wrong = el("p", { class: "wrong", role: "alert" });
  const go = el("button", { type: "submit", class: "main" }, t("login.go"));
  main.append(el("form", { class: "login", on: {
    submit: async (event) => {
      event.preventDefault();
      go.disabled = true;
      wrong.replaceChildren();
      try {
        await app.login(await post("/v1/session", { token: token.value.trim() }, { quiet: true }));
      } catch (problem) {
        wrong.textContent = problem.status === 401 ? t("login.wrong") : problem.status === 403 ? t("login.role") : problem.status === 0 ? t("state.offline") : problem.message;
        token.select();
      } finally {
        go.disabled = false;
      }
    },
  } },
  el("h1", {}, t("login.title")),
  el("input", { type: "text", autocomplete: "username", value: "console", hidden: true }), // password managers ask for one
  el("label", { for: "token" }, t("login.token")), token,
  el("p", { class: "dim small", id: "token-hint" }, t("login.hint")), wrong, go));
  return { title: t("login.title") };
}
