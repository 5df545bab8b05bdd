// What a comparison of two photos answered.

import { element, score } from "./dom.js";
import { box, chip, count, figure, readPhoto } from "./picture.js";
import { banner, meaning, odds, scale } from "./scale.js";

const NAMES = ["First photo", "Second photo"];
const FEATURES = (features) => features.join(" and ");

function warning({ image, warning: kind, features, faces }) {
  const name = image === "first_image" ? NAMES[0] : image === "second_image" ? NAMES[1] : "Photo";
  if (kind === "several_faces") return `${name}: ${faces} faces, and the second is nearly as large. The one in the box was taken.`;
  return kind === "face_covered" ? `${name}: covered are the ${FEATURES(features)}. The score counts for less.` : `${name}: ${kind}`;
}

/** What is in doubt, as a list; empty where nothing is. */
export function doubts(body) {
  return body.warnings ? [element("ul", { class: "doubts" }, ...body.warnings.map((one) => element("li", { text: warning(one) })))] : [];
}

/** A photo with its faces, the one that was taken marked, and that face alone. */
export async function taken(blob, photo, name, kind) {
  const read = await readPhoto(blob, photo);
  const rects = photo?.face_rects ?? [];
  const several = rects.length > 1;
  // The taken one last: it lies above the others.
  const boxes = rects.map((rect, index) => box(rect, !index && several ? "taken" : "", index ? "other" : `taken ${kind}`, read)).reverse();
  const caption = rects.length ? `${name}: ${count(rects)}${several ? ", the largest was taken" : ""}` : name;
  return { figure: figure(read, boxes, caption, caption), chip: rects.length ? chip(read, rects[0]) : null };
}

export async function showCompare(body, { blobs, threshold }) {
  const value = body.verification_score;
  const match = value >= threshold;
  const kind = match ? "yes" : "no";
  const photos = body.details ? [body.details.first_image, body.details.second_image] : [null, null];
  const shown = await Promise.all(photos.map((photo, index) => taken(blobs[index], photo, NAMES[index], kind)));
  const chips = shown.map((one) => one.chip);
  const number = element("p", { class: "number big" }, element("span", { class: "label", text: "Score" }), score(value));
  return [
    banner(kind, match ? "Match" : "No match", match ? "Taken for the same person." : "Not taken for the same person.", meaning(value)),
    element("div", { class: `pair ${kind}` }, ...(chips[0] ? [chips[0]] : []), number, ...(chips[1] ? [chips[1]] : [])),
    scale(value, threshold),
    element("p", { class: "note", text: `The threshold of ${threshold.toFixed(2)} is reached by ${odds(threshold)} strangers.` }),
    ...doubts(body),
    element("div", { class: "figures" }, ...shown.map((one) => one.figure)),
  ];
}
