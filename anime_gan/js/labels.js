// Draws the attributes that a request leaves open from the label rows of the training set.

import { SCALE_VALUES } from "./schema.js";

// Half the width of a bin, and a bit for rounding.
const SAME_BIN = 0.05 + 1e-6;

function pick(weights, uniform) {
  let total = 0;
  for (const weight of weights) total += weight;
  const threshold = uniform * total;
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i];
    if (sum > threshold) return i;
  }
  return 0;
}

// The label rows of the options of an attribute: the values of a group, on and off for a tag, or bins of a scale.
function optionsOf({ size, isGroup, isScale }) {
  if (isScale) return SCALE_VALUES.map((value) => [value]);
  if (!isGroup) return [[1], [-1]];
  return Array.from({ length: size }, (_, option) => Array.from({ length: size }, (_, i) => (i === option ? 1 : -1)));
}

// How often each option occurs in the label rows, where the whole attribute is known.
function frequencies(schema, slot) {
  return optionsOf(slot).map((option) => {
    let total = 0;
    schema.rows.forEach((row, index) => {
      if (option.every((value, i) => row[slot.start + i] === value)) total += schema.counts[index];
    });
    return total;
  });
}

// How far a row agrees with a request in a column: 1 if equal, -1 if opposite, and 0 if one of the two is unknown.
function agreement(wanted, known, isScale) {
  if (!isScale || !wanted || !known) return Math.sign(wanted) * Math.sign(known);
  return Math.abs(wanted - known) <= SAME_BIN ? 1 : -1;
}

/** Completes a label row of +1, -1, and 0 (open); `uniforms` has one number for the row and one per attribute. */
export function complete(schema, request, uniforms) {
  const wanted = Float32Array.from(request);
  for (const [{ start, size }, hider] of schema.hiddenBy) {
    const isNamed = request.subarray(start, start + size).some((value) => value > 0);
    if (isNamed && request[hider] === 0) wanted[hider] = -1;
  }
  const asked = wanted.filter(Boolean).length;
  const isScale = schema.slots.flatMap((slot) => Array(slot.size).fill(slot.isScale));
  let most = -Infinity;
  const scores = schema.rows.map((row) => {
    let [difference, compared] = [0, 0];
    for (let i = 0; i < row.length; i++) {
      difference += agreement(wanted[i], row[i], isScale[i]);
      compared += wanted[i] && row[i] ? 1 : 0;
    }
    most = Math.max(most, difference);
    return { difference, compared };
  });
  const rules = [
    ({ difference }) => difference >= asked,
    ({ difference, compared }) => difference >= compared,
    ({ difference }) => difference >= most,
  ];
  const rule = rules.find((candidate) => scores.some(candidate));
  const weights = scores.map((score, index) => (rule(score) ? schema.counts[index] : 0));
  const row = schema.rows[pick(weights, uniforms[0])];
  const labels = new Float32Array(wanted.length);
  schema.slots.forEach((slot, number) => {
    const { start, size } = slot;
    const columns = Array.from({ length: size }, (_, i) => start + i);
    // If one column of an attribute contradicts the request, the row's whole attribute is ignored.
    const clash = columns.some((column) => wanted[column] * row[column] < 0);
    const known = columns.map((column) => (clash || wanted[column] !== 0 ? wanted[column] : row[column]));
    const isKnown = known.some((value) => value > 0) || (size === 1 && known[0] !== 0);
    labels.set(isKnown ? known : drawn(schema, slot, known, uniforms[1 + number]), start);
  });
  return labels;
}

// Draws one attribute by its frequencies in the training set, from the options that the row allows.
function drawn(schema, slot, known, uniform) {
  const options = optionsOf(slot);
  const allowed = options.map((option) => (option.every((value, i) => !known[i] || known[i] === value) ? 1 : 0));
  const often = frequencies(schema, slot);
  const weights = allowed.map((isAllowed, i) => isAllowed * often[i]);
  return options[pick(weights.some(Boolean) ? weights : allowed, uniform)];
}
