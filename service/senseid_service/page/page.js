// The page for trying the service out. Media are encrypted here, in the service's wire format, before they are sent:
// Base64(AES-256-GCM ciphertext and tag), key and IV being the characters that the user typed.

const MEBIBYTE = 1024 * 1024;
const KINDS = {
  photo: { accept: "image/jpeg,image/png,image/bmp,image/gif,image/tiff", most: 5 * MEBIBYTE, hint: "JPEG, PNG, BMP, GIF or TIFF, up to 5 MB" },
  video: { accept: "video/*", most: 16 * MEBIBYTE, hint: "2 seconds or longer, up to 16 MB" },
};
const RECORD_SECONDS = 4;
const VIDEO_TYPES = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp8", "video/webm"];
// What each code of the service means to whoever tries it.
const HINTS = {
  401: "Enter the API key of this service.",
  413: "The photo or video is larger than this service takes.",
  429: "You are asking too often. Wait a moment.",
  503: "The service has too much to do. Try again in a few seconds.",
  1200: "If the photo itself is right, the key or the IV is not the one of the service.",
  2003: "A photo has 32 to 5000 pixels a side.",
  2004: "A photo has at most 5 MB, a video 16 MB.",
  2005: "The photo is damaged, or is none of JPEG, PNG, BMP, GIF and TIFF.",
  2008: "The video is damaged, or shorter than 2 seconds.",
  4000: "No face was found. Try a photo in which it is larger, brighter and seen from the front.",
  4004: "An eye, the nose or the mouth is covered.",
  4007: "No frame of the video shows a face that can be judged.",
};
const STATUSES = { ok: "A live person.", hack: "It may be a photo or a screen.", short_time: "The face is seen for less than 2 seconds." };

const byId = (id) => document.getElementById(id);

/** An element with text, attributes and children; text never becomes markup. */
function element(name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** What the user is told when a try cannot be made. */
class Refusal extends Error {}

// The key.

const secrets = { key: byId("key"), iv: byId("iv"), apiKey: byId("api-key") };
const LENGTHS = { key: 32, iv: 12 };

function isAscii(text) {
  return /^[\x20-\x7e]*$/.test(text);
}

function showKeyState() {
  for (const [name, length] of Object.entries(LENGTHS)) {
    const { value } = secrets[name];
    const wrong = value !== "" && (value.length !== length || !isAscii(value));
    secrets[name].classList.toggle("wrong", wrong);
    secrets[name].setAttribute("aria-invalid", String(wrong));
  }
  const lengths = Object.entries(LENGTHS).map(([name, length]) => secrets[name].value.length === length);
  byId("key-state").textContent = lengths.every(Boolean) ? "entered" : "not entered yet";
}

for (const input of Object.values(secrets)) input.addEventListener("input", showKeyState);
byId("show-secrets").addEventListener("change", (event) => {
  for (const input of Object.values(secrets)) input.type = event.target.checked ? "text" : "password";
});
byId("forget").addEventListener("click", () => {
  for (const input of Object.values(secrets)) input.value = "";
  showKeyState();
  secrets.key.focus();
});

async function importKey() {
  for (const [name, length] of Object.entries(LENGTHS)) {
    const { value } = secrets[name];
    if (value.length === length && isAscii(value)) continue;
    byId("secrets").open = true;
    secrets[name].focus();
    const what = name === "key" ? "key" : "IV";
    throw new Refusal(value ? `The ${what} has ${value.length} characters, it must have ${length}.` : `Enter the ${what} of the service first.`);
  }
  const bytes = new TextEncoder().encode(secrets.key.value);
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt"]);
}

/** The wire format of a photo or video. */
async function encrypt(blob, key) {
  const iv = new TextEncoder().encode(secrets.iv.value);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, tagLength: 128 }, key, await blob.arrayBuffer());
  return base64(new Blob([sealed]));
}

