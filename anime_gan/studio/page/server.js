// Requests to the server. A page without a server has anime_gan/portable/page/server.js instead.

class Told extends Error {
  constructor({ error, values, message }) {
    super(message);
    this.code = error;
    this.values = values;
  }
}

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

export async function get(path) {
  return (await send(path)).json();
}

export async function post(path, body) {
  return (await send(path, posted(body))).json();
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
  const path = body instanceof Blob ? "api/open" : "api/draw";
  for await (const event of events(path, body, signal)) {
    seen(event);
    if (event.done) return event.done;
  }
  throw new Told({ error: "unreachable" });
}

// What can be saved besides pictures and settings: [ending, name] of animations.
export const ANIMATIONS = [["webp", "WebP"], ["gif", "GIF"]];
export const SHEETS = true;
export const ARCHIVES = true;

export const pictureOf = (face) => `files/${face.id.replace(".", "/")}.png`;
export const settingsOf = (face) => `files/${face.id.replace(".", "/")}.json`;
export const fileOf = (entry, name) => `files/${entry.id}/${name}`;

// Saves a file under the name that the server suggests.
export async function save(path) {
  const response = await send(path);
  const name = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("Content-Disposition") ?? "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name ? decodeURIComponent(name[1]) : path.split("/").pop();
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
