// A list that grows downwards, page by page, newest first, and whose items the keys move through.

import { get } from "./api.js";
import { el, fill } from "./dom.js";
import { t } from "./language.js";
import { Picking } from "./picking.js";
import { empty, failed, loading } from "./parts.js";

const PAGE = 30;

export class Listing {
  /** `path`: of the API, which answers {items, oldest}; `row(item)`: its element; `classes`: of the list; `go(row)`: what
   * opening an item does; `empty(filters)`: what is said when there is nothing; `end`: the words for the end. */
  constructor(app, { path, row, classes, go, empty: nothing, end = "feed.end" }) {
    app.place = "list";
    Object.assign(this, { path, row, nothing, end, filters: {}, oldest: null, turn: 0 });
    this.list = el("ol", { class: classes });
    this.after = el("div", { class: "after" });
    this.picking = new Picking(this.list, { open: go });
  }

  /** The list, and what stands below it. */
  get nodes() {
    return [this.list, this.after];
  }

  /** Shows what passes the filters, from the newest on. */
  show(filters) {
    this.filters = filters;
    this.oldest = null;
    this.list.replaceChildren();
    this.picking.clear();
    this.more();
  }

  async more() {
    const mine = ++this.turn;
    fill(this.after, loading());
    try {
      const answer = await get(this.path, { limit: PAGE, before: this.oldest, ...this.filters });
      if (mine !== this.turn) return;
      this.oldest = answer.oldest;
      this.list.append(...answer.items.map(this.row));
      fill(this.after, this.oldest !== null ? el("button", { type: "button", on: { click: () => this.more() } }, t("feed.older"))
        : this.list.childElementCount ? el("p", { class: "dim" }, t(this.end)) : empty(this.nothing(this.filters)));
    } catch (problem) {
      if (mine === this.turn) fill(this.after, failed(problem, () => this.more()));
    }
  }

  key(what) {
    return this.picking.key(what);
  }

  close() {
    this.turn += 1;
  }
}
