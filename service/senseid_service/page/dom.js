// Small helpers for elements; text never becomes markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** What the user is told when a try cannot be made. */
export class Refusal extends Error {}

function fill(made, { text, ...attributes }, children) {
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An element with text, attributes and children. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An element of a drawing. */
export function drawn(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Places an element in its parent, in percent; the policy of the page forbids style attributes, not this. */
export function place(made, sides) {
  for (const [side, share] of Object.entries(sides)) made.style[side] = `${100 * share}%`;
  return made;
}

/** An icon of index.html, which says nothing to a screen reader. */
export function icon(name) {
  return drawn("svg", { class: "icon", "aria-hidden": "true", viewBox: "0 0 24 24" }, drawn("use", { href: `#icon-${name}` }));
}

/** Says something to whoever does not see what changed. */
export function announce(text) {
  byId("announce").textContent = text;
}

/** A table that scrolls by itself where it is too wide, and by keyboard. */
export function scrolling(label, table) {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
}

export const score = (value) => (Math.floor(value * 10000 + 1e-9) / 10000).toFixed(4);

export const capital = (text) => `${text[0].toUpperCase()}${text.slice(1)}`;
