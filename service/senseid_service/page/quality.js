// What a check of a photo's quality answered: whether it passes, what to do, and where on the photo.

import { capital, drawn, element, scrolling } from "./dom.js";
import { around, box, count, figure, readPhoto } from "./picture.js";
import { banner } from "./scale.js";

const MEASURES = {
  yaw: "turned to the side", pitch: "nodding", roll: "tilted", left_eye: "left eye free", right_eye: "right eye free", nose: "nose free",
  mouth: "mouth free", total: "face free", distance2center: "near the centre", size: "share of the photo", brightness: "brightness, 0 is right",
  sharpness: "sharpness", mouth_open: "mouth closed", eyes_open: "eyes open", integrity: "inside the photo", eye_distance: "between the eyes, pixels",
  overall: "overall", faces: "faces",
};
const DEGREES = new Set(["yaw", "pitch", "roll"]);
const REGIONS = { left_eye: "left eye", right_eye: "right eye", nose: "nose", mouth: "mouth" };
const PURPOSES = { enrol: "to keep and compare with for years", verify: "to compare with one that is kept" };

function number(name, value) {
  if (DEGREES.has(name)) return `${value.toFixed(1)}°`;
  return name === "faces" ? String(value) : value.toFixed(name === "eye_distance" ? 1 : 3);
}

function limits(name, [least, most]) {
  const unit = DEGREES.has(name) ? "°" : "";
  if (least !== null && most !== null) return `${least}${unit} to ${most}${unit}`;
  return least !== null ? `${least}${unit} or more` : `${most}${unit} or less`;
}

/** Landmarks as dots, and the outline of each region; what is covered is filled. */
function marks({ landmarks, regions }, [left, top, right, bottom]) {
  const radius = Math.max(right - left, bottom - top) / 150;
  return [
    ...regions.map(({ outline, covered }) => drawn("polygon", { class: covered ? "region covered" : "region free", "stroke-width": radius, points: outline.map((point) => point.join(",")).join(" ") })),
    ...landmarks.map(([cx, cy]) => drawn("circle", { class: "landmark", cx, cy, r: radius, "stroke-width": radius / 4 })),
  ];
}

function table(face, index, policy, several) {
  const failed = new Set(policy.failures.filter((failure) => failure.face === index + 1).map(({ measure }) => measure));
  const judged = policy.faces === "every" || index === 0;
  const rows = Object.entries(face.measures).map(([name, value]) => {
    const limit = judged ? policy.limits[name] : undefined;
    const bad = failed.has(name);
    return element("tr", limit ? { class: bad ? "bad" : "good" } : {}, element("th", { scope: "row", text: MEASURES[name] ?? name }),
      element("td", { class: "number", text: number(name, value) }), element("td", { text: limit ? limits(name, limit) : "" }),
      element("td", { class: "mark" }, ...(limit ? [bad ? "✗" : "✓", element("span", { text: bad ? " fails" : " passes" })] : [])));
  });
  const head = ["Measure", "Value", "Needed", "Result"].map((text) => element("th", { scope: "col", text }));
  return element("table", {}, element("caption", { text: `${several ? `Face ${index + 1}` : "Every measure"}${judged ? "" : ", which is not judged"}` }),
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
}

function reasons(policy, several) {
  return element("ul", { class: "reasons" }, ...policy.failures.map(({ face, measure, value, limit, advice }) => element("li", {},
    element("strong", { text: capital(advice) }),
    element("span", { text: `${several && face ? `Face ${face}: ` : ""}${MEASURES[measure] ?? measure} ${number(measure, value)}, ${limit}` }))));
}

const LEGEND = [["box", "face"], ["free", "seen"], ["covered", "covered"], ["landmark", "landmarks"]];

function legend() {
  return element("ul", { class: "legend" }, ...LEGEND.map(([kind, text]) => element("li", { class: kind, text })));
}

/** Without details, of an API whose workers tell none: the values alone. */
function plain(faces) {
  const names = ["distance2center", "size", "brightness", "sharpness", "mouth_open", "integrity"];
  return faces.map((face) => ({ measures: { ...face.pose, ...face.occlusion, ...Object.fromEntries(names.map((name) => [name, face[name]])) } }));
}

export async function showQuality(body, { blobs, policy: wanted }) {
  const rects = body.faces.map(({ rect }) => [rect.left, rect.top, rect.right, rect.bottom]);
  const several = rects.length > 1;
  const { details } = body;
  const photo = await readPhoto(blobs[0], details?.image);
  const enlarged = around(photo, rects[0]);
  const faces = details?.faces ?? plain(body.faces);
  const policy = details?.policies.find(({ name }) => name === wanted) ?? { name: wanted, faces: "largest", limits: {}, failures: [] };
  const failing = new Set(policy.failures.map(({ face }) => (face ?? 1) - 1));
  const drawing = (part) => rects.map((rect, index) => {
    const kind = !details || (policy.faces !== "every" && index) ? "plain" : failing.has(index) ? "no" : "yes";
    return drawn("g", {}, ...(details ? marks(faces[index], rect) : []), box(rect, several ? `${index + 1}` : "", kind, part));
  });
  const covered = (details ? faces : []).flatMap(({ regions }, index) => regions.filter((one) => one.covered).map(({ name }) => `${several ? `face ${index + 1}: ` : ""}${REGIONS[name]}`));
  const caption = `${count(rects)}${several ? ", the largest first" : ""}. ${covered.length ? `Covered: ${covered.join(", ")}.` : "Nothing is covered."}`;
  const found = details
    ? [banner(policy.pass ? "yes" : "no", policy.pass ? "Passes" : "Fails", `As a photo ${PURPOSES[policy.name] ?? "to use"} (policy ${policy.name}).`, policy.pass ? "" : "What to do about it:"), ...(policy.pass ? [] : [reasons(policy, several)])]
    : [banner("done", "Measured", "This service tells no reasons.")];
  return [
    ...found,
    element("div", { class: "figures single" }, figure(photo, drawing(photo), `Photo: ${caption}`, caption),
      ...(enlarged.width < photo.width / 1.5 ? [figure(enlarged, drawing(enlarged), "The same, enlarged", `${several ? "Face 1" : "The face"}, enlarged`)] : [])),
    ...(details ? [legend()] : []),
    ...faces.map((face, index) => scrolling(`Measures of face ${index + 1}`, table(face, index, policy, several))),
  ];
}
