// Elements, made of text and other elements only: nothing here, or anywhere else, reads markup.

/** An element. `props`: `class`, `on` (event -> handler), `data`, anything else an attribute; null and false leave it out.
 * Children are elements, strings, numbers, lists of them, or null. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [type, handler] of Object.entries(value)) node.addEventListener(type, handler);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "value") node.value = value;
    else node.setAttribute(name === "class" ? "class" : name, value === true ? "" : String(value));
  }
  add(node, children);
  return node;
}

/** Appends children to a node. */
export function add(node, children) {
  for (const child of [children].flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child instanceof Node ? child : String(child));
  }
  return node;
}

/** Puts children in the place of all that a node had. */
export function fill(node, ...children) {
  node.replaceChildren();
  return add(node, children);
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of SVG. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return add(node, children);
}

/** Calls `draw` once in the next frame, however often it is asked for meanwhile. Hidden pages have no frames. */
export function framed(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
