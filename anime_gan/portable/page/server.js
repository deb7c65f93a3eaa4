// Takes the place of the studio's server.js: the same functions, computed in the browser.

import { FaceModel, Schema, normals, parseSeed, readPngText, requestFromText, writePng } from "./anime_gan/index.js";
import { writeApng } from "./apng.js";

const LANGUAGES = ["en", "zh", "ja"];
const LIMITS = { number: 64, candidates: 1, file: 4 * 2 ** 20 };
const KEPT = "anime_gan.kept";
const MAX_KEPT = 100;
const HISTORY = 50;
const MAX_FRAMES = 240;
// Stream of the random directions of similar faces; 0 and 1 belong to latent vectors and labels.
const DIRECTIONS = 2;

// What the page can save besides pictures and settings.
export const ANIMATIONS = [["webp", "APNG"]];
export const SHEETS = false;
export const ARCHIVES = false;

const history = [];
const pictures = new Map();
let kept = [];
let number = 0;

function failure(code, values = {}, message = "") {
  return Object.assign(new Error(message), { code, values });
}

// Loaded once, when the first face is drawn or the page starts.
let content = null;
function schemaContent() {
  return (content ??= fetch("model/schema.json").then((response) => response.json()));
}

let loading = null;
function load() {
  return (loading ??= (async () => {
    const [ort, data, parsed] = await Promise.all([
      import("./runtime/ort.wasm.min.mjs"),
      fetch("model/model.onnx").then((response) => response.arrayBuffer()),
      schemaContent(),
    ]);
    // Hosts without isolation headers allow no more threads.
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL("runtime/", location.href).href;
    return new FaceModel(parsed, await ort.InferenceSession.create(data), ort.Tensor);
  })().catch((error) => {
    loading = null;
    throw failure("model_broken", { reason: error.message });
  }));
}

export async function get(path) {
  const [name, query] = path.split("?");
  if (name === "api/studio") return about();
  if (name === "api/kept") return loadKept();
  if (name === "api/history") {
    const before = new URLSearchParams(query).get("before");
    const start = before ? history.findIndex((entry) => entry.id === before) + 1 : 0;
    return { entries: history.slice(start, start + 20), more: history.length > start + 20 };
  }
  const response = await fetch(path);
  if (!response.ok) throw failure("unreachable");
  return response.json();
}

export async function post(path, body) {
  if (path === "api/words") return words(body.words);
  if (path === "api/keep") return keep(body.face);
  if (path === "api/remove") return remove(body.entry);
  throw failure("failed");
}

async function about() {
  const schema = new Schema(await schemaContent());
  // The model loads while the user chooses attributes.
  load().catch(() => {});
  navigator.serviceWorker?.register("worker.js").catch(() => {});
  const term = ({ name, phrase }) => ({ name, phrase });
  return {
    model: schema.model,
    ready: false,
    // The page has no sliders; words can request scales.
    attributes: schema.attributes.filter(({ low }) => low === undefined).map(({ name, phrase, values }) => ({
      name,
      phrase: phrase ?? name.replaceAll("_", " "),
      values: values ? values.map(term) : null,
    })),
    hidden: schema.hiddenBy.map(([slot, column]) => ({ hidden: slot.name, by: schema.columns[column] })),
    languages: LANGUAGES,
    limits: LIMITS,
    video: false,
  };
}

// Translates errors of the package for the page.
function told(error) {
  if (error.name !== "AttributeRequestError") return error.code ? error : failure("failed", {}, error.message);
  const known = ["not_ours", "other_model", "no_critic"];
  return known.includes(error.code) ? failure(error.code, error.values) : failure("words", { reason: error.message });
}

async function words(text) {
  const schema = new Schema(await schemaContent());
  try {
    const labels = schema.parse(text);
    const attributes = schema.decode(labels);
    for (const { name, start, size, isGroup } of schema.slots) {
      const isNamed = labels.subarray(start, start + size).some(Boolean);
      if (isGroup && isNamed && attributes[name] === null) throw failure("one_value", { name });
    }
    return { attributes };
  } catch (error) {
    throw told(error);
  }
}

// Draws a request ({ kind: ... }) or a dropped file. Calls seen(event) for each event, and returns the
// finished entry.
export async function draw(body, seen = () => {}, signal = undefined) {
  try {
    seen({ queued: 0, ready: loading !== null });
    const model = await load();
    const plan = body instanceof Blob ? await planFile(model, body) : planOf(model, body);
    return await drawn(model, plan, seen, signal);
  } catch (error) {
    throw error.name === "AbortError" ? error : told(error);
  }
}

