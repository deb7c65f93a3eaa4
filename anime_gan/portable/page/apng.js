// Writes animations as APNG: a PNG that every browser plays and generate.py --like reads.

import { assemble, chunk, compressedRows, header } from "./anime_gan/png.js";

/** Writes RGBA frames of one size as a looping animation with text fields. */
export async function writeApng(frames, framesPerSecond, text) {
  const [{ width, height }] = frames;
  const control = new DataView(new ArrayBuffer(8));
  control.setUint32(0, frames.length);
  const parts = [header(width, height, 4), chunk("acTL", new Uint8Array(control.buffer))];
  let sequence = 0;
  for (const [index, frame] of frames.entries()) {
    const view = new DataView(new ArrayBuffer(26));
    [sequence++, width, height, 0, 0].forEach((value, i) => view.setUint32(4 * i, value));
    view.setUint16(20, 1);
    view.setUint16(22, framesPerSecond);
    parts.push(chunk("fcTL", new Uint8Array(view.buffer)));
    const data = await compressedRows(frame, 4);
    if (index === 0) parts.push(chunk("IDAT", data));
    else {
      const numbered = new Uint8Array(4 + data.length);
      new DataView(numbered.buffer).setUint32(0, sequence++);
      numbered.set(data, 4);
      parts.push(chunk("fdAT", numbered));
    }
  }
  return assemble(parts, text);
}