/** Base64 by the browser's own encoder, which takes 16 MB in a blink. */
function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Refusal("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}

// The pickers of photos and videos.

/** A field for one photo or video: a file, a drop, or the camera. */
class Picker {
  constructor(root) {
    const { name, kind, label, optional } = root.dataset;
    Object.assign(this, { root, name, kind, label, optional: optional !== undefined, blob: null, url: null });
    root.append(byId("picker").content.cloneNode(true));
    this.input = root.querySelector("input");
    this.preview = root.querySelector(".preview");
    this.clearButton = root.querySelector(".remove");
    root.querySelector(".name").textContent = label;
    root.querySelector(".hint").textContent = KINDS[kind].hint;
    this.input.accept = KINDS[kind].accept;
    this.input.addEventListener("change", () => this.take(this.input.files[0] ?? null));
    this.clearButton.addEventListener("click", () => { this.input.value = ""; this.take(null); this.input.focus(); });
    root.querySelector(".use-camera").setAttribute("aria-label", `Use the camera for: ${label}`);
    root.querySelector(".use-camera").addEventListener("click", () => openCamera(this));
    root.addEventListener("dragover", (event) => { event.preventDefault(); root.classList.add("over"); });
    root.addEventListener("dragleave", () => root.classList.remove("over"));
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("over");
      if (event.dataTransfer.files.length) this.take(event.dataTransfer.files[0]);
    });
  }

  take(blob) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.blob = blob;
    this.url = blob && URL.createObjectURL(blob);
    this.clearButton.hidden = !blob;
    this.preview.hidden = !blob;
    if (!blob) return this.preview.replaceChildren();
    const shown = this.kind === "photo"
      ? element("img", { src: this.url, alt: `${this.label}, as chosen` })
      : element("video", { src: this.url, controls: "", muted: "", playsinline: "", "aria-label": `${this.label}, as chosen` });
    // A TIFF, or an AVI: the service reads it, the browser cannot show it.
    shown.addEventListener("error", () => this.preview.replaceChildren(element("p", { text: `${blob.name ?? "The file"} is chosen; this browser cannot show it.` })));
    this.preview.replaceChildren(shown);
  }

  /** The chosen media, or null for an optional one. */
  chosen() {
    if (this.blob) {
      if (this.blob.size > KINDS[this.kind].most) throw new Refusal(`${this.label}: ${KINDS[this.kind].hint}. This one has ${(this.blob.size / MEBIBYTE).toFixed(1)} MB.`);
      if (this.blob.size === 0) throw new Refusal(`${this.label}: the file is empty.`);
      return this.blob;
    }
    if (this.optional) return null;
    this.input.focus();
    throw new Refusal(`${this.label}: choose a file or use the camera.`);
  }
}

// The camera.

const camera = { dialog: byId("camera"), video: byId("camera").querySelector("video"), take: byId("camera-take"), state: byId("camera-state"), stream: null, picker: null };

async function openCamera(picker) {
  camera.picker = picker;
  camera.take.disabled = true;
  camera.take.textContent = picker.kind === "photo" ? "Take the photo" : `Record ${RECORD_SECONDS} seconds`;
  camera.state.textContent = "Waiting for the camera…";
  camera.dialog.showModal();
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "user", width: { ideal: 640 }, height: { ideal: 480 } } });
    if (!camera.dialog.open) return stop(stream);
    camera.stream = camera.video.srcObject = stream;
    await camera.video.play();
    camera.take.disabled = false;
    camera.state.textContent = picker.kind === "photo" ? "" : "Look at the camera and keep your face inside the picture.";
  } catch (error) {
    camera.state.textContent = error.name === "NotAllowedError" ? "The browser was not allowed to use the camera." : "There is no camera that can be used.";
  }
}

function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

