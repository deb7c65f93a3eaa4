// Faces as buttons, and history entries.

import { el, tell } from "./dom.js";
import { ANIMATIONS, ARCHIVES, SHEETS, fileOf, pictureOf, save } from "./engine.js";
import { describe, inWords, label, t } from "./language.js";

const REDUCED = matchMedia("(prefers-reduced-motion: reduce)");

export function picture(face) {
  return el("img", { src: pictureOf(face), alt: describe(face), width: 64, height: 64 });
}

// A face as a button, with an optional caption below.
export function faceButton(face, open, caption = null) {
  const button = el("button", { type: "button", class: "face", onclick: () => open(face) }, picture(face));
  return caption === null ? button : el("figure", {}, button, el("figcaption", {}, caption));
}

// Placeholders for faces that are not drawn yet.
export function places(count) {
  const empty = () => el("span", { class: "face empty", "aria-hidden": "true" });
  return el("div", { class: "faces" }, ...Array.from({ length: count }, empty));
}

export function saveButton(words, path, name) {
  const onclick = (event) => {
    event.preventDefault();
    save(path, name ?? path.split("/").pop()).catch(tell);
  };
  // A link can also be copied or opened.
  return el("a", { class: "button quiet", href: path, onclick }, words);
}

// The settings of a face or an entry, as the address of a JSON file.
export const settingsOf = ({ settings }) =>
  `data:application/json,${encodeURIComponent(`${JSON.stringify(settings, null, 1)}\n`)}`;

export function downloads(entry, video) {
  const links = [];
  if (entry.animation) {
    for (const [name, words] of [...ANIMATIONS, ...(video ? [["mp4", "MP4"]] : [])]) {
      links.push(saveButton(`${t("download.animation")} (${words})`, fileOf(entry, `animation.${name}`)));
    }
  }
  if (entry.id) {
    if (SHEETS && entry.kind === "sheet") links.push(saveButton(t("download.sheet"), fileOf(entry, "sheet.png")));
    if (ARCHIVES) links.push(saveButton(t("download.zip"), fileOf(entry, "all.zip")));
  }
  if (Object.keys(entry.settings).length) {
    links.push(saveButton(t("download.settings"), settingsOf(entry), "settings.json"));
  }
  return el("div", { class: "downloads" }, ...links);
}

// The faces of an entry. In a sheet, the value of each face is its caption; the faces that come with the model have
// their words.
export function faceGrid(entry, open, caption = captionOf) {
  return el("div", { class: `faces ${entry.kind}` }, ...entry.faces.map((face) => faceButton(face, open, caption(face, entry))));
}

function captionOf(face, { kind, settings }) {
  if (kind === "arrival" || kind === "best") return face.attributes ? inWords(face.attributes) : null;
  return kind === "sheet" ? valueOf(face, settings.sheet) : null;
}

function valueOf(face, attribute) {
  const value = face.attributes?.[attribute];
  if (typeof value === "string") return label(attribute, value);
  return value === undefined ? null : `${label(attribute)}: ${t(value ? "yes" : "no")}`;
}

export function animation(entry) {
  const moving = fileOf(entry, "animation.webp");
  const still = pictureOf(entry.faces[0]);
  let playing = !REDUCED.matches;
  const image = el("img", { alt: t("animation.alt"), width: 64, height: 64 });
  const toggle = el("button", { type: "button", class: "quiet" });
  const show = () => {
    image.src = playing ? moving : still;
    toggle.textContent = t(playing ? "pause" : "play");
  };
  toggle.addEventListener("click", () => {
    playing = !playing;
    show();
  });
  show();
  return el("figure", { class: "animation" }, image, toggle);
}

// The title of an entry with the facts below it.
export function title(entry) {
  const { seeds, sheet } = entry.settings;
  const count = entry.faces.length;
  const facts = [t(count === 1 ? "drawn.one" : "drawn", { count })];
  if (seeds && entry.kind !== "blend") facts.push(t("facts.seed", { seed: seeds }));
  const words = sheet ? label(sheet) : inWords((entry.kind === "change" ? entry.changed : entry.asked) ?? {});
  const kind = t(`kind.${entry.kind}`);
  if (entry.kind === "faces") return { asked: words || t("anything"), facts: facts.join(" · ") };
  return { asked: words ? t("facts.kind", { kind, words }) : kind, facts: facts.join(" · ") };
}

export function entryView(entry, open, video) {
  const { asked, facts } = title(entry);
  return [
    el("div", { class: "heading" }, el("h2", {}, asked), el("p", { class: "facts" }, facts), downloads(entry, video)),
    entry.animation ? animation(entry) : null,
    faceGrid(entry, open),
  ].filter(Boolean);
}
