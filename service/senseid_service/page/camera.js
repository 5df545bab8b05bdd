// The dialog of the camera: one photo, or a few seconds of video.

import { byId, element, Refusal } from "./dom.js";

const RECORD_SECONDS = 4;
const VIDEO_TYPES = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp8", "video/webm"];

const dialog = byId("camera");
const video = dialog.querySelector("video");
const take = byId("camera-take");
const turn = byId("camera-turn");
const state = byId("camera-state");
let stream = null;
let picker = null;
let facing = "user";

/** Opens the dialog for a picker, which gets what is taken. */
export function openCamera(wanting) {
  picker = wanting;
  take.textContent = picker.kind === "photo" ? "Take the photo" : `Record ${RECORD_SECONDS} seconds`;
  dialog.showModal();
  return start();
}

async function start() {
  take.disabled = true;
  state.textContent = "Waiting for the camera…";
  stop();
  try {
    const found = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: facing, width: { ideal: 640 }, height: { ideal: 480 } } });
    stream = found;
    if (!dialog.open) return stop();
    video.srcObject = found;
    video.classList.toggle("mirrored", facing === "user");
    await video.play();
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    turn.hidden = cameras.length < 2;
    take.disabled = false;
    state.textContent = picker.kind === "photo" ? "Only what you take is kept, in this tab." : "Look at the camera and keep your face inside the picture.";
  } catch (error) {
    state.textContent = error.name === "NotAllowedError" ? "The browser was not allowed to use the camera." : "There is no camera that can be used.";
  }
}

function stop() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = video.srcObject = null;
}

dialog.addEventListener("close", stop);
byId("camera-close").addEventListener("click", () => dialog.close());
turn.addEventListener("click", () => {
  facing = facing === "user" ? "environment" : "user";
  start();
});
take.addEventListener("click", async () => {
  take.disabled = true;
  try {
    const blob = picker.kind === "photo" ? await takePhoto() : await recordVideo();
    if (blob) picker.take(blob);
    dialog.close();
  } catch (error) {
    state.textContent = error instanceof Refusal ? error.message : "The camera stopped.";
    take.disabled = false;
  }
});

function takePhoto() {
  const canvas = element("canvas", { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

/** A few seconds of video; null if the dialog was closed meanwhile. */
async function recordVideo() {
  const mimeType = VIDEO_TYPES.find((type) => MediaRecorder.isTypeSupported(type));
  if (!mimeType) throw new Refusal("This browser cannot record video: choose a file.");
  const recorder = new MediaRecorder(stream, { mimeType, videoBitsPerSecond: 2_500_000 });
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const stopped = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  recorder.start();
  for (let left = RECORD_SECONDS; left > 0 && recorder.state === "recording"; left -= 1) {
    state.textContent = `Recording: ${left} s`;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const whole = recorder.state === "recording";
  if (whole) recorder.stop();
  await stopped;
  return whole ? new Blob(parts, { type: mimeType.split(";")[0] }) : null;
}
