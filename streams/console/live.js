// The stream of decisions: one connection a page, opened again whenever it is lost, and never more than the page needs.
//
// A hidden page gives its connection up after a while (a browser has few of them for one server) and asks for what it
// missed when it is looked at again.

import { get } from "./api.js";

const HIDDEN_MS = 20_000;
const SILENT_MS = 25_000;
/** Counts come every 2 s: silence means that the connection is dead. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;

/** States: "connecting", "live", "lost". */
export class Live extends EventTarget {
  constructor() {
    super();
    this.state = "connecting";
    this.since = Date.now();
    this.now = null;
    this.heard = 0;
    this._after = null;
    this._source = null;
    this._retry = FIRST_RETRY_MS;
    this._timers = {};
    this._running = false;
  }

  /** Opens the stream; what came before is not told. */
  start() {
    if (this._running) return;
    this._running = true;
    this._visible = () => this._onVisible();
    this._offline = () => this._lose();
    this._online = () => this._open();
    document.addEventListener("visibilitychange", this._visible);
    addEventListener("offline", this._offline);
    addEventListener("online", this._online);
    this._watch = setInterval(() => {
      if (this._source && Date.now() - this.heard > SILENT_MS) this._lose();
    }, 5000);
    this._open();
  }

  /** Ends it. */
  stop() {
    this._running = false;
    document.removeEventListener("visibilitychange", this._visible);
    removeEventListener("offline", this._offline);
    removeEventListener("online", this._online);
    clearInterval(this._watch);
    this._close();
    for (const timer of Object.values(this._timers)) clearTimeout(timer);
  }

  /** Reads the counts again, at once. */
  async refresh() {
    this._counts(await get("/v1/now"));
  }

  _open() {
    clearTimeout(this._timers.retry);
    this._close();
    this._set(this.state === "lost" ? "lost" : "connecting");
    this.heard = Date.now();
    const source = new EventSource(this._after === null ? "/v1/feed/stream" : `/v1/feed/stream?after=${this._after}`);
    this._source = source;
    source.addEventListener("open", () => {
      this._retry = FIRST_RETRY_MS;
      this._set("live");
    });
    source.addEventListener("decision", (event) => this._hear(event, (item) => this._tell("decision", item)));
    source.addEventListener("now", (event) => this._hear(event, (counts) => this._counts(counts)));
    source.addEventListener("gap", (event) => this._hear(event, (gap) => this._tell("gap", gap)));
    source.addEventListener("error", () => this._lose());
  }

  _hear(event, take) {
    this.heard = Date.now();
    this._set("live");
    this.reached(Number(event.lastEventId || NaN));
    take(JSON.parse(event.data));
  }

  _counts(counts) {
    this.now = { ...this.now, ...counts };
    this._tell("now", this.now);
  }

  /** Where the page has come to: what is after it, the stream tells when it is opened again. */
  reached(seq) {
    if (seq > (this._after ?? -1)) this._after = seq;
  }

  _lose() {
    this._close();
    this._set("lost");
    if (!this._running || document.hidden) return;
    clearTimeout(this._timers.retry);
    this._timers.retry = setTimeout(() => {
      // The stream does not say why it failed; a call does, and leads to the login where the session has ended.
      get("/v1/session").then(() => this._open(), (problem) => { if (problem.status !== 401) this._lose(); });
    }, this._retry);
    this._retry = Math.min(LONGEST_RETRY_MS, this._retry * 2);
  }

  _close() {
    this._source?.close();
    this._source = null;
  }

  _onVisible() {
    clearTimeout(this._timers.hidden);
    if (document.hidden) {
      this._timers.hidden = setTimeout(() => this._close(), HIDDEN_MS);
    } else if (!this._source) {
      this._retry = FIRST_RETRY_MS;
      this._open();
    }
  }

  _set(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this._tell("state", state);
  }

  _tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
