// Draws faces with onnxruntime-web or onnxruntime-node.

import { closedPath } from "./interpolation.js";
import { complete } from "./labels.js";
import { normals, parseSeed, uniforms } from "./philox.js";
import { toRgba } from "./pixels.js";
import { requestText } from "./request.js";
import { Schema } from "./schema.js";

const LATENT_STREAM = 0;
const LABEL_STREAM = 1;

/** A model that is loaded and ready to draw. */
export class FaceModel {
  /**
   * @param {object} content The parsed schema.json.
   * @param {object} session An InferenceSession of model.onnx.
   * @param {Function} Tensor The Tensor class of the same runtime.
   */
  constructor(content, session, Tensor) {
    this.schema = new Schema(content);
    this.session = session;
    this.Tensor = Tensor;
  }

  /** Computes the latent vector and the complete labels of one seed. */
  seeded(attributes, seed, truncation = 1) {
    if (!(truncation > 0 && truncation <= 1)) throw new RangeError("the truncation must be above 0 and at most 1");
    const { schema } = this;
    const value = parseSeed(seed);
    const scale = Math.fround(truncation);
    const latent = normals(value, LATENT_STREAM, schema.latentDim).map((number) => number * scale);
    const wanted = schema.parse(attributes);
    if (!schema.numLabels) return { latent, labels: wanted };
    return { latent, labels: complete(schema, wanted, uniforms(value, LABEL_STREAM, 1 + schema.slots.length)) };
  }

  /** Computes the inputs of all faces or frames of a request: [{ latent, labels }]. */
  inputs({ attributes = "", seeds = [0n], truncation = 1, changes = "", latent, interpolation }) {
    const { schema } = this;
    let rows;
    if (latent) rows = [{ latent, labels: this.#definite(attributes, latent) }];
    else if (!interpolation) rows = seeds.map((seed) => this.seeded(attributes, seed, truncation));
    else {
      const { keyframes, frames, frame, latents } = interpolation;
      const words = (seeds.length > 1 && keyframes.length === 1 ? seeds.map(() => keyframes[0]) : keyframes).map(
        (keyframe) => [attributes, keyframe].filter(Boolean).join(", "),
      );
      let ends;
      if (latents) ends = words.map((text, i) => ({ latent: latents[i], labels: this.#definite(text, latents[i]) }));
      else if (seeds.length === 1) {
        // One face: attributes that the first keyframe leaves open keep their values.
        const first = this.seeded(words[0], seeds[0], truncation);
        ends = words.map((text) => ({ latent: first.latent, labels: schema.withChanges(first.labels, text) }));
      } else ends = words.map((text, i) => this.seeded(text, seeds[i], truncation));
      rows = closedPath(ends, frames);
      if (frame !== undefined) rows = [rows[frame]];
    }
    return rows.map((row) => ({ latent: row.latent, labels: schema.withChanges(row.labels, changes) }));
  }

  /** Draws faces; returns pictures like ImageData: { width, height, data } in RGBA with straight alpha. */
  async draw(inputs) {
    const { resolution: side, channels, latentDim, numLabels } = this.schema;
    const pictures = [];
    // One at a time: in a batch, rounding could depend on the other faces, and memory would grow.
    for (const { latent, labels } of inputs) {
      const feeds = { latents: new this.Tensor("float32", Float32Array.from(latent), [1, latentDim]) };
      if (numLabels) feeds.labels = new this.Tensor("float32", Float32Array.from(labels), [1, numLabels]);
      const { images } = await this.session.run(feeds);
      const values = images.getData ? await images.getData() : images.data;
      pictures.push({ width: side, height: side, data: toRgba(values, side, channels) });
    }
    return pictures;
  }

  /** Returns the text fields of a picture, from which generate.py --like draws it again. */
  pictureText(request, labels) {
    const text = { Software: "anime_gan", model: this.schema.model, ...requestText(request) };
    if (labels && this.#haveWords(labels)) text.labels = this.schema.describe(labels);
    return text;
  }

  // Between two values of a group, the words for a label row stand for another row.
  #haveWords(labels) {
    try {
      return this.schema.parse(this.schema.describe(labels)).every((label, i) => label === labels[i]);
    } catch {
      return false;
    }
  }

  #definite(attributes, latent) {
    const labels = this.schema.parse(attributes);
    if (latent.length !== this.schema.latentDim || !labels.every(Boolean)) {
      throw new RangeError("a face without a seed needs a whole latent vector and every attribute");
    }
    return labels;
  }
}
