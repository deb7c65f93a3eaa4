// Wishes for single faces that make no history entry. The newest wish of a kind replaces the one before.

import { draw } from "./engine.js";

const running = new Map();
const newest = new Map();

// Draws { kind: ... } without a history entry, after the running wish with the same name was stopped. Calls
// seen(face, index) for each face, waits() if the model must be loaded first, and returns all faces; null if a newer
// wish replaced this one.
export async function wish(name, body, seen = () => {}, waits = () => {}) {
  running.get(name)?.abort();
  const own = new AbortController();
  running.set(name, own);
  const found = [];
  const noted = (event) => {
    if (event.ready === false) waits();
    const item = event.face ?? event.reading;
    if (!item || own.signal.aborted) return;
    found.push(item);
    seen(item, found.length - 1);
  };
  try {
    await draw({ ...body, preview: true }, noted, own.signal);
    return own.signal.aborted ? null : found;
  } catch (error) {
    if (error.name === "AbortError" || own.signal.aborted) return null;
    throw error;
  }
}

// The same for something that moves: waits for the running wish, and is dropped if a newer one comes meanwhile.
export async function steadyWish(name, body) {
  const before = newest.get(name)?.catch(() => null);
  const own = (async () => {
    await before;
    return newest.get(name) === own ? await wish(name, body) : null;
  })();
  newest.set(name, own);
  return own;
}

export function stop(...names) {
  for (const name of names) running.get(name)?.abort();
}

// The same face with other attributes, once for each of the sets ({ attribute: value }).
export const change = (name, face, sets, ...told) => wish(name, { kind: "change", face: face.settings, sets }, ...told);
export const steadyChange = (name, face, set) => steadyWish(name, { kind: "change", face: face.settings, sets: [set] });

// What the judges of the model see in faces: [{ attributes, intact }].
export const read = (faces, seen) => wish("read", { kind: "read", faces: faces.map((face) => face.settings) }, seen);
