// Text of others, cut into pieces that a page can show without being fooled: pure functions.

/** Code points shown before "show more". */
export const CLIP = 600;
/** Most code points that "show more" adds at a time: a line of a megabyte would keep the browser busy. */
export const STEP = 4000;
/** Combining marks kept on one character: scripts need up to four, more are scribbling over other lines. */
export const MOST_MARKS = 4;

const NAMES = new Map([
  [0x00, "NUL"], [0x07, "BEL"], [0x08, "BS"], [0x09, "TAB"], [0x0b, "VT"], [0x0c, "FF"], [0x0d, "CR"], [0x1b, "ESC"],
  [0x7f, "DEL"], [0x85, "NEL"], [0xa0, "NBSP"], [0xad, "SHY"], [0x34f, "CGJ"], [0x61c, "ALM"], [0x115f, "HCF"],
  [0x1160, "HJF"], [0x180e, "MVS"],
  [0x200b, "ZWSP"], [0x200c, "ZWNJ"], [0x200d, "ZWJ"], [0x200e, "LRM"], [0x200f, "RLM"], [0x2028, "LS"], [0x2029, "PS"],
  [0x202a, "LRE"], [0x202b, "RLE"], [0x202c, "PDF"], [0x202d, "LRO"], [0x202e, "RLO"], [0x2060, "WJ"],
  [0x2066, "LRI"], [0x2067, "RLI"], [0x2068, "FSI"], [0x2069, "PDI"], [0x3164, "HF"], [0xfeff, "BOM"], [0xffa0, "HHF"],
]);
const MARK = /\p{M}/u;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u00a0\u034f\u115f\u1160\u3164\uffa0\ufff9-\ufffb]/u;

/** What stands for a character that has no look of its own, such as "RLO" or "U+E0041"; null for one that has. */
export function control(character) {
  const code = character.codePointAt(0);
  if (code === 0x0a || !UNSEEN.test(character)) return null;
  return NAMES.get(code) ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Joiners inside emoji and Indic words are part of what is seen. */
function joins(points, at) {
  const code = points[at].codePointAt(0);
  if (code !== 0x200d && code !== 0x200c) return false;
  const around = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{M}\u0900-\u0dff\u0600-\u06ff]/u;
  return at > 0 && at + 1 < points.length && around.test(points[at - 1]) && around.test(points[at + 1]);
}

/** Pieces of a text: {text} to show as it is, {control, text} for a character that is named instead, {left: n} for n
 * combining marks that were left out. Together they tell of every code point. */
export function pieces(text) {
  const points = Array.isArray(text) ? text : Array.from(text);
  const found = [];
  let plain = "";
  let marks = 0;
  let left = 0;
  const flush = () => {
    if (plain) found.push({ text: plain });
    plain = "";
    if (left) found.push({ left });
    left = 0;
  };
  for (let at = 0; at < points.length; at++) {
    const character = points[at];
    if (MARK.test(character)) {
      marks += 1;
      if (marks > MOST_MARKS) {
        left += 1;
        continue;
      }
    } else {
      marks = 0;
      if (left) flush();
    }
    const name = control(character);
    if (name === null || joins(points, at)) plain += character;
    else {
      flush();
      found.push({ control: name, text: character });
    }
  }
  flush();
  return found;
}

/** A text on one line, as plain characters, for titles and announcements: controls named, at most `most` code points. */
export function line(text, most = 80) {
  const points = Array.from(String(text));
  const cut = points.length > most;
  const shown = pieces(cut ? points.slice(0, most) : points)
    .map((piece) => (piece.control ? `⟨${piece.control}⟩` : (piece.text ?? "")))
    .join("")
    .replace(/\s+/g, " ");
  return cut ? `${shown}…` : shown;
}

/** Stretches of a text of code points: [{start, end, marks}] in order, cut where a mark begins or ends.
 * `marks`: [{start, end, …}] in code points; what lies outside of the text is cut off. */
export function stretches(length, marks) {
  const inside = marks
    .map((mark) => ({ mark, start: Math.max(0, mark.start), end: Math.min(length, mark.end) }))
    .filter((each) => each.start < each.end);
  const cuts = [...new Set([0, length, ...inside.flatMap((each) => [each.start, each.end])])].sort((a, b) => a - b);
  const found = [];
  for (let at = 0; at + 1 < cuts.length; at++) {
    const [start, end] = [cuts[at], cuts[at + 1]];
    found.push({ start, end, marks: inside.filter((each) => each.start <= start && each.end >= end).map((each) => each.mark) });
  }
  return found;
}
