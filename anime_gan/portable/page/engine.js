// Takes the place of the studio's engine.js: the same functions, computed in the browser.

import { FaceModel, Schema, normals, parseSeed, readPhrases, readPngText, requestFromText, writePng } from "./anime_gan/index.js";
import { writeApng } from "./apng.js";
import { download } from "./dom.js";

const LANGUAGES = { en: "English", zh: "简体中文", ja: "日本語" };
const LIMITS = { number: 64, candidates: 1, file: 4 * 2 ** 20 };
const KEPT = "anime_gan.kept";
const MAX_KEPT = 100;
const HISTORY = 50;
const MAX_FRAMES = 240;
// Pictures of faces outside of the history whose memory is kept.
const PREVIEWS = 2_000;
// Stream of the random directions of similar faces; 0 and 1 belong to latent vectors and labels.
const DIRECTIONS = 2;

// What the page can save besides pictures and settings.
export const ANIMATIONS = [["webp", "APNG"]];
export const CHARACTERS = [];
export const SHEETS = false;
export const ARCHIVES = false;

const entries = [];
const previews = [];
const pictures = new Map();
let keptEntries = [];
let number = 0;

function failure(code, values = {}, message = "") {
  return Object.assign(new Error(message), { code, values });
}

// Loaded once, when the first face is drawn or the page starts.
let content = null;
function schemaContent() {
  return (content ??= fetch("model/schema.json").then((response) => response.json()));
}

// Whether the page has the runtime for graphics cards.
const HAS_WEBGPU = false; // Filled in by anime_gan.portable.

let adapter = null;
function hasGraphicsCard() {
  // The browser's software card is slower than WebAssembly.
  return (adapter ??= (async () => {
    const found = HAS_WEBGPU ? await navigator.gpu?.requestAdapter().catch(() => null) : null;
    return Boolean(found) && !found.info?.isFallbackAdapter;
  })());
}

async function runtime(build) {
  const ort = await import(`./runtime/ort.${build}.min.mjs`);
  // Hosts without isolation headers allow no more threads.
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = new URL("runtime/", location.href).href;
  return ort;
}

async function opened(build, parts) {
  const [ort, data, parsed] = await Promise.all([runtime(build), ...parts]);
  const session = await ort.InferenceSession.create(data, { executionProviders: [build] });
  return new FaceModel(parsed, session, ort.Tensor);
}

async function openedOnCard(parts) {
  try {
    const model = await opened("webgpu", parts);
    // Some cards fail only when they compute.
    await model.draw(model.inputs({}));
    return model;
  } catch (error) {
    console.warn(`The graphics card cannot be used: ${error.message}`);
    return null;
  }
}

let loading = null;
function load() {
  return (loading ??= (async () => {
    const data = fetch("model/model.onnx").then((response) => response.arrayBuffer());
    const parts = [data, schemaContent()];
    return ((await hasGraphicsCard()) && (await openedOnCard(parts))) || opened("wasm", parts);
  })().catch((error) => {
    loading = null;
    throw failure("model_broken", { reason: error.message });
  }));
}

export async function history(before) {
  const start = before ? entries.findIndex((entry) => entry.id === before) + 1 : 0;
  return { entries: entries.slice(start, start + 20), more: entries.length > start + 20 };
}

async function registerWorker() {
  await navigator.serviceWorker?.register((await hasGraphicsCard()) ? "worker.js?webgpu" : "worker.js");
}

