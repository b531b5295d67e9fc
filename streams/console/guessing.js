// What somebody typed into the playground is taken as: pure functions.

export const MAX_TEXT = 20_000;
export const MAX_HTML = 200_000;

/** "text", "url", "html" or "event". */
export function guess(input) {
  const text = input.trim();
  if (/^https?:\/\/\S+$/i.test(text)) return "url";
  if (text.startsWith("{")) return "event";
  if (/^<(!doctype|html|head|body|div|p|meta|script|a|span)\b/i.test(text)) return "html";
  return "text";
}

/** {body} for POST /v1/explain, or {problem: key, values}; null for nothing to explain. */
export function request(input, as = "auto") {
  if (!input.trim()) return null;
  const kind = as === "auto" ? guess(input) : as;
  const most = kind === "html" ? MAX_HTML : MAX_TEXT;
  const length = Array.from(input).length;
  if (length > most) return { kind, problem: "explain.long", values: { n: length, most } };
  if (kind !== "event") return { kind, body: { [kind]: kind === "text" ? input : input.trim() } };
  try {
    const event = JSON.parse(input);
    if (event === null || typeof event !== "object" || Array.isArray(event)) return { kind, problem: "explain.bad_json", values: { why: "{…}" } };
    return { kind, body: { event } };
  } catch (error) {
    return { kind, problem: "explain.bad_json", values: { why: error.message } };
  }
}
