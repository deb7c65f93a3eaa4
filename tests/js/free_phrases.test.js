// Requests without commas mean the same in JavaScript as in Python.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import words from "../../anime_gan/js/free_words.js";
import { Schema, freePhrases, readPhrases } from "../../anime_gan/js/index.js";

const read = (path) => JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url)));
const schema = new Schema(read("anime_gan/pretrained/sutemo-64/1/portable/schema.json"));

test("the words are those of Python", () => {
  assert.deepEqual(words, read("anime_gan/attributes/free_words.json"));
});

test("all cases agree", () => {
  for (const { typed, means, unknown } of read("tests/data/free_phrases.json")) {
    const phrases = freePhrases(typed, schema);
    const known = phrases.filter((phrase) => phrase.known).map((phrase) => phrase.text);
    assert.equal(schema.describe(schema.parse(known.join(", "))), means, typed);
    assert.deepEqual(phrases.filter((phrase) => !phrase.known).map((phrase) => phrase.text), unknown, typed);
  }
});

test("what contradicts is left out", () => {
  const { labels, leftOut } = readPhrases("blue hair red hair smile frog", schema);
  assert.equal(schema.describe(labels), "blue hair, smile");
  assert.deepEqual(leftOut, ["red hair", "frog"]);
});
