// Asking the service, as every client of its API does. Media are encrypted here, in its wire format, before they are sent:
// Base64(AES-256-GCM ciphertext and tag). One header asks for more than the API tells: boxes, landmarks, frames, reasons.

import { Refusal } from "./dom.js";
import { authentication, secrets } from "./session.js";

/** The wire format of a photo or video. */
async function encrypt(blob, key, iv) {
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

/** A form with media and switches: `[[name, blob, blobs or text]]`. */
export async function makeForm(fields) {
  const { key, iv } = secrets();
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const data = new FormData();
  const encrypted = async (value) => (value instanceof Blob ? encrypt(value, imported, iv) : value);
  for (const [name, value] of fields) data.append(name, (await Promise.all([value].flat().map(encrypted))).join(","));
  return data;
}

/** Sends a form and gives back the body of the answer. */
export async function ask(path, form) {
  const headers = { ...authentication(), "X-Senseid-Details": "true" };
  let response;
  try {
    response = await fetch(path, { method: "POST", body: form, headers, credentials: "omit", redirect: "error" });
  } catch {
    throw new Refusal("The service does not answer. Is it still running?");
  }
  try {
    return await response.json();
  } catch {
    throw new Refusal(`The answer (HTTP ${response.status}) is none of this service.`);
  }
}

/** The samples of the service: `[{name, kind, blob}]`; none where they may not be had. */
export async function fetchSamples() {
  const options = { headers: authentication(), credentials: "omit" };
  const listed = await fetch("page/samples", options);
  if (!listed.ok) return [];
  const { samples } = await listed.json();
  return Promise.all(samples.map(async ({ name, kind }, number) => {
    const answer = await fetch(`page/samples/${number}`, options);
    return { name, kind, blob: new File([await answer.blob()], name) };
  }));
}