export async function about() {
  const schema = new Schema(await schemaContent());
  // The model loads while the user chooses attributes.
  load().catch(() => {});
  // The page need not wait for that.
  registerWorker().catch(() => {});
  const term = ({ name, phrase }) => ({ name, phrase });
  return {
    model: schema.model,
    ready: false,
    attributes: schema.attributes.map(({ name, phrase, values, low, high, unit }) => ({
      name,
      phrase: phrase ?? name.replaceAll("_", " "),
      values: values ? values.map(term) : null,
      ...(low === undefined ? {} : { low, high, unit }),
    })),
    hidden: schema.hiddenBy.map(([slot, column]) => ({ hidden: slot.name, by: schema.columns[column] })),
    languages: LANGUAGES,
    arrival: null,
    readings: false,
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

export async function words(text) {
  const schema = new Schema(await schemaContent());
  try {
    const { labels, leftOut } = readPhrases(text, schema);
    return { attributes: schema.decode(labels), left_out: leftOut.map((part) => ({ words: part, meant: "" })) };
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
    if (body.reuse) {
      const text = JSON.stringify(model.pictureText(plan.settings));
      const known = entries.find((entry) => entry.kind === plan.kind && JSON.stringify(entry.settings) === text);
      if (known) return known;
    }
    if (body.preview) return await previewed(model, plan, body, seen, signal);
    return await drawn(model, plan, seen, signal);
  } catch (error) {
    throw error.name === "AbortError" ? error : told(error);
  }
}

// Only the server can search for the face of a picture.
export async function project() {
  throw failure("not_ours");
}

// Lets the page show the face before, and notice a click on Stop.
async function pause(signal) {
  await new Promise((resolve) => setTimeout(resolve));
  if (signal?.aborted) throw new DOMException("stopped", "AbortError");
}

// Draws faces that are not in the history.
async function previewed(model, { requests }, { size, background }, seen, signal) {
  for (const request of requests) {
    await pause(signal);
    const [inputs] = model.inputs(request);
    const [picture] = await model.draw([inputs]);
    const text = model.pictureText(request, inputs.labels);
    const shown = size || background ? resized(picture, size || picture.width, background) : picture;
    const address = URL.createObjectURL(await writePng(shown, size ? { ...text, size: `${size}` } : text));
    previews.push(address);
    for (const old of previews.splice(0, previews.length - PREVIEWS)) URL.revokeObjectURL(old);
    seen({ face: { ...faceOf(model.schema, null, text), picture: address } });
  }
  return {};
}

// A picture at another size, transparent or on a color.
function resized(picture, size, background) {
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d");
  const source = new OffscreenCanvas(picture.width, picture.height);
  source.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(picture.data), picture.width), 0, 0);
  if (background) {
    context.fillStyle = background;
    context.fillRect(0, 0, size, size);
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, size, size);
  return { ...picture, width: size, height: size, data: context.getImageData(0, 0, size, size).data };
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
    await pause(signal);
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
      await pause(signal);
      frames.push(...(await model.draw([inputs])));
      seen({ progress: frames.length, total: animation.interpolation.frames });
    }
    const file = await writeApng(frames, animation.interpolation.fps, settingsText);
    pictures.set(`${id}/animation.webp`, URL.createObjectURL(file));
  }
  if (kind === "arrival") return entry;
  entries.unshift(entry);
  for (const old of entries.splice(HISTORY)) forget(old);
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
  const face = [...entries, ...keptEntries].flatMap((entry) => entry.faces).find((other) => other.id === id);
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
  if (body.kind === "arrival") return { kind: "arrival", settings: null, requests: firstFaces(schema) };
  if (body.kind === "blend") return planBlend(model, body.faces.map((face) => requestOf(schema, face)), body.frames ?? 24 * body.faces.length);
  const request = requestOf(schema, body.face);
  const changed = (picks) => ({ ...request, changes: schema.mergedChanges(request.changes, picks) });
  if (body.kind === "change" && body.sets) {
    return { kind: "change", settings: null, requests: body.sets.map(changed) };
  }
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
  if (body.kind === "nearby") {
    const turns = Array.from({ length: body.number }, (_, index) => (2 * Math.PI * index) / body.number);
    return planNearby(model, request, body.angle, turns, body.seed);
  }
  if (body.kind === "point") {
    return planNearby(model, request, Math.hypot(body.x, body.y), [Math.atan2(body.y, body.x)], body.seed);
  }
  throw failure("missing", { name: "kind" });
}

// Faces to start with: each has another color, and everything else is open.
function firstFaces(schema) {
  const groups = schema.attributes.filter(({ values }) => values);
  const group = groups.find(({ name }) => name.endsWith("color")) ?? groups[0];
  const words = group ? group.values.map((value) => `${group.name}=${value.name}`) : [""];
  return Array.from({ length: 16 }, (_, i) => ({ attributes: words[i % words.length], seeds: [BigInt(i)], truncation: 1 }));
}

function singles(request) {
  return request.seeds.map((seed) => ({ ...request, seeds: [seed] }));
}

// The request of a face that is given by its identifier or by its settings.
function requestOf(schema, face) {
  return requestFromText(typeof face === "string" ? findFace(face).settings : face, schema);
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

// Latent vectors at the same angle to the face's, at several turns on a circle.
function planNearby(model, request, angle, turns, seed) {
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
  const requests = turns.map((turn) => {
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

export async function kept() {
  const schema = new Schema(await schemaContent());
  let stored = [];
  try {
    stored = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
  } catch {
    // Without storage, kept faces last until the page is closed.
  }
  keptEntries = stored.map(({ id, text, url }) => {
    pictures.set(`${id}.0`, url);
    return { id, url, faces: [faceOf(schema, `${id}.0`, text)] };
  });
  return keptEntries.map((entry) => entry.faces[0]);
}

function storeKept() {
  try {
    localStorage.setItem(KEPT, JSON.stringify(keptEntries.map(({ id, url, faces }) => ({ id, url, text: faces[0].settings }))));
  } catch {
    // As above.
  }
}

export async function keep(face) {
  if (keptEntries.length >= MAX_KEPT) throw failure("kept_full", { limit: MAX_KEPT });
  const blob = await (await fetch(pictureOf(face))).blob();
  const url = await new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.readAsDataURL(blob);
  });
  const entry = { id: `kept${Date.now()}-${number++}`, url };
  entry.faces = [{ ...face, id: `${entry.id}.0`, picture: url }];
  pictures.set(`${entry.id}.0`, url);
  keptEntries.unshift(entry);
  storeKept();
  return entry.faces[0];
}

export async function remove(id) {
  keptEntries = keptEntries.filter((entry) => entry.id !== id);
  storeKept();
  const index = entries.findIndex((entry) => entry.id === id);
  if (index >= 0) forget(...entries.splice(index, 1));
}

export const pictureOf = (face) => face.picture ?? pictures.get(face.id);
export const fileOf = (entry, name) => pictures.get(`${entry.id}/${name}`);

// Saves a picture or the settings.
export async function save(path, name) {
  download(await (await fetch(path)).blob(), name.startsWith("blob:") ? "face.png" : name);
}
