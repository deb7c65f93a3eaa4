// Creates elements, shows messages, and saves files.

import { sentence, t } from "./language.js";

// An error of the engine, with a code and values for its sentence.
export class Told extends Error {
  constructor({ error, values, message }) {
    super(message);
    this.code = error;
    this.values = values;
  }
}

// el("button", { class: "quiet", onclick: f }, "text", otherElement): null children are omitted.
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// A button that does not submit a form.
export const button = (words, onclick, properties = {}) => el("button", { type: "button", onclick, ...properties }, words);

export const byId = (id) => document.getElementById(id);

// A random seed. It comes from the page, so that engines are deterministic.
export const chance = () => String(crypto.getRandomValues(new Uint32Array(1))[0]);

// Shows an error until the user closes it or does something else.
export function tell(error) {
  if (error.name === "AbortError") return;
  say(sentence(error));
}

export function say(words) {
  const alert = byId("alert");
  // An open dialog would cover the alert.
  (document.querySelector("dialog[open]") ?? document.body).append(alert);
  alert.replaceChildren(el("p", {}, words), button("✕", hush, { class: "quiet", "aria-label": t("close") }));
}

export function hush() {
  byId("alert").replaceChildren();
}

// Tells screen readers a message.
export function announce(words) {
  byId("status").textContent = words;
}

export function download(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
