// What a check of a video answered: the verdict, its frames over time, and the evidence that decided.

import { capital, drawn, element, place, score, scrolling } from "./dom.js";
import { doubts, taken } from "./compare.js";
import { edges } from "./picture.js";
import { banner, meaning, scale } from "./scale.js";

const STATUSES = {
  ok: "A living person stands before the camera.",
  hack: "It looks like a photo, a screen or a recording that is held before the camera.",
  short_time: "The face is seen for less than two seconds, or in fewer than six frames a second, which is too little to tell.",
};
const EVIDENCE = {
  stills: "look of the frames", non_rigid: "bending of the face", texture_change: "change of the skin",
  texture_evenness: "picture after picture",
  blend_residual: "fading from picture to picture", recurrence_distance: "coming back to the same picture",
};

/** Frames over time: a dot each, and the line that all of them together must reach. */
function timeline(details) {
  const { frames, stills_needed: needed, selected } = details;
  const mean = details.evidence.find(({ name }) => name === "stills")?.value;
  const span = Math.max(1, ...frames.map(({ timestamp }) => timestamp), ...selected.map(({ timestamp }) => timestamp));
  const points = frames.map(({ timestamp, bona_fide: share }) => [timestamp / span, share]);
  const path = drawn("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
    drawn("polyline", { points: points.map(([x, y]) => `${100 * x},${100 - 100 * y}`).join(" ") }));
  const dots = points.map(([x, y]) => place(element("i", { class: `dot ${needed !== null && y >= needed ? "yes" : "no"}` }), { left: x, bottom: y }));
  const chosen = selected.map(({ timestamp }, index) => place(element("i", { class: "pick", "data-frame": index + 1 }), { left: timestamp / span }));
  const text = needed === null ? "no look of the frames would do: the rest of the evidence outweighs it" : `the frames together must reach ${needed.toFixed(2)}`;
  const line = needed === null ? [] : [
    place(element("i", { class: "need" }), { bottom: needed }),
    place(element("span", { class: needed > 0.5 ? "flag under" : "flag", text: "needed" }), { bottom: needed }),
  ];
  const plot = element("div", { class: "plot" }, path, ...line, ...chosen, ...dots);
  const seconds = Array.from({ length: Math.floor(span) + 1 }, (_, second) => second).filter((second) => second % Math.max(1, Math.round(span / 6)) === 0);
  const axis = element("div", { class: "seconds" }, ...seconds.map((second) => place(element("span", { text: `${second} s` }), { left: second / span })));
  const said = `${frames.length} frames over ${span.toFixed(1)} seconds; together they look ${mean === undefined ? "unclear" : mean.toFixed(2)} of 1 like a face and not like a picture of one, and ${text}.`;
  return element("section", {}, element("h3", { text: "Frames over time" }),
    element("div", { class: "timeline", role: "img", "aria-label": said }, element("div", { class: "levels" }, element("span", { text: "face" }), element("span", { text: "picture" })), plot, axis),
    element("p", { class: "note", text: `${capital(said)} Upright lines are the selected frames.` }));
}

/** The selected frames, each with the face and a way to it in the video. */
function frames(details, video, passed) {
  const seconds = details.selected.map(({ timestamp, face_rect: rect, base64_image: data }, index) => {
    const over = drawn("svg", { viewBox: `0 0 ${details.width} ${details.height}`, "aria-hidden": "true" },
      drawn("g", { class: `face taken ${passed ? "yes" : "no"}` }, ...edges(rect, { width: details.width / 2, height: details.height / 2 })));
    const caption = `${index ? "" : "best portrait, "}${timestamp.toFixed(2)} s`;
    const picture = element("div", { class: "picture" }, element("img", { src: `data:image/jpeg;base64,${data}`, alt: `Frame at ${timestamp.toFixed(2)} seconds` }), over);
    picture.style.aspectRatio = `${details.width} / ${details.height}`;
    const button = element("button", { type: "button", class: "frame", "aria-label": `Show the video at ${timestamp.toFixed(2)} seconds` }, picture);
    button.addEventListener("click", () => {
      if (!video) return;
      video.currentTime = timestamp;
      video.scrollIntoView({ block: "nearest" });
    });
    return element("figure", {}, button, element("figcaption", { text: caption }));
  });
  return element("section", {}, element("h3", { text: "Selected frames" }), element("div", { class: "frames" }, ...seconds));
}

