// A verdict, and the score on its scale.

import { element, icon, place, score } from "./dom.js";

// Beyond it the curve is extrapolated, so nothing finer is said.
const FINEST = 0.9;
const TICKS = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** How many strangers reach a score: the calibration's promise, 10^-((s - 0.3) / 0.1). */
export function odds(value) {
  const rate = Math.min(1, 10 ** ((0.3 - Math.min(value, FINEST)) * 10));
  return `1 in ${Number((1 / rate).toPrecision(2)).toLocaleString("en")}`;
}

/** What a score means, in words. */
export function meaning(value) {
  if (value >= FINEST) return `Fewer than ${odds(FINEST)} strangers reach this score.`;
  return value > 0.35 ? `About ${odds(value)} strangers reach this score.` : "Most strangers reach this score.";
}

/** The verdict at the head of a result; `kind` is yes, no or refused. */
export function banner(kind, title, ...texts) {
  const shown = texts.filter(Boolean).map((text) => element("p", { text }));
  return element("div", { class: `banner ${kind}` }, icon(kind), element("div", {}, element("p", { class: "verdict", text: title }), ...shown));
}

/** A bar from 0 to 1 with the score and the threshold; `ticks` adds how many strangers reach what. */
export function scale(value, threshold, { name = "Score", ticks = true } = {}) {
  const yes = value >= threshold;
  const label = `${name} ${score(value)} on a scale from 0 to 1. The threshold is ${threshold.toFixed(2)}: the score is ${yes ? "above" : "below"} it.`;
  const bar = element("div", { class: "bar" },
    place(element("div", { class: "above" }), { left: threshold }),
    place(element("div", { class: "line" }), { left: threshold }),
    place(element("div", { class: "marker" }), { left: Math.min(value, 1) }));
  const mark = place(element("div", { class: "flag", text: `threshold ${threshold.toFixed(2)}` }), { left: threshold });
  mark.classList.toggle("left", threshold > 0.6);
  const marks = ticks ? TICKS.map((tick) => place(element("div", { class: tick === 0.5 || tick === 0.6 || tick === 0.8 ? "tick minor" : "tick" },
    element("span", { text: tick.toFixed(1) }), element("span", { class: "odds", text: short(tick) })), { left: tick })) : [];
  return element("div", { class: `scale ${yes ? "yes" : "no"}`, role: "img", "aria-label": label }, mark, bar, element("div", { class: "ticks" }, ...marks));
}

/** `1 in 10 k`, where there is little room. */
function short(tick) {
  const rate = 10 ** Math.round((tick - 0.3) * 10);
  return rate >= 1e6 ? `1 in ${rate / 1e6} M` : rate >= 1e3 ? `1 in ${rate / 1e3} k` : `1 in ${rate}`;
}
