// The JavaScript package computes what the TensorFlow graph computes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import {
  AttributeRequestError,
  FaceModel,
  Schema,
  closedPath,
  formatSeeds,
  parseSeeds,
  philox,
  readPngText,
  requestFromText,
  toRgba,
  writePng,
} from "../../anime_gan/js/index.js";

const { schema: content, vectors } = JSON.parse(readFileSync(new URL("../data/portable_vectors.json", import.meta.url)));
const model = new FaceModel(content, null, null);
const { schema } = model;

test("all vectors agree", () => {
  assert.equal(vectors.length, 100);
  for (const { attributes, seed, truncation, latents, labels } of vectors) {
    const face = model.seeded(attributes, seed, truncation);
    latents.forEach((value, i) => assert.ok(Math.abs(face.latent[i] - value) < 1e-6, `latent ${i} of ${seed}`));
    assert.deepEqual(face.labels, Float32Array.from(labels), attributes);
    assert.deepEqual(schema.parse(schema.describe(face.labels)), face.labels);
  }
});

test("known answers of Philox", () => {
  assert.deepEqual(philox([0, 0, 0, 0], [0, 0]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
});

test("words", () => {
  const decoded = (text) => Object.entries(schema.decode(schema.parse(text))).filter(([, value]) => value !== null);
  assert.deepEqual(decoded("Hair = BLUE, no smile"), [["hair_color", "blue"], ["smile", false]]);
  assert.deepEqual(decoded("eyes=red，glasses=no"), [["eye_color", "red"], ["glasses", false]]);
  assert.deepEqual(decoded("score=-1"), [["score", "-1"]]);
  assert.deepEqual(decoded(""), []);
  for (const wrong of ["blu hair", "smile, no smile", "smile, smile 40%", "smile 101%", "smile -40%", "no smile 40%", "hair=-blue,-red hair,-black hair,-blonde hair", "blue"]) {
    assert.throws(() => schema.parse(wrong), AttributeRequestError, wrong);
  }
});

test("strengths and scales", () => {
  const row = (text) => Object.fromEntries(schema.columns.map((name, i) => [name, schema.parse(text)[i]]));
  assert.equal(row("smile 40%").smile, Math.fround(-0.2));
  assert.equal(row("微笑40%").smile, Math.fround(-0.2));
  assert.equal(row("turned left").turn, Math.fround(-0.6));
  assert.equal(row("head turn 10 degrees").turn, 0.25);
  assert.equal(row("head turn-10 degrees").turn, -0.25);
  assert.equal(row("turn=0").turn, 1 / 1024, "0 means unknown");
  assert.equal(schema.describe(schema.encode({ turn: -10 })), "head turn -25%");
  assert.equal(schema.decode(schema.parse("turn=0.3")).turn, 12);
  assert.throws(() => schema.encode({ turn: 41 }), AttributeRequestError);
  for (const wrong of ["turn=2", "head turn", "no head turn", "turned left, turn=0.2"]) {
    assert.throws(() => schema.parse(wrong), AttributeRequestError, wrong);
  }
});

test("an eye color opens closed eyes", () => {
  const closed = schema.encode({ hair_color: "red", smile: true, eye_color: "blue", closed_eyes: true, glasses: false, score: "0", turn: 5 });
  const changed = schema.withChanges(closed, "green eyes");
  assert.equal(schema.decode(changed).closed_eyes, false);
  assert.equal(schema.decode(changed).eye_color, "green");
  assert.equal(schema.mergedChanges("green eyes, smile", { eye_color: "red" }), "smile, red eyes");
});

test("seeds", () => {
  assert.deepEqual(parseSeeds("0-2,9223372036854775807"), [0n, 1n, 2n, 2n ** 63n - 1n]);
  assert.equal(formatSeeds([0, 1, 2, 7]), "0-2,7");
  for (const wrong of ["", "-1", "9223372036854775808", "3-1", "1.5"]) assert.throws(() => parseSeeds(wrong), wrong);
  assert.throws(() => model.seeded("", 2 ** 60));
});

test("unknown versions are refused", () => {
  assert.throws(() => new Schema({ ...content, version: 3 }), /version 3/);
  assert.throws(() => new Schema({}), TypeError);
});

test("settings survive a PNG", async () => {
  const request = { attributes: "blue hair", seeds: [5n], truncation: 0.7, changes: "smile" };
  const [{ labels }] = model.inputs(request);
  const text = model.pictureText(request, labels);
  const data = new Uint8ClampedArray(4 * 6).map((_, i) => i * 10);
  const bytes = new Uint8Array(await (await writePng({ width: 3, height: 2, data }, text)).arrayBuffer());
  assert.deepEqual(await readPngText(bytes), text);
  assert.deepEqual(requestFromText(text, schema), request);
  assert.throws(() => requestFromText({ ...text, model: "ab" }, schema), /model ab/);
  const latent = Float32Array.from([0.1, -2, 3, 0, 5, 6, 7]);
  const projected = { attributes: schema.describe(labels), latent };
  assert.deepEqual(requestFromText(model.pictureText(projected), schema).latent, latent);
});

test("pixels", () => {
  // Premultiplied: an opaque gray pixel, a half transparent red one, and two transparent ones.
  const values = Float32Array.from([0, 0, 0, 1, 0, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1, -1]);
  const rgba = toRgba(values, 2, 4);
  assert.deepEqual([...rgba.slice(0, 8)], [128, 128, 128, 255, 255, 0, 0, 128]);
  assert.equal(rgba[11], 0);
  // Weighted by alpha: (1 * 0.5 + 0.5 * 1) / 1.5 of red.
  assert.deepEqual([...rgba.slice(8, 11)], [170, 85, 85]);
  assert.deepEqual([...toRgba(Float32Array.from([-1, 0, 2]), 1, 3)], [0, 128, 255, 255]);
});

test("an animation starts at its keyframes", () => {
  const [a, b] = [model.seeded("", 1), model.seeded("", 2)];
  const frames = closedPath([a, b], 8);
  assert.deepEqual(frames[0].latent, a.latent);
  assert.deepEqual(frames[4].labels, b.labels);
  assert.equal(frames.length, 8);
});
