// The page for trying the service out: its tabs, and one form and one result each.

import { showCompare } from "./compare.js";
import { byId, capital, element, Refusal } from "./dom.js";
import { showLiveness } from "./liveness.js";
import { showOmni } from "./omni.js";
import { goodSamples, offerSamples, Picker } from "./picker.js";
import { showQuality } from "./quality.js";
import { banner, odds } from "./scale.js";
import { ask, fetchSamples, makeForm } from "./service.js";
import { enter, facts } from "./session.js";

const SHOW = { compare: showCompare, omni: showOmni, quality: showQuality, liveness: showLiveness };
// What each code of the service means to whoever tries it, where the service does not say more.
const HINTS = {
  401: "Enter the API key of this service.",
  403: "This page is not the service's own any more: open it anew.",
  413: "The photo or video is larger than this service takes.",
  429: "You are asking too often. Wait a moment.",
  500: "The service has a fault. Its log says which, by the request's id.",
  503: "The service has too much to do, or is starting. Try again in a few seconds.",
  1200: "If the photo itself is right, the key or the IV is not the one of the service.",
  2003: "A photo has 32 to 5000 pixels a side.",
  2004: "A photo has at most 5 MB, a video 16 MB.",
  2005: "The photo is damaged, or is none of JPEG, PNG, BMP, GIF and TIFF.",
  2008: "The video is damaged, or shorter than 2 seconds.",
  4000: "Try a photo in which the face is larger, brighter and seen from the front.",
  4004: "An eye, the nose or the mouth is covered.",
  4007: "No frame of the video shows a face that can be judged.",
};
// A person may be shown by ten photos.
const FURTHER = "further_encrypted_images";
const MOST_FURTHER = 9;
const TITLES = {
  401: "An API key is needed", 413: "Too large", 429: "Too many requests", 500: "A fault of the service", 503: "The service is busy", 1200: "Not readable",
  2003: "Wrong size", 2004: "Too large", 2005: "Not a photo that can be read", 2008: "Not a video that can be read", 4000: "No face found", 4004: "The face is covered",
  4007: "No face that can be judged",
};

function sentence(text) {
  return text ? `${capital(text)}${/[.!?]$/.test(text) ? "" : "."}` : "";
}

/** What was refused: which photo, why, and what to do. */
function showRefusal(body, pickers) {
  const named = pickers.filter(({ name, blob }) => name === body.details?.parameter && (blob || name !== FURTHER));
  const blamed = named[(body.details?.number ?? 1) - 1];
  const what = TITLES[body.code] ?? capital(body.message);
  const title = blamed ? `${blamed.label}: ${what[0].toLowerCase()}${what.slice(1)}` : what;
  const reason = sentence(body.details?.reason ?? "");
  blamed?.blame(reason || title);
  return [banner("refused", title, reason || HINTS[body.code] || ""), element("p", { class: "note", text: `Refused: ${body.message}. Code ${body.code}, request ${body.request_id}` })];
}

function raw(body) {
  // An image's Base64 would fill the page.
  const text = JSON.stringify(body, (_, value) => (typeof value === "string" && value.length > 200 ? `${value.slice(0, 40)}… (${value.length} characters)` : value), 2);
  return element("details", { class: "raw" }, element("summary", { text: "What the service answered" }), element("pre", { text, tabindex: "0", "aria-label": "The answer as JSON" }));
}

