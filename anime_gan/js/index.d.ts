/** A seed from 0 to 2^63 - 1; a number only if it is a safe integer. */
export type Seed = bigint | number | string;
export type Picks = Record<string, string | boolean | number | null>;
export type Effect = [column: number, value: number][];

export interface Slot {
  name: string;
  start: number;
  size: number;
  isGroup: boolean;
  /** An attribute with a value from -1 to 1, such as the turn of the head. */
  isScale: boolean;
}

export interface Inputs {
  latent: Float32Array;
  labels: Float32Array;
}

export interface Picture {
  width: number;
  height: number;
  /** RGBA with straight alpha. */
  data: Uint8ClampedArray;
}

export interface Interpolation {
  keyframes: string[];
  frames: number;
  fps?: number;
  frame?: number;
  latents?: Float32Array[];
}

export interface FaceRequest {
  attributes?: string;
  seeds?: Seed[];
  truncation?: number;
  changes?: string;
  latent?: Float32Array;
  interpolation?: Interpolation;
}

export class AttributeRequestError extends Error {
  code: string;
  values: Record<string, string>;
}

export class Schema {
  constructor(content: unknown);
  readonly model: string;
  readonly latentDim: number;
  readonly numLabels: number;
  readonly resolution: number;
  readonly channels: number;
  readonly statement: string;
  readonly slots: Slot[];
  readonly columns: string[];
  normalize(text: string): string;
  understands(phrase: string): boolean;
  completed(phrase: string): string;
  parse(text: string): Float32Array;
  effect(code: number): Effect;
  describe(labels: ArrayLike<number>): string;
  encode(picks: Picks): Float32Array;
  decode(labels: ArrayLike<number>): Picks;
  withChanges(labels: Float32Array, changes: string): Float32Array;
  mergedChanges(earlier: string, picks: Picks): string;
}

/** The part of a session of onnxruntime-web or onnxruntime-node that is used. */
export interface Session {
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: unknown; getData?: () => Promise<unknown> }>>;
}

export class FaceModel {
  constructor(content: unknown, session: Session, Tensor: new (type: "float32", data: Float32Array, dims: number[]) => unknown);
  readonly schema: Schema;
  seeded(attributes: string, seed: Seed, truncation?: number): Inputs;
  inputs(request: FaceRequest): Inputs[];
  draw(inputs: Inputs[]): Promise<Picture[]>;
  pictureText(request: FaceRequest, labels?: Float32Array): Record<string, string>;
}

/** Splits a request as people type it, with or without commas, into phrases. */
export function freePhrases(text: string, schema: Schema): { text: string; known: boolean }[];
export function readPhrases(text: string, schema: Schema): { labels: Float32Array; leftOut: string[] };
export function complete(schema: Schema, request: Float32Array, uniforms: ArrayLike<number>): Float32Array;
export function normals(seed: Seed, stream: number, count: number): Float32Array;
export function uniforms(seed: Seed, stream: number, count: number): Float64Array;
export function randomWords(seed: Seed, stream: number, count: number): Uint32Array;
export function philox(counter: number[], key: number[]): number[];
export function parseSeed(seed: Seed): bigint;
export function parseSeeds(text: string): bigint[];
export function formatSeeds(seeds: Seed[]): string;
export function requestText(request: FaceRequest): Record<string, string>;
export function requestFromText(text: Record<string, string>, schema: Schema): FaceRequest;
export function slerp(first: ArrayLike<number>, last: ArrayLike<number>, share: number): Float32Array;
export function closedPath(keyframes: Inputs[], frames: number): Inputs[];
export function toRgba(values: Float32Array, side: number, channels: number): Uint8ClampedArray;
export function writePng(picture: Picture, text?: Record<string, string>): Promise<Blob>;
export function readPngText(bytes: Uint8Array): Promise<Record<string, string>>;
