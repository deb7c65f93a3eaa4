/** Draws anime faces with the portable form of a model; see docs/portable.md. */

export { freePhrases, readPhrases } from "./free_phrases.js";
export { closedPath, slerp } from "./interpolation.js";
export { complete } from "./labels.js";
export { FaceModel } from "./model.js";
export { normals, parseSeed, philox, randomWords, uniforms } from "./philox.js";
export { toRgba } from "./pixels.js";
export { readPngText, writePng } from "./png.js";
export { formatSeeds, parseSeeds, requestFromText, requestText } from "./request.js";
export { AttributeRequestError, Schema } from "./schema.js";