/** One tab: its form, its pickers, and its last answer, which is drawn anew when the threshold moves. */
class Panel {
  constructor(root) {
    this.root = root;
    this.form = root.querySelector("form");
    this.result = root.querySelector(".result");
    this.button = root.querySelector("button.go");
    this.empty = [...this.result.childNodes];
    this.pickers = [...root.querySelectorAll(".picker")].map((one) => new Picker(one));
    this.more = root.querySelector(".more");
    this.more?.addEventListener("click", () => this.addPicker());
    this.root.addEventListener("left", (event) => this.dropPicker(event.detail));
    this.slider = root.querySelector("input[type=range]");
    this.last = null;
    this.slider?.addEventListener("input", () => { this.tell(); this.draw(); });
    for (const radio of root.querySelectorAll("input[type=radio]")) radio.addEventListener("change", () => this.draw());
    this.root.addEventListener("taken", () => this.clear());
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.go(); });
    this.tryButton = root.querySelector(".try");
    this.tryButton.addEventListener("click", () => this.trySamples());
    if (this.slider) this.tell();
  }

  get further() {
    return this.pickers.filter(({ further }) => further);
  }

  /** A field for one more photo of the first person. */
  addPicker() {
    const label = `Photo ${this.further.length + 2} of the first person`;
    const root = element("div", { class: "picker", "data-name": FURTHER, "data-kind": "photo", "data-label": label, "data-optional": "", "data-further": "" });
    this.more.before(root);
    const picker = new Picker(root);
    this.pickers.splice(1 + this.further.length, 0, picker);
    this.more.hidden = this.further.length === MOST_FURTHER;
    picker.input.focus();
  }

  dropPicker(picker) {
    this.pickers = this.pickers.filter((one) => one !== picker);
    for (const [index, one] of this.further.entries()) one.rename(`Photo ${index + 2} of the first person`);
    this.more.hidden = false;
    this.more.focus();
  }

  get threshold() {
    return this.slider ? Number(this.slider.value) : facts.threshold;
  }

  tell() {
    this.root.querySelector("output").textContent = `${this.threshold.toFixed(2)}, reached by ${odds(this.threshold)} strangers`;
  }

  clear() {
    this.last = null;
    this.result.replaceChildren(...this.empty);
  }

  /** The samples that one click tries; none where there are too few. */
  get samples() {
    const needed = this.pickers.filter(({ optional }) => !optional);
    const found = goodSamples(needed[0].kind, needed.length);
    return found.length === needed.length ? found.map((blob, index) => [needed[index], blob]) : [];
  }

  offerTry() {
    this.tryButton.hidden = !this.samples.length;
  }

  trySamples() {
    for (const [picker, blob] of this.samples) picker.take(blob);
    return this.go();
  }

  fields() {
    const media = this.pickers.filter(({ further }) => !further).map((picker) => [picker.name, picker.chosen()]).filter(([, blob]) => blob);
    const further = this.further.map((picker) => picker.chosen()).filter(Boolean);
    if (further.length) media.push([FURTHER, further]);
    const switches = [...this.form.querySelectorAll("input[name]:not([type=radio])")].map((input) => [input.name, input.type === "checkbox" ? String(input.checked) : input.value]);
    return [...media, ...switches];
  }

  get path() {
    const { path, pathWithPhoto } = this.form.dataset;
    return pathWithPhoto && this.pickers.some((picker) => picker.optional && picker.blob) ? pathWithPhoto : path;
  }

  async draw() {
    const { last } = this;
    if (!last) return;
    const given = { blobs: last.blobs, threshold: this.threshold, policy: this.form.querySelector("input[type=radio]:checked")?.value, video: this.root.querySelector(".preview video") };
    const shown = await SHOW[this.root.id](last.body, given);
    // Meanwhile another photo may have been chosen.
    if (this.last === last) this.result.replaceChildren(...shown, raw(last.body));
  }

  async go() {
    this.button.disabled = true;
    this.button.setAttribute("aria-busy", "true");
    this.clear();
    for (const picker of this.pickers) picker.blame("");
    try {
      const blobs = this.pickers.map((picker) => picker.blob).filter(Boolean);
      const fields = this.fields();
      this.result.replaceChildren(element("p", { class: "waiting", text: "The service is looking at it…" }));
      const body = await ask(this.path, await makeForm(fields));
      if (body.code === 1000) {
        this.last = { body, blobs };
        await this.draw();
      } else {
        this.result.replaceChildren(...showRefusal(body, this.pickers), raw(body));
      }
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(error);
      this.result.replaceChildren(banner("refused", error instanceof Refusal ? error.message : "Something on this page went wrong."));
      return;
    } finally {
      this.button.disabled = false;
      this.button.removeAttribute("aria-busy");
    }
    this.result.focus({ preventScroll: true });
    this.result.scrollIntoView({ block: "nearest" });
  }
}

// The tabs.

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

const panels = [...document.querySelectorAll("[role=tabpanel]")].map((root) => new Panel(root));

async function showSamples() {
  if (!facts.samples) return;
  offerSamples(await fetchSamples());
  for (const panel of panels) panel.offerTry();
}

if (window.isSecureContext) {
  const open = async () => {
    await enter();
    await showSamples();
  };
  // The link in the address bar of a page that is open already loads nothing anew.
  window.addEventListener("hashchange", open);
  await open();
  document.documentElement.dataset.ready = "true";
} else {
  byId("insecure").hidden = false;
  byId("secrets").hidden = true; // whoever is between could have changed this page
  for (const button of document.querySelectorAll(".go, .use-camera")) button.disabled = true;
}
