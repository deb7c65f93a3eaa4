// What the page shows, as the fragment of its address. A reload, a bookmark, Back, and a link bring it back.
//
// { picks, best, number, seed, truncation, candidates, face, model }: the attributes and numbers of the drawing (seed
// is null without one), whether the model's best faces are shown instead, the settings of the opened face (or null),
// and the name of the model.

const USUAL = { picks: {}, draft: null, best: false, number: 16, seed: null, truncation: 1, candidates: 1 };
// The settings that determine a face, apart from the model.
const SETTINGS = ["attributes", "seeds", "truncation", "candidates", "critic", "set", "latent", "latents"].concat([
  "interpolate",
  "frames",
  "fps",
  "frame",
]);

// Keys of the settings of the open face begin with this.
const FACE = "face.";

const encoded = (text) =>
  encodeURIComponent(text).replace(/%(3D|3A|2C|2F)/g, (code) => decodeURIComponent(code)).replaceAll("%20", "+");

function picksText(picks) {
  const word = (value) => (value === true ? "yes" : value === false ? "no" : value);
  const set = Object.entries(picks ?? {}).filter(([, value]) => value !== null && value !== undefined);
  return set.map(([name, value]) => `${name}=${word(value)}`).join(",");
}

function picksOf(text, attributes) {
  const picks = {};
  for (const part of text.split(",")) {
    const [name, value] = part.split("=");
    const known = attributes.find((attribute) => attribute.name === name);
    if (!known) continue;
    if (known.values) picks[name] = known.values.some((term) => term.name === value) ? value : null;
    else if (value === "yes" || value === "no") picks[name] = value === "yes";
    else picks[name] = value !== "" && Number.isFinite(Number(value)) ? Number(value) : null;
  }
  return picks;
}

export function fragment(state) {
  const parts = [];
  const add = (key, value) => parts.push(`${key}=${encoded(value)}`);
  const want = picksText(state.picks);
  if (want) add("want", want);
  if (state.draft && picksText(state.draft) !== want) add("draft", picksText(state.draft));
  if (state.seed !== null) {
    add("seed", state.seed);
    for (const key of ["number", "truncation", "candidates"]) {
      if (state[key] !== USUAL[key]) add(key, state[key]);
    }
  } else if (state.best) add("show", "best");
  if (state.face) {
    for (const key of SETTINGS) if (state.face[key]) add(FACE + key, state.face[key]);
  }
  if (parts.length && state.model) add("model", state.model);
  return parts.join("&");
}

export function stateOf(text, attributes) {
  const given = new URLSearchParams(text.replace(/^#/, ""));
  const state = { ...USUAL, face: null, model: given.get("model") };
  state.picks = picksOf(given.get("want") ?? "", attributes);
  if (given.has("draft")) state.draft = picksOf(given.get("draft"), attributes);
  if (/^[0-9]{1,19}$/.test(given.get("seed") ?? "")) state.seed = given.get("seed");
  else state.best = given.get("show") === "best";
  const number = (key, low) => {
    const value = Number(given.get(key));
    if (given.has(key) && value >= low) state[key] = value;
  };
  number("number", 1);
  number("candidates", 1);
  number("truncation", 0.01);
  const known = SETTINGS.filter((key) => given.has(FACE + key)).map((key) => [key, given.get(FACE + key)]);
  if (known.length) state.face = { attributes: "", ...Object.fromEntries(known), model: state.model ?? "0" };
  return state;
}

// Whether two faces have the same settings.
export const isSame = (one, other) => SETTINGS.every((key) => (one?.[key] ?? "") === (other?.[key] ?? ""));
