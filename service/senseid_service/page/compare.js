// What a comparison of two photos answered.

import { element, score } from "./dom.js";
import { box, chip, count, figure, readPhoto } from "./picture.js";
import { banner, meaning, odds, scale } from "./scale.js";

/** What the service calls a photo, in the words of the form. */
function nameOf(image) {
  const further = /^further_image_(\d+)$/.exec(image);
  if (further) return `Photo ${Number(further[1]) + 1} of the first person`;
  return { first_image: "First photo", second_image: "Second photo" }[image] ?? "Photo";
}

const FEATURES = (features) => features.join(" and ");

function warning({ image, warning: kind, features, faces }) {
  const name = nameOf(image);
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
  const { details } = body;
  const photos = details ? [details.first_image, ...details.further_images, details.second_image] : blobs.map(() => null);
  const further = blobs.length - 2;
  const names = ["first_image", ...Array.from({ length: further }, (_, index) => `further_image_${index + 1}`), "second_image"].map(nameOf);
  const shown = await Promise.all(photos.map((photo, index) => taken(blobs[index], photo, names[index], kind)));
  const chips = shown.map((one) => one.chip).filter(Boolean);
  const number = element("p", { class: "number big" }, element("span", { class: "label", text: "Score" }), score(value));
  return [
    banner(kind, match ? "Match" : "No match", match ? "Taken for the same person." : "Not taken for the same person.", meaning(value), further ? `One score for ${further + 1} photos of the first person.` : ""),
    element("div", { class: `pair ${kind}` }, element("div", { class: "chips" }, ...chips.slice(0, -1)), number, ...chips.slice(-1)),
    scale(value, threshold),
    element("p", { class: "note", text: `The threshold of ${threshold.toFixed(2)} is reached by ${odds(threshold)} strangers.` }),
    ...doubts(body),
    element("div", { class: "figures" }, ...shown.map((one) => one.figure)),
  ];
}
