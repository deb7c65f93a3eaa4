// Creates elements and shows messages.

import { sentence, t } from "./language.js";

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

export const byId = (id) => document.getElementById(id);

// Shows an error until the user closes it or does something else.
export function tell(error) {
  if (error.name === "AbortError") return;
  const alert = byId("alert");
  // An open dialog would cover the alert.
  (document.querySelector("dialog[open]") ?? document.body).append(alert);
  const close = el("button", { type: "button", class: "quiet", onclick: hush, "aria-label": t("close") }, "✕");
  alert.replaceChildren(el("p", {}, sentence(error)), close);
}

export function hush() {
  byId("alert").replaceChildren();
}

// Tells screen readers a message.
export function announce(words) {
  byId("status").textContent = words;
}