async function drawn(model, { kind, requests, settings, animation }, seen, signal) {
  const { schema } = model;
  const id = `${Date.now()}-${number++}`;
  const settingsText = settings ? model.pictureText(settings) : {};
  const entry = { id, kind, time: Date.now(), settings: settingsText, animation: Boolean(animation), faces: [] };
  entry.asked = asked(schema, settingsText.attributes);
  entry.changed = asked(schema, settingsText.set);
  seen({ begun: { id, kind, total: requests.length, asked: entry.asked } });
  for (const request of requests) {
    // Let the page show the face before, and notice a click on Stop.
    await new Promise((resolve) => setTimeout(resolve));
    if (signal?.aborted) throw new DOMException("stopped", "AbortError");
    const [inputs] = model.inputs(request);
    const [picture] = await model.draw([inputs]);
    const text = model.pictureText(request, inputs.labels);
    const face = faceOf(schema, `${id}.${entry.faces.length}`, text);
    pictures.set(face.id, URL.createObjectURL(await writePng(picture, text)));
    entry.faces.push(face);
    seen({ face });
  }
  if (animation) {
    const frames = [];
    for (const inputs of model.inputs(animation)) {
      await new Promise((resolve) => setTimeout(resolve));
      if (signal?.aborted) throw new DOMException("stopped", "AbortError");
      frames.push(...(await model.draw([inputs])));
      seen({ progress: frames.length, total: animation.interpolation.frames });
    }
    const file = await writeApng(frames, animation.interpolation.fps, settingsText);
    pictures.set(`${id}/animation.webp`, URL.createObjectURL(file));
  }
  history.unshift(entry);
  for (const old of history.splice(HISTORY)) forget(old);
  return entry;
}

function forget(entry) {
  for (const face of entry.faces) {
    URL.revokeObjectURL(pictures.get(face.id));
    pictures.delete(face.id);
  }
}

function asked(schema, text) {
  return text === undefined ? null : schema.decode(schema.parse(text));
}

function faceOf(schema, id, text) {
  const isOwn = text.model === schema.model;
  return {
    id,
    attributes: isOwn && text.labels !== undefined ? asked(schema, text.labels) : null,
    words: text.labels ?? "",
    seed: text.interpolate === undefined ? text.seeds : null,
    other_model: isOwn ? null : text.model,
    settings: text,
  };
}

function findFace(id) {
  const face = [...history, ...kept].flatMap((entry) => entry.faces).find((other) => other.id === id);
  if (!face) throw failure("gone");
  return face;
}

function planOf(model, body) {
  const { schema } = model;
  if (body.kind === "faces") {
    const first = parseSeed(body.seed);
    const attributes = schema.describe(schema.encode(body.attributes));
    const seeds = Array.from({ length: body.number }, (_, i) => first + BigInt(i));
    parseSeed(seeds.at(-1));
    const settings = { attributes, seeds, truncation: body.truncation };
    return { kind: "faces", settings, requests: singles(settings) };
  }
  if (body.kind === "blend") return planBlend(model, body.faces.map((id) => requestOf(schema, id)), body.frames ?? 48);
  const request = requestOf(schema, body.face);
  const changed = (picks) => ({ ...request, changes: schema.mergedChanges(request.changes, picks) });
  if (body.kind === "change") {
    const settings = changed(body.set);
    return { kind: "change", settings, requests: [settings] };
  }
  if (body.kind === "sheet") {
    const { values } = schema.attributes.find(({ name }) => name === body.attribute);
    // Switch off tags that would hide the attribute.
    const shown = Object.fromEntries(
      schema.hiddenBy.filter(([slot]) => slot.name === body.attribute).map(([, column]) => [schema.columns[column], false]),
    );
    const options = values ? values.map((term) => term.name) : [true, false];
    const requests = options.map((option) => changed({ ...shown, [body.attribute]: option }));
    return { kind: "sheet", settings: null, requests };
  }
  if (body.kind === "nearby") return planNearby(model, request, body);
  throw failure("missing", { name: "kind" });
}

function singles(request) {
  return request.seeds.map((seed) => ({ ...request, seeds: [seed] }));
}

function requestOf(schema, id) {
  return requestFromText(findFace(id).settings, schema);
}

// A face's latent vector, and all of its attributes in words; those of an interpolated face are rounded.
function definite(model, request) {
  const [{ latent, labels }] = model.inputs(request);
  const rounded = labels.slice();
  for (const { start, size, isGroup, isScale } of model.schema.slots) {
    if (isScale) continue;
    const values = labels.subarray(start, start + size);
    const best = values.indexOf(Math.max(...values));
    values.forEach((value, i) => (rounded[start + i] = (isGroup ? i === best : value > 0) ? 1 : -1));
  }
  return { latent, attributes: model.schema.describe(rounded) };
}

