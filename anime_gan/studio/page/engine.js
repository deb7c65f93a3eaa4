// The engine: draws, reads, and keeps faces with the server. A page without a server has
// anime_gan/portable/page/engine.js instead, with the same functions.

import { Told, download } from "./dom.js";

async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Told({ error: "unreachable" });
  }
  if (response.ok) return response;
  let told = { error: "failed" };
  try {
    told = await response.json();
  } catch {
    // The response contains no error message.
  }
  throw new Told(told);
}

function posted(body, signal) {
  const isFile = body instanceof Blob;
  const type = isFile ? "application/octet-stream" : "application/json";
  return { method: "POST", body: isFile ? body : JSON.stringify(body), headers: { "Content-Type": type }, signal };
}

const get = async (path) => (await send(path)).json();
const post = async (path, body) => (await send(path, posted(body))).json();

// Attributes, limits, and the faces to show first.
export const about = () => get("api/studio");

// { attributes, left_out }: typed words as picks, and the phrases that were not understood.
export const words = (text) => post("api/words", { words: text });

export const history = (before) => get(before ? `api/history?before=${before}` : "api/history");
export const kept = async () => (await get("api/kept")).faces;
export const remove = (entry) => post("api/remove", { entry });

// Keeps a face; returns the kept copy.
export async function keep(face) {
  if (face.id) return (await post("api/keep", { face: face.id })).face;
  return (await draw({ kind: "kept", face: face.settings })).faces[0];
}

// The events that the server sends while it draws.
async function* events(path, body, signal) {
  const response = await send(path, posted(body, signal));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const event = JSON.parse(line);
        if (event.error) throw new Told(event);
        yield event;
      }
    }
  } catch (error) {
    if (error instanceof Told || error.name === "AbortError") throw error;
    throw new Told({ error: "unreachable" });
  }
}

// Draws a request ({ kind: ... }) or a dropped file. Calls seen(event) for each event, and returns the
// finished entry.
export async function draw(body, seen = () => {}, signal = undefined) {
  return finished(body instanceof Blob ? "api/open" : "api/draw", body, seen, signal);
}

// Finds the face that is closest to a picture of the user's own; returns an entry with { poor }.
export const project = (file, seen, signal) => finished("api/project", file, seen, signal);

async function finished(path, body, seen, signal) {
  for await (const event of events(path, body, signal)) {
    seen(event);
    if (event.done) return event.done;
  }
  throw new Told({ error: "unreachable" });
}

// What can be saved besides pictures and settings: [ending, name] of animations.
export const ANIMATIONS = [["webp", "WebP"], ["gif", "GIF"]];
// Character packs: [engine, name].
export const CHARACTERS = [["", ""], ["renpy", "Ren'Py"], ["godot", "Godot"], ["unity", "Unity"], ["rpgmaker", "RPG Maker"]];
export const SHEETS = true;
export const ARCHIVES = true;

export const pictureOf = (face) => face.picture ?? `files/${face.id.replace(".", "/")}.png`;
export const fileOf = (entry, name) => `files/${entry.id}/${name}`;

// Saves a file under the name that the server suggests.
export async function save(path, suggested) {
  const response = await send(path);
  const name = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("Content-Disposition") ?? "");
  download(await response.blob(), name ? decodeURIComponent(name[1]) : suggested);
}
