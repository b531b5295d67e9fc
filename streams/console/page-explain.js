// The playground: what the policy makes of a text, a URL, a page or an event, as it is typed.

import { post } from "./api.js";
import { content } from "./content.js";
import { el, fill } from "./dom.js";
import { line } from "./escaping.js";
import { sideBySide } from "./evidence.js";
import { number } from "./formats.js";
import { request } from "./guessing.js";
import { t, word } from "./language.js";
import { action, badge, clause, empty, failed, lasting, measure, section, subjectLink, table } from "./parts.js";

const WAIT_MS = 250;
const EXAMPLES = [
  "分享到朋友圈后即可查看测试结果，分享到3个群解锁完整答案",
  "清纯学★生妹上門服务，全套按摩",
  "http://weixin-pay.example.com/",
  '{"type": "mass_send", "text": "互粉互推，有偿涨粉", "channel": "nearby", "recipients": 20000}',
  "<html><head><title>测测你前世是什么人</title></head><body>分享到微信群后即可查看答案</body></html>",
];
const MOST_WORDS = 30;

export function open(main, route) {
  const input = el("textarea", { id: "input", rows: 5, spellcheck: "false", "data-first": "", "aria-describedby": "input-hint" });
  const as = el("select", { id: "as" }, ["auto", "text", "url", "html", "event"].map((each) => el("option", { value: each }, t(`explain.${each}`))));
  const verdict = el("p", { class: "verdict", "data-measure": "", role: "status", "aria-live": "polite" });
  const result = el("div", { class: "explained" });
  let controller = null;
  let timer = null;
  let alive = true;
  input.value = route.query.get("text") ?? "";

  main.append(el("h1", {}, t("explain.title")),
    el("div", { class: "ground" },
      el("div", { class: "given" },
        el("label", { class: "field", for: "input" }, el("span", {}, t("explain.input"))), input, verdict,
        el("p", { class: "dim small", id: "input-hint" }, t("explain.hint")),
        el("label", { class: "field", for: "as" }, el("span", {}, t("explain.as")), as),
        el("div", { class: "quick", role: "group", "aria-label": t("explain.examples") }, EXAMPLES.map((each) =>
          el("button", { type: "button", class: "quiet", on: { click: () => { input.value = each; as.value = "auto"; run(); } } }, line(each, 26))))),
      result));

  async function run() {
    clearTimeout(timer);
    controller?.abort();
    const asked = request(input.value, as.value);
    if (!asked) {
      verdict.textContent = "";
      fill(result, empty(t("explain.empty")));
      return;
    }
    if (asked.problem) {
      verdict.textContent = t(asked.problem, Object.fromEntries(Object.entries(asked.values).map(([name, value]) => [name, typeof value === "number" ? number(value) : line(value, 120)])));
      fill(result);
      return;
    }
    controller = new AbortController();
    const mine = controller;
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await post("/v1/explain", asked.body, { signal: mine.signal });
      if (alive && controller === mine) draw(answer);
    } catch (problem) {
      if (problem.name === "AbortError" || !alive || controller !== mine) return;
      if (problem.status === 429 || (problem.status === 503 && problem.code === "busy")) {
        verdict.textContent = t("explain.busy");
        timer = setTimeout(run, (problem.retryAfter ?? 1) * 1000);
      } else if (problem.status === 400) {
        verdict.textContent = line(problem.message, 300);
        fill(result);
      } else {
        verdict.textContent = "";
        fill(result, failed(problem, run));
      }
    } finally {
      if (controller === mine) result.removeAttribute("aria-busy");
    }
  }

  function draw(answer) {
    const fired = answer.rules.length;
    verdict.textContent = fired === 0 ? t("explain.verdict.none") : fired === 1 ? t("explain.verdict.one") : t("explain.verdict.some", { n: fired });
    verdict.dataset.tone = fired ? "bad" : "good";
    fill(result,
      el("p", { class: "dim small" }, measure(t("explain.judged", { type: answer.type, pack: answer.pack }))),
      section(t("explain.rules"), {}, fired ? answer.rules.map(ruleOf) : el("p", { class: "calm" }, t("explain.rules.none"))),
      section(t("explain.folding"), {}, answer.texts.map((each) => textOf(each, answer))),
      section(t("explain.words"), {}, answer.words.length ? wordsOf(answer.words) : el("p", { class: "dim" }, t("explain.words.none"))),
      section(t("explain.signals"), {}, answer.signals.length ? el("ul", { class: "plain signals" }, answer.signals.map(signalOf)) : el("p", { class: "dim" }, t("explain.signals.none"))),
      answer.considered.length ? el("details", { class: "part" }, el("summary", {}, t("explain.considered"), " ", badge(number(answer.considered.length))), answer.considered.map(ruleOf)) : null);
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(run, WAIT_MS);
  };
  input.addEventListener("input", soon);
  as.addEventListener("change", run);
  run();
  return {
    title: t("nav.explain"),
    close() {
      alive = false;
      controller?.abort();
      clearTimeout(timer);
    },
  };
}

