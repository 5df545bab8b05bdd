// What the page may send with: by a link that works once, or typed.
//
// The link's keys are made for this run of the service. They are kept for the life of the tab, so that a reload does not
// lose them. Typed ones are the operator's own, and stay in memory.

import { byId, Refusal } from "./dom.js";

const STORED = "senseid";
const FRAGMENT = "#open=";
const LENGTHS = { key: 32, iv: 12 };
const inputs = { key: byId("key"), iv: byId("iv"), apiKey: byId("api-key") };

let given = null;

/** Facts about the service that are no secret: its run, whether it has samples. */
export let facts = { samples: 0, threshold: 0.7 };

/** Takes what the link of the address bar gives, or what it gave before a reload. */
export async function enter() {
  const { hash } = location;
  // At once: nobody should find it in the address bar or the history.
  if (hash.startsWith(FRAGMENT)) history.replaceState(null, "", location.pathname);
  try {
    facts = await (await fetch("page/facts", { credentials: "omit" })).json();
  } catch {
    return show("The service does not answer. Is it still running?");
  }
  if (hash.startsWith(FRAGMENT)) {
    const headers = { "X-Senseid-Link": hash.slice(FRAGMENT.length) };
    const answer = await fetch("page/enter", { method: "POST", headers, credentials: "omit" });
    if (answer.ok) {
      const { key, iv, api_key: apiKey, run } = await answer.json();
      sessionStorage.setItem(STORED, JSON.stringify({ key, iv, apiKey, run }));
    }
  }
  const stored = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
  if (stored && stored.run === facts.run) {
    given = stored;
    return show();
  }
  sessionStorage.removeItem(STORED);
  if (stored) return show("The service was started again since. Open the link that it printed then.");
  return show(hash.startsWith(FRAGMENT) ? "This link was used before: each works once. The service printed the next one when it was." : "");
}

/** Shows what there is: `Ready`, or what to do. */
function show(trouble = "") {
  const typed = Object.entries(LENGTHS).every(([name, length]) => inputs[name].value.length === length);
  const ready = Boolean(given) || typed;
  const state = byId("key-state");
  state.textContent = ready ? "Ready" : "Key needed";
  state.dataset.ready = String(ready);
  byId("secrets").hidden = Boolean(given);
  byId("forget-session").hidden = !given;
  byId("link-trouble").textContent = trouble;
  byId("link-trouble").hidden = !trouble;
}

function isAscii(text) {
  return /^[\x20-\x7e]*$/.test(text);
}

function check() {
  for (const [name, length] of Object.entries(LENGTHS)) {
    const { value } = inputs[name];
    inputs[name].setAttribute("aria-invalid", String(value !== "" && (value.length !== length || !isAscii(value))));
  }
  show();
}

for (const input of Object.values(inputs)) input.addEventListener("input", check);
byId("show-secrets").addEventListener("change", (event) => {
  for (const input of Object.values(inputs)) input.type = event.target.checked ? "text" : "password";
});
byId("forget").addEventListener("click", () => {
  for (const input of Object.values(inputs)) input.value = "";
  check();
  inputs.key.focus();
});
byId("forget-session").addEventListener("click", () => {
  given = null;
  sessionStorage.removeItem(STORED);
  show("Forgotten. Open the next link, or type the key.");
  inputs.key.focus();
});

/** The headers that authenticate a request. */
export function authentication() {
  const apiKey = given ? given.apiKey : inputs.apiKey.value;
  return apiKey ? { "X-API-Key": apiKey } : {};
}

/** The key and the IV, as bytes. */
export function secrets() {
  const encoder = new TextEncoder();
  if (given) return { key: encoder.encode(given.key), iv: encoder.encode(given.iv) };
  for (const [name, length] of Object.entries(LENGTHS)) {
    const { value } = inputs[name];
    if (value.length === length && isAscii(value)) continue;
    inputs[name].focus();
    const what = name === "key" ? "key" : "IV";
    throw new Refusal(value ? `The ${what} has ${value.length} characters, it must have ${length}.` : `Enter the ${what} of the service first.`);
  }
  return { key: encoder.encode(inputs.key.value), iv: encoder.encode(inputs.iv.value) };
}
