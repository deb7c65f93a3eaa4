// Writes and reads PNG files that contain the settings of a face, as generate.py does.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const MAX_TEXT = 2 ** 20;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

async function through(bytes, stream) {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}

/** A chunk with its length and its checksum. */
export function chunk(type, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** The first chunk of a PNG with 3 or 4 channels. */
export function header(width, height, channels) {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([8, channels === 3 ? 2 : 6, 0, 0, 0], 8);
  return chunk("IHDR", data);
}

/** The compressed pixels of a picture in RGBA, with 3 or 4 channels. */
export async function compressedRows({ width, height, data }, channels) {
  // Each row begins with the number of its filter, which is 0 for none.
  const rows = new Uint8Array(height * (1 + channels * width));
  for (let pixel = 0; pixel < width * height; pixel++) {
    const at = Math.floor(pixel / width) * (1 + channels * width) + 1 + channels * (pixel % width);
    for (let c = 0; c < channels; c++) rows[at + c] = data[4 * pixel + c];
  }
  return through(rows, new CompressionStream("deflate"));
}

/** Puts the chunks of a PNG together, with text fields after the header. */
export function assemble([first, ...others], text) {
  const texts = Object.entries(text).map(([name, value]) => {
    return chunk("iTXt", new TextEncoder().encode(`${name}\0\0\0\0\0${value}`));
  });
  const parts = [new Uint8Array(SIGNATURE), first, ...texts, ...others, chunk("IEND", new Uint8Array())];
  return new Blob(parts, { type: "image/png" });
}

/** Writes RGBA pixels as a PNG with text fields; opaque pictures have no alpha channel. */
export async function writePng(picture, text = {}) {
  const isOpaque = picture.data.every((value, index) => index % 4 !== 3 || value === 255);
  const channels = isOpaque ? 3 : 4;
  const { width, height } = picture;
  const pixels = chunk("IDAT", await compressedRows(picture, channels));
  return assemble([header(width, height, channels), pixels], text);
}

/** Reads the text fields of a PNG file; throws if it is not one. */
export async function readPngText(bytes) {
  if (!SIGNATURE.every((value, index) => bytes[index] === value)) throw new TypeError("this is not a PNG file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = {};
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    const end = data.indexOf(0);
    if (type === "IEND") break;
    if ((type === "tEXt" || type === "iTXt") && end > 0 && length <= MAX_TEXT) {
      const name = new TextDecoder("latin1").decode(data.subarray(0, end));
      if (type === "tEXt") text[name] = new TextDecoder("latin1").decode(data.subarray(end + 1));
      else text[name] = await internationalText(data, end);
    }
    at += 12 + length;
  }
  return text;
}

async function internationalText(data, end) {
  const language = data.indexOf(0, end + 3);
  const start = data.indexOf(0, language + 1) + 1;
  const value = data.subarray(start);
  return new TextDecoder().decode(data[end + 1] ? await through(value, new DecompressionStream("deflate")) : value);
}