camera.dialog.addEventListener("close", () => {
  if (camera.stream) stop(camera.stream);
  camera.stream = camera.video.srcObject = null;
});
byId("camera-close").addEventListener("click", () => camera.dialog.close());
camera.take.addEventListener("click", async () => {
  camera.take.disabled = true;
  try {
    const blob = camera.picker.kind === "photo" ? await takePhoto() : await recordVideo();
    if (blob) {
      camera.picker.input.value = "";
      camera.picker.take(blob);
    }
    camera.dialog.close();
  } catch (error) {
    camera.state.textContent = error instanceof Refusal ? error.message : "The camera stopped.";
    camera.take.disabled = false;
  }
});

function takePhoto() {
  const canvas = element("canvas", { width: camera.video.videoWidth, height: camera.video.videoHeight });
  canvas.getContext("2d").drawImage(camera.video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

/** A few seconds of video; null if the dialog was closed meanwhile. */
async function recordVideo() {
  const mimeType = VIDEO_TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  if (!mimeType) throw new Refusal("This browser cannot record video: choose a file.");
  const recorder = new MediaRecorder(camera.stream, { mimeType, videoBitsPerSecond: 2_500_000 });
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.start();
  for (let left = RECORD_SECONDS; left > 0 && recorder.state === "recording"; left -= 1) {
    camera.state.textContent = `Recording: ${left} s`;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const whole = recorder.state === "recording";
  if (whole) recorder.stop();
  await stopped;
  return whole ? new Blob(parts, { type: mimeType.split(";")[0] }) : null;
}

// Asking the service.

/** Sends a form and gives back the body of the answer. */
async function ask(path, form) {
  const headers = secrets.apiKey.value ? { "X-API-Key": secrets.apiKey.value } : {};
  let response;
  try {
    response = await fetch(path, { method: "POST", body: form, headers, credentials: "omit", redirect: "error" });
  } catch {
    throw new Refusal("The service does not answer. Is it still running?");
  }
  let body;
  try {
    body = await response.json();
  } catch {
    throw new Refusal(`The answer (HTTP ${response.status}) is none of this service.`);
  }
  return body;
}

async function makeForm(form, pickers) {
  const data = new FormData();
  const chosen = pickers.map((picker) => [picker.name, picker.chosen()]);
  const key = await importKey();
  for (const [name, blob] of chosen) if (blob) data.append(name, await encrypt(blob, key));
  for (const input of form.querySelectorAll("input[name]")) {
    data.append(input.name, input.type === "checkbox" ? String(input.checked) : input.value);
  }
  return data;
}

function endpoint(form, pickers) {
  const withPhoto = form.dataset.pathWithPhoto && pickers.some((picker) => picker.optional && picker.blob);
  return withPhoto ? form.dataset.pathWithPhoto : form.dataset.path;
}

// Showing what it answered.

const score = (value) => (Math.floor(value * 10000 + 1e-9) / 10000).toFixed(4);

/** How many strangers reach a score: the calibration's promise, 10^-((s - 0.3) / 0.1). */
function odds(threshold) {
  const rate = Math.min(1, 10 ** ((0.3 - threshold) * 10));
  return `1 in ${Number((1 / rate).toPrecision(2)).toLocaleString("en")}`;
}

function verdict(yes, text) {
  return element("p", { text, class: `verdict ${yes ? "yes" : "no"}` });
}

/** A photo with a numbered box a face, on a canvas; a line of text where the browser cannot show it. */
async function figure(blob, rects, letter, caption) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    return element("figure", {}, element("p", { text: "This browser cannot show this kind of photo." }), element("figcaption", { text: caption }));
  }
  const scale = Math.min(1, 1200 / Math.max(bitmap.width, bitmap.height));
  const canvas = element("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale), role: "img", "aria-label": caption });
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const size = Math.max(14, Math.round(Math.max(canvas.width, canvas.height) / 32));
  pen.font = `bold ${size}px system-ui, sans-serif`;
  rects.forEach(([left, top, right, bottom], index) => {
    const [x, y, width, height] = [left, top, right - left, bottom - top].map((value) => value * scale);
    for (const [colour, line] of [["#000", Math.max(4, size / 4)], ["#fff", Math.max(2, size / 8)]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = line;
      pen.strokeRect(x, y, width, height);
    }
    const label = `${letter}${index + 1}`;
    pen.fillStyle = "#000";
    pen.fillRect(x, y, pen.measureText(label).width + size * 0.6, size * 1.4);
    pen.fillStyle = "#fff";
    pen.fillText(label, x + size * 0.3, y + size * 1.05);
  });
  return element("figure", {}, canvas, element("figcaption", { text: caption }));
}

const count = (rects) => (rects.length === 1 ? "1 face" : `${rects.length} faces`);

async function showCompare(body, { threshold }) {
  const match = body.verification_score >= threshold;
  return [
    verdict(match, match ? "Match" : "No match"),
    element("p", {}, element("span", { class: "number", text: `Score ${score(body.verification_score)}` }), ` against a threshold of ${threshold}, which ${odds(threshold)} strangers reach.`),
    element("meter", { min: 0, max: 1, value: body.verification_score, "aria-label": "Score" }),
  ];
}

async function showOmni(body, { blobs, threshold }) {
  const rects = [body.face_rects.first_image_face_rects, body.face_rects.second_image_face_rects];
  const figures = await Promise.all(rects.map((boxes, index) => figure(blobs[index], boxes, "AB"[index], `Photo ${"AB"[index]}: ${count(boxes)}`)));
  const best = Math.max(...body.scores.flat());
  const head = element("tr", {}, element("td"), ...rects[1].map((_, index) => element("th", { scope: "col", text: `B${index + 1}` })));
  const rows = body.scores.map((row, index) => element("tr", {}, element("th", { scope: "row", text: `A${index + 1}` }), ...row.map((value) => {
    const match = value >= threshold;
    return element("td", { class: match ? "number match" : "number", text: `${score(value)}${match ? " ✓" : ""}` });
  })));
  const legend = element("p", { class: "legend", id: "omni-legend", text: `✓ is a match at ${threshold}, which ${odds(threshold)} strangers reach` });
  return [
    verdict(best >= threshold, best >= threshold ? "At least one match" : "No match"),
    legend,
    element("div", { class: "scroll" }, element("table", { "aria-describedby": "omni-legend" }, element("thead", {}, head), element("tbody", {}, ...rows))),
    element("div", { class: "figures" }, ...figures),
  ];
}

const MEASURES = {
  distance2center: "near the centre", size: "share of the photo", brightness: "brightness (0 is right)",
  sharpness: "sharpness", mouth_open: "mouth closed", integrity: "inside the photo",
};
const PARTS = { left_eye: "left eye free", right_eye: "right eye free", nose: "nose free", mouth: "mouth free", total: "face free" };

function qualityTable(face, index) {
  const row = (name, value, least, most) => element("tr", {}, element("th", { scope: "row", text: name }), element("td", { class: "number", text: value.toFixed(3) }),
    element("td", {}, element("meter", { min: least, max: most, value, "aria-label": name })));
  const angle = (name) => element("tr", {}, element("th", { scope: "row", text: name }), element("td", { class: "number", text: `${face.pose[name].toFixed(1)}°` }), element("td"));
  return element("div", {}, element("h3", { text: `Face ${index + 1}` }), element("table", {}, element("tbody", {},
    ...Object.keys(MEASURES).map((name) => row(MEASURES[name], face[name], name === "brightness" ? -1 : 0, 1)),
    ...Object.keys(PARTS).map((name) => row(PARTS[name], face.occlusion[name], 0, 1)),
    ...["yaw", "pitch", "roll"].map(angle))));
}

async function showQuality(body, { blobs }) {
  const rects = body.faces.map(({ rect }) => [rect.left, rect.top, rect.right, rect.bottom]);
  return [
    await figure(blobs[0], rects, "", `${count(rects)}, largest first`),
    element("div", { class: "figures" }, ...body.faces.map(qualityTable)),
  ];
}

async function showLiveness(body, { threshold }) {
  const shown = [
    verdict(body.passed, body.passed ? "Live" : "Not live"),
    element("p", { text: `${STATUSES[body.liveness_status] ?? ""} Score ${score(body.liveness_score)}.` }),
  ];
  if (body.verification_score !== undefined) {
    const match = body.verification_score >= threshold;
    shown.push(element("p", {}, element("strong", { class: match ? "yes" : "no", text: match ? "Match" : "No match" }), ` with the photo: score ${score(body.verification_score)}, threshold ${threshold}.`));
  }
  const images = [["base64_image", `selected frame, at ${body.image_timestamp?.toFixed(2)} s`], ["base64_face_image", "its face"]];
  const figures = images.filter(([name]) => body[name]).map(([name, caption]) => element("figure", {},
    element("img", { src: `data:image/jpeg;base64,${body[name]}`, alt: caption }), element("figcaption", { text: caption })));
  if (figures.length) shown.push(element("div", { class: "figures" }, ...figures));
  return shown;
}

const SHOW = { compare: showCompare, omni: showOmni, quality: showQuality, liveness: showLiveness };

function showRefusal(body) {
  const shown = [verdict(false, `Refused: ${body.message}`)];
  if (HINTS[body.code]) shown.push(element("p", { text: HINTS[body.code] }));
  shown.push(element("p", { text: `Code ${body.code}, request ${body.request_id}` }));
  return shown;
}

function raw(body) {
  // An image's Base64 would fill the page.
  const text = JSON.stringify(body, (_, value) => (typeof value === "string" && value.length > 200 ? `${value.slice(0, 40)}… (${value.length} characters)` : value), 2);
  return element("details", { class: "raw" }, element("summary", { text: "What the service answered" }), element("pre", { text, tabindex: "0" }));
}

// The panels.

const DEFAULT_THRESHOLD = 0.7;

function setUp(panel) {
  const form = panel.querySelector("form");
  const result = panel.querySelector(".result");
  const button = form.querySelector("button.go");
  const pickers = [...form.querySelectorAll(".picker")].map((root) => new Picker(root));
  const slider = form.querySelector("input[type=range]");
  let last = null;

  const threshold = () => (slider ? Number(slider.value) : DEFAULT_THRESHOLD);
  const draw = async () => {
    if (last) result.replaceChildren(...await SHOW[panel.id](last.body, { blobs: last.blobs, threshold: threshold() }), raw(last.body));
  };
  if (slider) {
    const tell = () => { form.querySelector("output").textContent = `${threshold().toFixed(2)}, reached by ${odds(threshold())} strangers`; };
    slider.addEventListener("input", () => { tell(); draw(); });
    tell();
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    last = null;
    result.replaceChildren();
    try {
      const blobs = pickers.map((picker) => picker.blob);
      const data = await makeForm(form, pickers);
      const body = await ask(endpoint(form, pickers), data);
      if (body.code === 1000) {
        last = { body, blobs };
        await draw();
      } else {
        result.replaceChildren(...showRefusal(body), raw(body));
      }
      result.focus();
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      result.replaceChildren(verdict(false, error instanceof Refusal ? error.message : "Something on this page went wrong."));
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  });
}

const tabs = [...document.querySelectorAll("[role=tab]")];

function select(tab) {
  for (const other of tabs) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.tabIndex = chosen ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !chosen;
  }
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = event.key === "Home" ? tabs[0] : event.key === "End" ? tabs.at(-1) : step && tabs.at((index + step) % tabs.length);
    if (!next) return;
    event.preventDefault();
    select(next);
    next.focus();
  });
}

for (const panel of document.querySelectorAll("[role=tabpanel]")) setUp(panel);
if (!window.isSecureContext) {
  byId("insecure").hidden = false;
  byId("secrets").hidden = true; // whoever is between could have changed this page
  for (const button of document.querySelectorAll(".go, .use-camera")) button.disabled = true;
}
