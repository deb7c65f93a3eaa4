// The texts of the page in the user's language.

const REMEMBERED = "anime_gan.language";

let strings = {};
// An English reason with {gaps} -> the same in the language of the page.
let reasons = {};
let names = {};
let phrases = {};
// Scale -> its unit, and its range.
const units = {};
const spans = {};

// The text for a key with its {placeholders} filled; the key itself if there is no text.
export const t = (key, values) => filled(strings[key] ?? key, values);

const filled = (text, values = {}) => text.replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);

export function sentence({ code, values, message }) {
  const key = `error.${code}`;
  if (key in strings) return t(key, values?.reason ? { ...values, reason: translated(values.reason) } : values);
  return message || t("error.failed");
}

// A reason that the program wrote in English; unchanged if the language has no words for it.
function translated(reason) {
  for (const [english, own] of Object.entries(reasons)) {
    const pattern = english.replace(/[$()*+.?[\]^|]/g, "\\$&").replace(/\{(\w+)\}/g, "(?<$1>.*)");
    const found = new RegExp(`^${pattern}$`, "s").exec(reason);
    // Lists of words and numbers have an "or".
    if (found) return filled(own, found.groups).replace(/(?<=['\d])(?:,? or |, )(?=['\d])/g, " / ");
  }
  return reason;
}

// The name of an attribute, or of one of its values in a list ("blue").
export function label(attribute, value) {
  const known = names[value === undefined ? attribute : `${attribute}=${value}`];
  if (known !== undefined) return Array.isArray(known) ? known[0] : known;
  if (value !== undefined) return value.replaceAll("_", " ");
  return phrases[attribute] ?? attribute.replaceAll("_", " ");
}

// An attribute of a face as a phrase ("blue hair"); null if the face does not have it.
function phrase(attribute, value) {
  if (value === true) return label(attribute);
  if (typeof value === "number") return `${label(attribute)} ${quantity(attribute, value)}`;
  if (!value) return null;
  const known = names[`${attribute}=${value}`];
  return Array.isArray(known) ? known[1] : phrases[`${attribute}=${value}`];
}

// The strength of a tag, or the value of a scale in its unit.
export function quantity(attribute, value) {
  if (!(attribute in units)) return `${Math.round(100 * value)}%`;
  return `${Math.round(100 * value) / 100} ${units[attribute]}`.trim();
}

export const span = (scale) => spans[scale] ?? 1;

export function inWords(attributes) {
  const words = Object.entries(attributes).map(([name, value]) => phrase(name, value));
  return words.filter(Boolean).join(t("comma"));
}

export function describe(face) {
  if (face.other_model) return t("face.unknown");
  if (!face.attributes) return t("face.between");
  const words = inWords(face.attributes);
  return words ? t("face.alt", { words }) : t("face.plain");
}

// The schema's own phrases, for attributes that no language file names.
function setPhrases(attributes) {
  for (const { name, phrase, values, low, high, unit } of attributes) {
    phrases[name] = phrase;
    if (unit !== undefined) [units[name], spans[name]] = [unit, high - low];
    for (const value of values ?? []) phrases[`${name}=${value.name}`] = value.phrase;
  }
}

// The language that was chosen before, or else the first available language of the browser.
function preferred(available) {
  let remembered = null;
  try {
    remembered = localStorage.getItem(REMEMBERED);
  } catch {
    // If storage is disabled, the browser's language is used.
  }
  const wanted = [remembered, ...navigator.languages].filter(Boolean).map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => available.includes(tag)) ?? available[0];
}

// Fills the choice of languages, and shows the page in the preferred one.
export async function loadLanguages({ attributes, languages }, choice) {
  setPhrases(attributes);
  for (const [code, name] of Object.entries(languages)) {
    const option = new Option(name, code);
    option.lang = code;
    choice.append(option);
  }
  choice.value = preferred(Object.keys(languages));
  choice.addEventListener("change", () => setLanguage(choice.value, true));
  await setLanguage(choice.value);
}

async function setLanguage(code, remember = false) {
  const file = await (await fetch(`languages/${code}.json`)).json();
  strings = file.strings;
  reasons = file.reasons ?? {};
  names = file.attributes;
  document.documentElement.lang = code === "zh" ? "zh-CN" : code;
  document.title = t("title");
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const [data, attribute] of [
    ["data-t-label", "aria-label"],
    ["data-t-title", "title"],
    ["data-t-placeholder", "placeholder"],
  ]) {
    for (const element of document.querySelectorAll(`[${data}]`)) {
      element.setAttribute(attribute, t(element.getAttribute(data)));
    }
  }
  if (remember) {
    try {
      localStorage.setItem(REMEMBERED, code);
    } catch {
      // Without storage, the choice lasts until the page is closed.
    }
  }
  document.dispatchEvent(new Event("language"));
}
