// The fields of photos and videos: a file, a drop, a paste, the camera, a sample.

import { openCamera } from "./camera.js";
import { announce, byId, capital, element, Refusal } from "./dom.js";

const MEBIBYTE = 1024 * 1024;
const KINDS = {
  photo: { accept: "image/jpeg,image/png,image/bmp,image/gif,image/tiff", most: 5 * MEBIBYTE, hint: "JPEG, PNG, BMP, GIF or TIFF, up to 5 MB" },
  video: { accept: "video/*", most: 16 * MEBIBYTE, hint: "2 seconds or longer, up to 16 MB" },
};
const pickers = [];
let samples = [];
let made = 0;

/** A field for one photo or video. */
export class Picker {
  constructor(root) {
    const { name, kind, label, optional, further } = root.dataset;
    Object.assign(this, { root, name, kind, label, optional: optional !== undefined, further: further !== undefined, blob: null, url: null });
    root.append(byId("picker").content.cloneNode(true));
    root.setAttribute("role", "group");
    this.input = root.querySelector("input");
    this.drop = root.querySelector(".drop");
    this.preview = root.querySelector(".preview");
    this.trouble = root.querySelector(".trouble");
    this.removeButton = root.querySelector(".remove");
    root.querySelector(".hint").textContent = KINDS[kind].hint;
    this.trouble.id = `trouble-${made += 1}`;
    this.input.accept = KINDS[kind].accept;
    this.input.setAttribute("aria-describedby", this.trouble.id);
    this.input.addEventListener("change", () => { if (this.input.files.length) this.take(this.input.files[0]); });
    this.removeButton.hidden = !this.further;
    this.removeButton.addEventListener("click", () => { if (this.further) this.leave(); else { this.take(null); this.input.focus(); } });
    root.querySelector(".use-camera").addEventListener("click", () => openCamera(this));
    pickers.push(this);
    this.rename(label);
  }

  rename(label) {
    this.label = label;
    this.root.setAttribute("aria-label", label);
    this.root.querySelector(".name").textContent = label;
    this.root.querySelector(".use-camera").setAttribute("aria-label", `Camera: ${label}`);
    this.removeButton.setAttribute("aria-label", `Remove: ${label}`);
    this.offer();
  }

  take(blob) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.input.value = "";
    this.blob = blob;
    this.url = blob && URL.createObjectURL(blob);
    this.drop.classList.toggle("filled", Boolean(blob));
    this.root.querySelector(".choose").textContent = blob ? "Change" : "Choose a file";
    this.removeButton.hidden = !blob && !this.further;
    this.preview.hidden = !blob;
    this.blame("");
    this.root.dispatchEvent(new CustomEvent("taken", { bubbles: true }));
    announce(blob ? `${this.label}: ${blob.name ?? "taken"}` : `${this.label}: removed`);
    if (!blob) return this.preview.replaceChildren();
    const shown = this.kind === "photo"
      ? element("img", { src: this.url, alt: `${this.label}, as chosen` })
      : element("video", { src: this.url, controls: "", playsinline: "", "aria-label": `${this.label}, as chosen` });
    if (this.kind === "video") shown.muted = true;
    // A TIFF, or an AVI: the service reads it, the browser cannot show it.
    shown.addEventListener("error", () => this.preview.replaceChildren(element("p", { text: `${blob.name ?? "The file"} is chosen. This browser cannot show it; the service may read it.` })));
    this.preview.replaceChildren(shown);
  }

  /** Goes away as a whole, as one field of several may. */
  leave() {
    this.take(null);
    pickers.splice(pickers.indexOf(this), 1);
    this.root.dispatchEvent(new CustomEvent("left", { bubbles: true, detail: this }));
    this.root.remove();
  }

  /** Says what is wrong with it, at the place where it is changed; nothing clears that. */
  blame(text) {
    this.root.classList.toggle("wrong", Boolean(text));
    this.trouble.textContent = text;
    this.trouble.hidden = !text;
    this.input.setAttribute("aria-invalid", String(Boolean(text)));
  }

  /** The chosen media, or null for an optional one. */
  chosen() {
    if (this.blob) {
      if (this.blob.size > KINDS[this.kind].most) this.refuse(`${KINDS[this.kind].hint}. This one has ${(this.blob.size / MEBIBYTE).toFixed(1)} MB.`);
      if (this.blob.size === 0) this.refuse("the file is empty.");
      return this.blob;
    }
    if (this.optional) return null;
    this.input.focus();
    return this.refuse("choose a file or use the camera.");
  }

  refuse(text) {
    this.blame(capital(text));
    throw new Refusal(`${this.label}: ${text}`);
  }

  /** Shows the samples of its kind. */
  offer() {
    const place = this.root.querySelector(".samples");
    const fitting = samples.filter(({ kind }) => kind === this.kind);
    place.hidden = !fitting.length;
    place.querySelector("div").replaceChildren(...fitting.map(({ name, url, blob }) => {
      const shown = this.kind === "photo" ? element("img", { src: url, alt: "" }) : element("span", { text: name });
      const button = element("button", { type: "button", "aria-label": `${this.label}: sample ${name}`, title: name }, shown);
      button.addEventListener("click", () => this.take(blob));
      return button;
    }));
  }
}

/** Gives every picker samples to offer. */
export function offerSamples(found) {
  for (const { url } of samples) URL.revokeObjectURL(url);
  samples = found.map((sample) => ({ ...sample, url: URL.createObjectURL(sample.blob) }));
  for (const picker of pickers) picker.offer();
}

/** Samples that make a good first try: of one person where names tell, as obama.jpg and obama2.jpg. */
export function goodSamples(kind, count) {
  const fitting = samples.filter((sample) => sample.kind === kind);
  const person = ({ name }) => name.replace(/[\d_-]*\.\w+$/, "");
  const pair = fitting.filter((one) => fitting.some((other) => other !== one && person(other) === person(one)));
  return (count > 1 && pair.length >= count ? pair : fitting).slice(0, count).map(({ blob }) => blob);
}

/** Files that came without a picker: to the one that has the focus, else to those that are empty. */
function receive(files) {
  const seen = pickers.filter(({ root }) => root.checkVisibility());
  const focused = seen.filter(({ root }) => root.contains(document.activeElement));
  const free = seen.filter((picker) => !picker.blob && !focused.includes(picker));
  const order = [...focused, ...free, ...seen];
  for (const file of files) {
    const kind = file.type.startsWith("video/") ? "video" : "photo";
    const index = order.findIndex((picker) => picker.kind === kind);
    if (index < 0) continue;
    const [picker] = order.splice(index, 1);
    picker.take(file);
  }
}

document.addEventListener("paste", (event) => {
  if (!event.clipboardData.files.length) return;
  event.preventDefault();
  receive([...event.clipboardData.files]);
});

let over = null;
function mark(root) {
  over?.classList.remove("over");
  over = root;
  over?.classList.add("over");
}

// Without this, a file that misses its field replaces the page.
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  mark(event.target.closest?.(".picker") ?? null);
});
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(null); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const root = event.target.closest?.(".picker");
  const files = [...event.dataTransfer.files];
  mark(null);
  const picker = pickers.find((one) => one.root === root);
  if (picker && files.length === 1) picker.take(files[0]);
  else receive(files);
});