function planBlend(model, requests, frames) {
  const ends = requests.map((request) => definite(model, request));
  const interpolation = {
    keyframes: ends.map((end) => end.attributes),
    latents: ends.map((end) => end.latent),
    frames,
    fps: 20,
  };
  return planAnimation({ attributes: "", changes: "", interpolation });
}

function planAnimation(settings) {
  const { frames } = settings.interpolation;
  if (!(frames >= 2 && frames <= MAX_FRAMES)) throw failure("too_many", { count: frames, limit: MAX_FRAMES });
  const last = Math.floor(frames / 2);
  const steps = Math.min(7, last + 1);
  const shown = [...new Set(Array.from({ length: steps }, (_, i) => Math.round((i * last) / (steps - 1))))];
  const requests = shown.map((frame) => ({ ...settings, interpolation: { ...settings.interpolation, frame } }));
  return { kind: "blend", settings, requests, animation: settings };
}

// Latent vectors at the same angle to the face's, evenly spaced on a circle.
function planNearby(model, request, { angle, number: count, seed }) {
  const { latent, attributes } = definite(model, request);
  const norm = Math.hypot(...latent);
  const basis = [Array.from(latent, (value) => value / norm)];
  const random = normals(seed ?? "0", DIRECTIONS, 2 * latent.length);
  for (const start of [0, latent.length]) {
    let vector = [...random.subarray(start, start + latent.length)];
    for (const other of basis) {
      const along = vector.reduce((sum, value, i) => sum + value * other[i], 0);
      vector = vector.map((value, i) => value - along * other[i]);
    }
    const length = Math.hypot(...vector);
    basis.push(vector.map((value) => value / length));
  }
  const requests = Array.from({ length: count }, (_, index) => {
    const turn = (2 * Math.PI * index) / count;
    const around = (i) => Math.cos(turn) * basis[1][i] + Math.sin(turn) * basis[2][i];
    const moved = Float32Array.from(latent, (value, i) => Math.cos(angle) * value + Math.sin(angle) * norm * around(i));
    return { attributes, latent: moved };
  });
  return { kind: "nearby", settings: null, requests };
}

async function planFile(model, file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text;
  try {
    text = bytes[0] === 0x7b ? JSON.parse(new TextDecoder().decode(bytes)) : await readPngText(bytes);
  } catch {
    throw failure("unreadable");
  }
  const request = requestFromText(text, model.schema);
  if (request.interpolation && request.interpolation.frame === undefined) return planAnimation(request);
  const requests = request.interpolation || request.latent ? [request] : singles(request);
  if (requests.length > LIMITS.number) throw failure("too_many", { count: requests.length, limit: LIMITS.number });
  return { kind: "opened", settings: request, requests };
}

async function loadKept() {
  const schema = new Schema(await schemaContent());
  let stored = [];
  try {
    stored = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
  } catch {
    // Without storage, kept faces last until the page is closed.
  }
  kept = stored.map(({ id, text, url }) => {
    pictures.set(`${id}.0`, url);
    return { id, url, faces: [faceOf(schema, `${id}.0`, text)] };
  });
  return { faces: kept.map((entry) => entry.faces[0]) };
}

function storeKept() {
  try {
    localStorage.setItem(KEPT, JSON.stringify(kept.map(({ id, url, faces }) => ({ id, url, text: faces[0].settings }))));
  } catch {
    // As above.
  }
}

async function keep(id) {
  const face = findFace(id);
  if (kept.length >= MAX_KEPT) throw failure("kept_full", { limit: MAX_KEPT });
  const blob = await (await fetch(pictures.get(id))).blob();
  const url = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(blob);
  });
  const entry = { id: `kept${Date.now()}-${number++}`, url };
  entry.faces = [{ ...face, id: `${entry.id}.0` }];
  pictures.set(`${entry.id}.0`, url);
  kept.unshift(entry);
  storeKept();
  return { face: entry.faces[0] };
}

function remove(id) {
  kept = kept.filter((entry) => entry.id !== id);
  storeKept();
  const index = history.findIndex((entry) => entry.id === id);
  if (index >= 0) forget(...history.splice(index, 1));
  return {};
}

const json = (settings) => `data:application/json,${encodeURIComponent(JSON.stringify(settings, null, 1))}`;

export const pictureOf = (face) => pictures.get(face.id);
export const settingsOf = (face) => json(face.settings);
export function fileOf(entry, name) {
  return name === "settings.json" ? json(entry.settings) : pictures.get(`${entry.id}/${name}`);
}

// Saves a picture or the settings under a name that tells what it is.
export async function save(path) {
  const blob = await (await fetch(path)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = blob.type === "image/png" ? `face-${Date.now()}.png` : `face-${Date.now()}.json`;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
