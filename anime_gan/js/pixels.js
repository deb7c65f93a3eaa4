// Converts pixels of networks to pixels of pictures.

// Rounds halves to even, as TensorFlow and NumPy do.
function round(value) {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 ? below + 1 : below;
}

/**
 * Converts float32 pixels in [-1, 1] of one face to RGBA with straight alpha, for `ImageData`.
 * An alpha channel is premultiplied; transparent pixels get colors of their surroundings.
 */
export function toRgba(values, side, channels) {
  const pixels = new Uint8ClampedArray(4 * side * side);
  const clipped = values.map((value) => Math.min(Math.max(value, -1), 1));
  const straight = channels === 4 ? divided(clipped, side) : clipped;
  for (let pixel = 0; pixel < side * side; pixel++) {
    for (let c = 0; c < channels; c++) {
      pixels[4 * pixel + c] = round(Math.fround(Math.fround(straight[channels * pixel + c] * 127.5) + 127.5));
    }
    if (channels === 3) pixels[4 * pixel + 3] = 255;
  }
  return pixels;
}

// Divides colors by alpha. A transparent pixel gets its color from the largest reduced picture that is not
// transparent at that place (pull-push).
function divided(values, side) {
  const unit = values.map((value) => Math.fround(value * 0.5) + 0.5);
  const visible = Float32Array.from(unit);
  for (let pixel = 0; pixel < side * side; pixel++) {
    if (unit[4 * pixel + 3] < 0.5 / 255) visible.fill(0, 4 * pixel, 4 * pixel + 4);
  }
  const levels = [{ size: side, data: visible }];
  while (levels.at(-1).size > 1) levels.push(halved(levels.at(-1)));
  let below = { size: 1, colors: new Float32Array(3) };
  for (const { size, data } of levels.reverse()) {
    const colors = new Float32Array(3 * size * size);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const pixel = row * size + column;
        const alpha = data[4 * pixel + 3];
        // The nearest center of a pixel.
        const [y, x] = [row, column].map((at) => Math.floor(((2 * at + 1) * below.size) / (2 * size)));
        const source = y * below.size + x;
        for (let c = 0; c < 3; c++) {
          const own = Math.min(data[4 * pixel + c] / alpha, 1);
          colors[3 * pixel + c] = alpha > 0 ? own : below.colors[3 * source + c];
        }
      }
    }
    below = { size, colors };
  }
  const result = new Float32Array(values.length);
  for (let pixel = 0; pixel < side * side; pixel++) {
    for (let c = 0; c < 3; c++) result[4 * pixel + c] = Math.fround(below.colors[3 * pixel + c] * 2) - 1;
    result[4 * pixel + 3] = Math.fround(unit[4 * pixel + 3] * 2) - 1;
  }
  return result;
}

// Averages blocks of 2x2 pixels; at an odd edge, of the pixels that are there.
function halved({ size, data }) {
  const half = Math.ceil(size / 2);
  const result = new Float32Array(4 * half * half);
  for (let row = 0; row < half; row++) {
    for (let column = 0; column < half; column++) {
      const rows = [2 * row, Math.min(2 * row + 1, size - 1)];
      const columns = [2 * column, Math.min(2 * column + 1, size - 1)];
      for (let c = 0; c < 4; c++) {
        let sum = 0;
        for (const y of rows) for (const x of columns) sum += data[4 * (y * size + x) + c];
        result[4 * (row * half + column) + c] = sum / 4;
      }
    }
  }
  return { size: half, data: result };
}
