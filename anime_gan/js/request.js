// Face requests as the text fields of picture files, which generate.py reads too.

import { AttributeRequestError } from "./schema.js";
import { parseSeed } from "./philox.js";

const MAX_FACES = 10_000;

/** Reads seeds such as "0-7,12" as BigInts. */
export function parseSeeds(text) {
  const seeds = [];
  for (const part of text.split(",")) {
    const match = /^\s*([0-9]{1,19})(?:-([0-9]{1,19}))?\s*$/.exec(part);
    if (!match) throw new RangeError(`'${part}' is not a seed or a range of seeds`);
    const [first, last] = [parseSeed(match[1]), parseSeed(match[2] ?? match[1])];
    if (last < first || last - first + BigInt(seeds.length) >= MAX_FACES) {
      throw new RangeError(`'${part}' must be ascending, with at most ${MAX_FACES} seeds in all`);
    }
    for (let seed = first; seed <= last; seed++) seeds.push(seed);
  }
  return seeds;
}

export function formatSeeds(seeds) {
  const parts = [];
  for (const seed of seeds.map(parseSeed)) {
    if (parts.length && seed === parts.at(-1)[1] + 1n) parts.at(-1)[1] = seed;
    else parts.push([seed, seed]);
  }
  return parts.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

const latentText = (latent) => btoa(String.fromCharCode(...new Uint8Array(Float32Array.from(latent).buffer)));

function latentFromText(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const latent = new Float32Array(bytes.buffer);
  if (!latent.every(Number.isFinite)) throw new RangeError("not a latent vector: some values are not finite");
  return latent;
}

/** Returns the text fields from which a request is drawn again. */
export function requestText(request) {
  const { attributes = "", seeds, truncation = 1, changes = "", latent, interpolation } = request;
  const text = { attributes };
  if (latent) text.latent = latentText(latent);
  else if (interpolation?.latents) text.latents = interpolation.latents.map(latentText).join(",");
  else {
    text.seeds = formatSeeds(seeds);
    text.truncation = Number.isInteger(truncation) ? `${truncation}.0` : `${truncation}`;
  }
  if (interpolation) {
    text.interpolate = interpolation.keyframes.join(" -> ");
    text.frames = `${interpolation.frames}`;
    text.fps = `${interpolation.fps ?? 20}`;
    if (interpolation.frame !== undefined) text.frame = `${interpolation.frame}`;
  }
  if (changes) text.set = changes;
  return text;
}

/** Reads the text fields of a picture; throws if they are missing, or if another model drew it. */
export function requestFromText(text, schema) {
  if (text.model === undefined || text.attributes === undefined) {
    throw new AttributeRequestError("this file contains no generation settings", "not_ours");
  }
  if (text.model !== schema.model) {
    const values = { theirs: text.model, ours: schema.model };
    throw new AttributeRequestError(`this was drawn by model ${text.model}, not by ${schema.model}`, "other_model", values);
  }
  if (Number(text.candidates ?? 1) > 1) {
    throw new AttributeRequestError("this face was selected among candidates; draw it again with generate.py", "no_critic");
  }
  const request = { attributes: text.attributes, changes: text.set ?? "" };
  if (text.latent) request.latent = latentFromText(text.latent);
  else if (!text.latents) {
    request.seeds = parseSeeds(text.seeds ?? "");
    request.truncation = Number(text.truncation);
    if (!(request.truncation > 0 && request.truncation <= 1)) throw new RangeError("wrong truncation");
  }
  if (text.interpolate !== undefined) {
    request.interpolation = {
      keyframes: text.interpolate.split("->").map((words) => words.trim()),
      frames: Number(text.frames),
      fps: Number(text.fps),
    };
    if (text.frame !== undefined) request.interpolation.frame = Number(text.frame);
    if (text.latents) request.interpolation.latents = text.latents.split(",").map(latentFromText);
  }
  return request;
}
