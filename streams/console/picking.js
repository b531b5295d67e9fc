// One item of a list that the keys are about: j and k move it, and it is in view and in focus.

export class Picking {
  /** `list`: an element whose children are the items, focusable by script. `picked`, `open`: called with the item's
   * element when it is moved to, and when it is opened. */
  constructor(list, { picked = () => {}, open = () => {} } = {}) {
    this.list = list;
    this.picked = picked;
    this.open = open;
    this.current = null;
  }

  /** Whether an item is picked and still there. */
  get active() {
    if (this.current && !this.current.isConnected) this.clear();
    return this.current !== null;
  }

  /** Does what a key asks for - a word of keyboard.js -, and says whether that was about the list. */
  key(what) {
    if (what === "next") this.move(1);
    else if (what === "previous") this.move(-1);
    else if (what === "open" && this.active) this.open(this.current);
    else return false;
    return true;
  }

  /** To the next (1) or previous (-1) item; from none, to the first. */
  move(step) {
    const items = [...this.list.children];
    if (!items.length) return;
    const at = this.active ? items.indexOf(this.current) : -1;
    this.pick(items[Math.max(0, Math.min(items.length - 1, at + step))] ?? items[0]);
  }

  /** To this item. */
  pick(item, { focus = true } = {}) {
    this.current?.removeAttribute("aria-current");
    this.current = item;
    item.setAttribute("aria-current", "true");
    if (focus) {
      item.focus({ preventScroll: true });
      item.scrollIntoView({ block: "nearest" });
    }
    this.picked(item);
  }

  /** To none. */
  clear() {
    this.current?.removeAttribute("aria-current");
    this.current = null;
  }
}
