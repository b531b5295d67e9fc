// Addresses of pages, behind the #: pure functions.

/** {page, name, query} of a hash such as "#/subject/domain:quiz.example?older". Names are encoded whole. */
export function parse(hash) {
  const text = hash.replace(/^#\/?/, "");
  const at = text.indexOf("?");
  const path = at < 0 ? text : text.slice(0, at);
  const query = new URLSearchParams(at < 0 ? "" : text.slice(at + 1));
  const slash = path.indexOf("/");
  const page = slash < 0 ? path : path.slice(0, slash);
  let name = slash < 0 ? "" : path.slice(slash + 1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // not one of ours: taken as it stands
  }
  return { page: page || "now", name, query };
}

/** The hash of a page. */
export function to(page, name = "", query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const tail = given.length ? `?${new URLSearchParams(given)}` : "";
  const head = page === "now" ? "" : page;
  return `#/${head}${name ? `/${encodeURIComponent(name)}` : ""}${tail}`;
}