/** One bar per piece of evidence: to the right for a living person, to the left for an attack. */
function evidence(details, passed) {
  const most = Math.max(...details.evidence.map(({ weight }) => Math.abs(weight))) || 1;
  const rows = details.evidence.map(({ name, value, weight }, index) => {
    const bar = element("i", { class: weight >= 0 ? "yes" : "no" });
    place(bar, weight >= 0 ? { left: 0.5, width: weight / most / 2 } : { left: 0.5 + weight / most / 2, width: -weight / most / 2 });
    return element("tr", index ? {} : { class: "first" }, element("th", { scope: "row", text: EVIDENCE[name] ?? name }), element("td", { class: "number", text: Number(value.toPrecision(3)).toString() }),
      element("td", { class: "weight" }, element("span", { class: "track" }, bar)), element("td", { class: "number", text: `${weight >= 0 ? "+" : "−"}${Math.abs(weight).toFixed(2)}` }));
  });
  const head = [["Evidence", {}], ["Value", {}], ["attack  ·  living", { class: "weight" }], ["Weight", {}]].map(([text, given]) => element("th", { scope: "col", text, ...given }));
  const first = details.evidence[0];
  return element("section", {}, element("h3", { text: "What decided" }),
    element("p", { class: "note", text: `Most of all: ${EVIDENCE[first.name] ?? first.name}, which speaks for ${first.weight >= 0 ? "a living person" : "an attack"}. The weights add up to the score${passed ? "" : ", which does not reach the threshold"}.` }),
    scrolling("Evidence", element("table", { class: "evidence" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows))),
    element("p", { class: "note", text: `Out of reach: ${details.out_of_reach}.` }));
}

export async function showLiveness(body, { blobs, threshold, video }) {
  const { details, passed } = body;
  const shown = [banner(passed ? "yes" : "no", passed ? "Live" : "Not live", STATUSES[body.liveness_status] ?? "")];
  const photo = blobs[1] ? await verification(body, blobs[1], threshold) : [];
  shown.push(...photo);
  if (details) {
    shown.push(element("h3", { text: "Liveness score" }), scale(body.liveness_score, details.threshold, { name: "Liveness score", ticks: false }),
      element("p", { class: "note", text: `Liveness score ${score(body.liveness_score)}; from ${details.threshold.toFixed(2)} on a person counts as living. The face is seen for ${details.face_seconds.toFixed(1)} seconds, in ${details.frames_looked_at} frames looked at.` }));
  } else {
    shown.push(element("p", { text: `Liveness score ${score(body.liveness_score)}.` }));
  }
  if (details) shown.push(frames(details, video, passed), timeline(details), evidence(details, passed));
  else shown.push(...pictures(body));
  return shown;
}

async function verification(body, photo, threshold) {
  const value = body.verification_score;
  const match = value !== undefined && value >= threshold;
  const kind = match ? "yes" : "no";
  const { figure } = await taken(photo, body.details?.image ?? null, "Photo", kind);
  const told = value === undefined
    ? [banner("no", "Not compared", "Nobody is compared who is not shown to be living.")]
    : [banner(kind, match ? "Match with the photo" : "No match with the photo", meaning(value)), scale(value, threshold, { name: "Verification score" })];
  return [...told, ...doubts(body), element("div", { class: "figures" }, figure)];
}

/** What the API alone gives. */
function pictures(body) {
  const named = [["base64_image", `selected frame, at ${body.image_timestamp?.toFixed(2)} s`], ["base64_face_image", "its face"]];
  const figures = named.filter(([name]) => body[name]).map(([name, caption]) => element("figure", {},
    element("img", { src: `data:image/jpeg;base64,${body[name]}`, alt: caption }), element("figcaption", { text: caption })));
  return figures.length ? [element("div", { class: "figures" }, ...figures)] : [];
}
