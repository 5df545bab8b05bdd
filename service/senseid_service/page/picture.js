// Photos with what was found drawn over them.

import { drawn, element } from "./dom.js";

const LARGEST = 1200;

/** The bitmap of a photo, turned upright as the service turned it; null where the browser cannot read it. */
async function upright(blob, turns) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch {
    return null;
  }
  const swapped = turns % 2 === 1;
  const [width, height] = swapped ? [bitmap.height, bitmap.width] : [bitmap.width, bitmap.height];
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  const canvas = element("canvas", { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
  const pen = canvas.getContext("2d");
  pen.translate(canvas.width / 2, canvas.height / 2);
  pen.rotate(-turns * Math.PI / 2);
  pen.scale(scale, scale);
  pen.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
  return { canvas, width, height };
}

/** A photo of which faces can be shown: `photo` is what the service told of it, or null. */
export async function readPhoto(blob, photo) {
  const found = await upright(blob, photo?.quarter_turns ?? 0);
  return { canvas: found?.canvas ?? null, x: 0, y: 0, width: photo?.width ?? found?.width ?? 4, height: photo?.height ?? found?.height ?? 3 };
}

/** The part of a photo around a face, enlarged. */
export function around({ canvas, width, height }, [left, top, right, bottom]) {
  const margin = 0.35 * Math.max(right - left, bottom - top);
  const [x, y] = [Math.max(0, left - margin), Math.max(0, top - margin)];
  const part = { x, y, width: Math.min(width, right + margin) - x, height: Math.min(height, bottom + margin) - y };
  if (!canvas) return { canvas, ...part };
  const scale = canvas.width / width;
  const cut = element("canvas", { width: 600, height: Math.max(1, Math.round(600 * part.height / part.width)) });
  cut.getContext("2d").drawImage(canvas, x * scale, y * scale, part.width * scale, part.height * scale, 0, 0, cut.width, cut.height);
  return { canvas: cut, ...part };
}

/** The four sides of a box, light on dark: they show on every photo. */
export function edges([left, top, right, bottom], { width, height }) {
  const line = Math.max(width, height) / 200;
  const sides = { x: left, y: top, width: right - left, height: bottom - top };
  return [["casing", 2 * line], ["edge", line]].map(([part, thickness]) => drawn("rect", { class: part, ...sides, "stroke-width": thickness }));
}

/** The box of a face with its label; `kind` is `taken`, `other`, or the verdict of it. */
export function box([left, top, right, bottom], label, kind, { width, height }) {
  const size = Math.max(width, height) * 0.04;
  const inside = top < size * 1.5;
  const y = inside ? top : top - size * 1.4;
  const long = label.length * size * 0.62 + size * 0.5;
  const x = Math.max(0, Math.min(left, width - long));
  return drawn("g", { class: `face ${kind}` }, ...edges([left, top, right, bottom], { width, height }),
    ...(label ? [
      drawn("rect", { class: "plate", x, y, width: long, height: size * 1.4 }),
      drawn("text", { x: x + long / 2, y: y + size * 1.02, "font-size": size, "text-anchor": "middle", text: label }),
    ] : []));
}

/** A photo and its drawing over each other. */
export function figure({ canvas, x, y, width, height }, drawing, label, caption) {
  const over = drawn("svg", { viewBox: `${x} ${y} ${width} ${height}`, "aria-hidden": "true" }, ...drawing);
  const under = canvas ?? element("p", { class: "unseen", text: "This browser cannot show this kind of photo." });
  const picture = element("div", { class: "picture", role: "img", "aria-label": label }, under, over);
  picture.style.aspectRatio = `${width} / ${height}`;
  picture.style.setProperty("--ratio", String(width / height));
  return element("figure", {}, picture, element("figcaption", { text: caption }));
}

/** A face cut out of a photo, with some of what is around it. */
export function chip({ canvas, width }, [left, top, right, bottom]) {
  const side = Math.max(right - left, bottom - top) * 1.3;
  const made = element("canvas", { class: "chip", width: 160, height: 160, "aria-hidden": "true" });
  if (!canvas) return made;
  const scale = canvas.width / width;
  const [x, y] = [(left + right) / 2 - side / 2, (top + bottom) / 2 - side / 2];
  made.getContext("2d").drawImage(canvas, x * scale, y * scale, side * scale, side * scale, 0, 0, 160, 160);
  return made;
}

export const count = (rects) => (rects.length === 1 ? "1 face" : `${rects.length} faces`);
