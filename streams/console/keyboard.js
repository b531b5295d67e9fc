// Which key does what: a pure function, and the list that `?` shows.

/** Keys of each place; `g` begins a word of two keys. */
const LISTS = { j: "next", ArrowDown: "next", k: "previous", ArrowUp: "previous", Enter: "open", o: "open" };
const CASES = { a: "approve", r: "reject" };
const EVERYWHERE = { "?": "help", "/": "find", u: "undo", Escape: "back" };
const FEED = { p: "pause", n: "new" };
const GO = { n: "now", r: "reviews", e: "explain", p: "engine", a: "audit" };

/** What a key asks for: a word such as "approve", "go:reviews", or null. `place`: "feed", "list", "case" or "".
 * `before`: the key before it, if that was pressed a moment ago. Keys with a modifier are the browser's. */
export function asked(key, place, { before = "", modified = false, typing = false } = {}) {
  if (modified) return null;
  if (typing) return key === "Escape" ? "back" : null;
  if (before === "g" && key in GO) return `go:${GO[key]}`;
  if (place === "list" || place === "case") return LISTS[key] ?? CASES[key] ?? EVERYWHERE[key] ?? null;
  if (place === "feed") return LISTS[key] ?? FEED[key] ?? EVERYWHERE[key] ?? null;
  return EVERYWHERE[key] ?? null;
}

/** For the list of keys: [where, [[keys, words]]]. */
export const SHOWN = [
  ["keys.where.all", [["?", "keys.help"], ["/", "keys.find"], ["u", "keys.undo"], ["Esc", "keys.back"], ["g n  g r  g e  g p  g a", "keys.pages"]]],
  ["keys.where.lists", [["j  k", "keys.move"], ["Enter", "keys.open"], ["p", "keys.pause"], ["n", "keys.new"]]],
  ["keys.where.case", [["a", "keys.approve"], ["r", "keys.reject"]]],
  ["keys.where.dialog", [["1 – 4", "keys.quick"], ["Ctrl Enter", "keys.send"]]],
];
