// The filters above a list: selects whose choice is the address of the list.

import { el, fill } from "./dom.js";
import { sinceMinutes } from "./filters.js";
import { moment } from "./formats.js";
import { language, t, word } from "./language.js";
import { clauses } from "./parts.js";

const ACTIONS = ["warn", "stop_spread", "block_access", "suspend_share_api", "suspend_account", "ban_account", "ban_domain", "ban_ip", "ban_share_api"];

/** What can be chosen for each filter: [[value, what it is called]]. */
const CHOICES = {
  kind: () => ["enforcement", "lift", "review"].map((each) => [each, word("kind", each)]),
  mode: () => ["enforce", "shadow"].map((each) => [each, word("mode", each)]),
  action: () => ACTIONS.map((each) => [each, word("action", each)]),
  clause: () => [...clauses.keys()].map((each) => [each, `${each} ${clauses.get(each)?.[language()] ?? ""}`]),
  rule: () => [...new Set([...clauses.values()].flatMap((each) => (each.rules ?? []).map((rule) => rule.name ?? rule)))].map((each) => [each, each]),
  subject_kind: () => ["account", "link", "domain", "ip", "app"].map((each) => [each, word("subject", each)]),
  since: () => [[sinceMinutes(Date.now(), 60), t("feed.since.hour")], [sinceMinutes(Date.now(), 24 * 60), t("feed.since.day")]],
};

/** A form of filters. `names`: which; `open`: called with those that are chosen. `draw(filters)` shows what is set. */
export function filterForm(names, open) {
  const chosen = () => open(Object.fromEntries([...new FormData(form)].filter(([, value]) => value)));
  const form = el("form", { class: "filters", "aria-label": t("feed.filters"), on: { change: chosen, submit: (event) => event.preventDefault() } });
  const draw = (filters) => fill(form, names.map((name) => {
    const known = CHOICES[name]();
    const set = filters[name];
    if (set && !known.some(([value]) => value === set)) known.unshift([set, name === "since" ? moment(set, Date.now()) : set]);
    return el("label", { class: set ? "set" : null }, el("span", {}, t(`feed.${name}`)),
      el("select", { name }, el("option", { value: "" }, t("feed.all")),
        known.map(([value, text]) => el("option", { value, selected: set === value }, text))));
  }), Object.keys(filters).length ? el("button", { type: "button", class: "quiet", on: { click: () => open({}) } }, t("feed.clear")) : null);
  return { form, draw };
}
