// The language of the page, and its words. Texts of the policy come from the server in both languages.

import { en } from "./words-en.js";
import { zh } from "./words-zh.js";

const WORDS = { en, zh };
const listeners = new Set();

/** "en" or "zh". */
export function language() {
  return document.documentElement.lang.startsWith("zh") ? "zh" : "en";
}

/** Changes it, remembers it, and has the page drawn again. */
export function setLanguage(value) {
  document.documentElement.lang = value === "zh" ? "zh-CN" : "en";
  keep("language", value);
  for (const each of listeners) each();
}

/** Calls `listener` when the language changes. */
export function onLanguage(listener) {
  listeners.add(listener);
}

/** The words of a key, with {names} filled in. */
export function t(key, values = {}) {
  const text = WORDS[language()][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The words for a value of the engine's own, such as an action; the value itself where there are none. */
export function word(kind, value) {
  const key = `${kind}.${value}`;
  return WORDS[language()][key] ?? WORDS.en[key] ?? String(value);
}

/** Of a text that is there in both languages: [the reader's, the other]. */
export function both(texts) {
  const [first, second] = language() === "zh" ? ["zh", "en"] : ["en", "zh"];
  return [{ lang: first, text: texts?.[first] ?? "" }, { lang: second, text: texts?.[second] ?? "" }];
}

/** Remembers a choice on this device; null forgets it. */
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // storage is off: it lasts as long as the page
  }
}

/** What was remembered; null for nothing. */
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
