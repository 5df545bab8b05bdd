// What a comparison of every face with every other answered.

import { element, score, scrolling } from "./dom.js";
import { box, chip, count, figure, readPhoto } from "./picture.js";
import { banner, odds } from "./scale.js";

const LETTERS = "AB";

export async function showOmni(body, { blobs, threshold }) {
  const rects = [body.face_rects.first_image_face_rects, body.face_rects.second_image_face_rects];
  const told = body.details ? [body.details.first_image, body.details.second_image] : [null, null];
  const photos = await Promise.all(told.map((photo, index) => readPhoto(blobs[index], photo)));
  const matches = body.scores.flatMap((row, i) => row.map((value, j) => ({ value, i, j }))).filter(({ value }) => value >= threshold);
  const matched = [new Set(matches.map(({ i }) => i)), new Set(matches.map(({ j }) => j))];
  const figures = photos.map((photo, side) => {
    const name = `Photo ${LETTERS[side]}`;
    const boxes = rects[side].map((rect, index) => box(rect, `${LETTERS[side]}${index + 1}`, matched[side].has(index) ? "yes" : "plain", photo));
    return figure(photo, boxes, `${name}: ${count(rects[side])}, ${matched[side].size} with a match`, `${name}: ${count(rects[side])}`);
  });
  const head = (side, index) => [chip(photos[side], rects[side][index]), element("span", { text: `${LETTERS[side]}${index + 1}` })];
  const columns = rects[1].map((_, index) => element("th", { scope: "col" }, ...head(1, index)));
  const rows = body.scores.map((row, index) => element("tr", {}, element("th", { scope: "row" }, ...head(0, index)), ...row.map((value) => {
    const match = value >= threshold;
    return element("td", { class: match ? "number match" : "number", text: `${score(value)}${match ? " ✓" : ""}` });
  })));
  const legend = element("p", { class: "note", id: "omni-legend", text: `✓ is a match at ${threshold.toFixed(2)}, which ${odds(threshold)} strangers reach.` });
  const table = element("table", { class: "matrix", "aria-describedby": "omni-legend" },
    element("thead", {}, element("tr", {}, element("td"), ...columns)), element("tbody", {}, ...rows));
  const pairs = rects[0].length * rects[1].length;
  const title = matches.length === 0 ? "No match" : matches.length === 1 ? "1 match" : `${matches.length} matches`;
  const who = matches.slice(0, 3).map(({ i, j }) => `A${i + 1} and B${j + 1}`).join(", ");
  return [
    banner(matches.length ? "yes" : "no", title, matches.length ? `${who}${matches.length > 3 ? " and others" : ""}: taken for the same person.` : "Nobody of one photo is taken for somebody of the other.", `${pairs} ${pairs === 1 ? "pair" : "pairs"} compared.`),
    legend,
    scrolling("Scores of all pairs", table),
    element("div", { class: "figures" }, ...figures),
  ];
}
