// Calls of the API. The cookie of the session goes along by itself; a header says that it was this page that asked.

/** A call that failed: `status` 0 when the server could not be reached, `code` one of the API's words. */
export class Problem extends Error {
  constructor(status, code, title, detail, retryAfter) {
    super(detail || title);
    Object.assign(this, { status, code, title, detail, retryAfter });
  }
}

let loggedOut = () => {};

/** Calls `handler` whenever the server says that nobody is logged in. */
export function onLoggedOut(handler) {
  loggedOut = handler;
}

async function call(method, path, body, { signal, quiet = false } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      credentials: "same-origin",
      headers: { Accept: "application/json", "Warden-Request": "1", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "offline", "The server cannot be reached", "", null);
  }
  if (response.status === 204) return null;
  const text = await response.text();
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    // an answer that is no JSON says nothing more than its status
  }
  if (response.ok) return value;
  if (response.status === 401 && !quiet) loggedOut();
  const retry = Number(response.headers.get("Retry-After")) || null;
  throw new Problem(response.status, value?.code ?? "http", value?.title ?? response.statusText, value?.detail ?? "", retry);
}

/** The path with parameters; those that are empty are left out. */
export function pathOf(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

export const get = (path, parameters, options) => call("GET", pathOf(path, parameters), undefined, options);
export const post = (path, body, options) => call("POST", path, body, options);
export const remove = (path) => call("DELETE", path);

/** A new id for something that may be sent twice and must count once: a UUID. (`crypto.randomUUID` needs TLS.) */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
