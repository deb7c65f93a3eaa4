// TensorFlow's stateless random numbers: the same seed gives the same numbers as in Python.
// docs/portable_format.md defines each step.

const ROUNDS = 10;
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57];
const WEYL = [0x9e3779b9, 0xbb67ae85];
const SCRAMBLE_KEY = [0x3ec8f720, 0x02461e29];
const SMALLEST_UNIFORM = Math.fround(1e-7);
const SEED_LIMIT = 1n << 63n;

// The high and the low word of a product of two 32-bit words, without BigInt, which is slow.
function multiply(a, b) {
  const low = (a & 0xffff) * b;
  const high = (a >>> 16) * b;
  // Both sums stay below 2^53.
  const middle = high + Math.floor(low / 0x10000);
  return [Math.floor(middle / 0x10000) >>> 0, Math.imul(a, b) >>> 0];
}

/** Encrypts a counter of four words under a key of two; the lowest word comes first. */
export function philox(counter, key) {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [highA, lowA] = multiply(MULTIPLIERS[0], c0);
    const [highB, lowB] = multiply(MULTIPLIERS[1], c2);
    [c0, c1, c2, c3] = [(highB ^ c1 ^ k0) >>> 0, lowB, (highA ^ c3 ^ k1) >>> 0, lowA];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** Reads a seed: a BigInt, a whole number up to 2^53 - 1, or a text of digits; 0 to 2^63 - 1. */
export function parseSeed(seed) {
  const isSafe = typeof seed === "bigint" || (typeof seed === "number" && Number.isSafeInteger(seed));
  if (!isSafe && !(typeof seed === "string" && /^[0-9]{1,19}$/.test(seed))) {
    throw new RangeError(`the seed ${String(seed)} is not a whole number from 0 to 2^63-1`);
  }
  const value = BigInt(seed);
  if (value < 0n || value >= SEED_LIMIT) throw new RangeError("the seed must be 0 to 2^63-1");
  return value;
}

/** Draws `count` random words from a seed and the number of a stream. */
export function randomWords(seed, stream, count) {
  const value = parseSeed(seed);
  const pair = [Number(value & 0xffffffffn), Number(value >> 32n), stream, 0];
  const mixed = philox(pair, SCRAMBLE_KEY);
  const words = new Uint32Array(4 * Math.ceil(count / 4));
  for (let block = 0; block < words.length / 4; block++) {
    words.set(philox([block, 0, mixed[2], mixed[3]], [mixed[0], mixed[1]]), 4 * block);
  }
  return words.subarray(0, count);
}

/** Draws standard normal numbers by the Box-Muller transform. */
export function normals(seed, stream, count) {
  const words = randomWords(seed, stream, 2 * Math.ceil(count / 2));
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i += 2) {
    const [first, second] = [words[i], words[i + 1]].map((word) => (word & 0x7fffff) * 2 ** -23);
    const radius = Math.sqrt(-2 * Math.log(Math.max(first, SMALLEST_UNIFORM)));
    const angle = Math.fround(2 * Math.PI * second);
    values[i] = Math.sin(angle) * radius;
    values[i + 1] = Math.cos(angle) * radius;
  }
  return values.subarray(0, count);
}

/** Draws uniform numbers in [0, 1) with 52 random bits. */
export function uniforms(seed, stream, count) {
  const words = randomWords(seed, stream, 2 * count);
  return Float64Array.from({ length: count }, (_, i) => {
    return ((words[2 * i] & 0xfffff) * 2 ** 32 + words[2 * i + 1]) * 2 ** -52;
  });
}