function textOf(each, { words, rules }) {
  const marks = [
    ...rules.flatMap((rule) => rule.evidence).filter((piece) => piece.field === each.field).map((piece) => ({ start: piece.start, end: piece.end, title: piece.signal })),
    ...words.filter((piece) => piece.field === each.field && piece.weight > 0).map((piece) => ({ start: piece.start, end: piece.end, title: piece.signal, class: "soft" })),
  ];
  return el("div", {},
    sideBySide(each.field, each.text, marks, each),
    each.changes.length ? el("details", {}, el("summary", {}, t("explain.changes", { n: number(each.changes.length) })), el("ul", { class: "changes" }, each.changes.slice(0, 40).map((change) =>
      el("li", {}, content(change.original, { one: true, clip: 30 }), " → ", change.folded === "" ? el("em", { class: "dim" }, t("explain.left_out")) : content(change.folded, { one: true, clip: 30 }))))) : null);
}

function wordsOf(words) {
  const heads = ["word", "form", "weight", "signal"].map((each) => t(`explain.${each}`));
  return table(heads, words.slice(0, MOST_WORDS).map((each) => [
    content(each.quote, { one: true, clip: 40 }), each.form === each.quote ? "" : content(each.form, { one: true, clip: 40 }), measure(number(each.weight)), el("code", {}, each.signal)]), t("explain.words"));
}

function signalOf(each) {
  const fires = each.value > 0;
  return el("li", { class: fires ? "holds" : "fails" }, el("span", { class: "sign", "aria-label": fires ? t("explain.holds") : t("explain.fails") }, fires ? "✓" : "·"), " ", el("code", {}, each.name), " ",
    el("span", { class: "dim", "data-measure": "" }, each.kind, each.needs !== null && each.needs !== undefined ? [" · ", t("explain.needs", { reached: number(each.reached), needs: number(each.needs) })] : [" · ", number(each.value)], each.needs_history ? [" · ", t("explain.history")] : null));
}

/** A rule that fires, or one that comes near. */
function ruleOf(rule) {
  return el("article", { class: "rule-card" },
    el("h3", {}, el("code", {}, rule.name), " ", badge(word("mode", rule.mode)), " ", rule.severity === "egregious" ? badge(word("severity", "egregious"), "grave") : null, rule.by_report ? [" ", badge(t("explain.by_report"), "warned")] : null, rule.reporters ? [" ", measure(badge(t("explain.reporters", { n: rule.reporters })))] : null),
    clause(rule.clause, { full: true, titles: rule.title }),
    el("ul", { class: "plain parts" }, rule.parts.map((part) => el("li", { class: part.holds ? "holds" : "fails" },
      el("span", { class: "sign", "aria-label": part.holds ? t("explain.holds") : t("explain.fails") }, part.holds ? "✓" : "✗"), " ", el("code", {}, part.text), " ",
      el("span", { class: "dim small", "data-measure": "" }, Object.entries(part.values).map(([name, value]) => `${name} = ${number(value)}`).join(", "))))),
    rule.crowd ? el("p", { class: "dim small", "data-measure": "" }, t("explain.crowd", { needs: rule.crowd.needs })) : null,
    rule.charges?.length ? el("div", { class: "charges" }, el("h4", {}, t("explain.sanctions")), rule.charges.map((charge) => el("div", { class: "charge" }, subjectLink(charge.subject, { clip: 60 }),
      el("ol", { class: "ladder" }, charge.steps.map((step) => el("li", {}, measure(t("explain.offence", { n: step.offence }), "small"), " ", step.actions.map((each) => [action(each), " "]),
        step.actions.length === 1 && step.actions[0] === "warn" ? null : step.lasts_ms === null ? t("subject.permanent") : measure(lasting(step.lasts_ms / 1000))))),
      charge.waits ? el("p", { class: "dim small", "data-measure": "" }, t("explain.waits", { why: line(charge.waits, 200) })) : null))) : null);
}
