// Larger pictures, pictures on a color, the clipboard, and character packs.

import { button, download, el, hush, say, tell } from "./dom.js";
import { CHARACTERS, draw, pictureOf } from "./engine.js";
import { t } from "./language.js";
import { wish } from "./wishes.js";

const SIZES = [128, 256, 512, 1024];

const blobOf = async (address) => (await fetch(address)).blob();

export class Outputs {
  // face() returns the open face.
  constructor(face) {
    this.face = face;
    this.element = el("details", { class: "outputs" });
    this.element.addEventListener("toggle", () => {
      if (this.element.open) this.element.scrollIntoView({ block: "nearest" });
    });
    this.build();
    document.addEventListener("language", () => this.build());
  }

  build() {
    this.size = el("select", { id: "size" }, el("option", { value: 0 }, t("size.drawn")));
    for (const side of SIZES) this.size.append(el("option", { value: side }, `${side} × ${side}`));
    this.opaque = el("input", { type: "checkbox", id: "opaque" });
    this.color = el("input", { type: "color", value: "#ffffff", "aria-label": t("background.color") });
    this.color.addEventListener("input", () => (this.opaque.checked = true));
    const parts = [
      el("label", { for: "size" }, t("size")),
      this.size,
      el("label", { class: "check" }, this.opaque, ` ${t("background")}`),
      this.color,
      button(t("download.picture"), () => this.save().catch(tell), { id: "save-picture" }),
      button(t("copy"), () => this.copy().catch(tell)),
    ];
    if (CHARACTERS.length) {
      this.engine = el("select", { id: "game-engine", "aria-label": t("character") });
      for (const [name, words] of CHARACTERS) this.engine.append(el("option", { value: name }, words || t("character.plain")));
      this.packing = button(t("character"), () => this.pack().catch(tell));
      parts.push(this.engine, this.packing);
    }
    const title = t(CHARACTERS.length ? "outputs" : "outputs.pictures");
    this.element.replaceChildren(el("summary", {}, title), el("div", { class: "around" }, ...parts));
  }

  // The open face at the selected size and on the selected color.
  async picture() {
    const face = this.face();
    const size = Number(this.size.value);
    const background = this.opaque.checked ? this.color.value : null;
    if (!size && !background) return { ...face, picture: pictureOf(face) };
    const found = await wish("picture", { kind: "change", face: face.settings, sets: [{}], size, background });
    if (!found) throw new DOMException("A newer click replaced this one.", "AbortError");
    return found[0];
  }

  async save() {
    const face = await this.picture();
    download(await blobOf(face.picture), `${face.name ?? "face"}.png`);
  }

  async copy() {
    hush();
    // Browsers want the promise: the click permits the copy only for a moment.
    const picture = this.picture().then((face) => blobOf(face.picture));
    try {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
    } catch {
      // What went wrong with the picture, if anything, is told instead.
      await picture;
      say(t("copy.refused"));
      return;
    }
    say(t("copy.done"));
  }

  async pack() {
    const words = this.packing.textContent;
    const seen = ({ progress }) => {
      if (progress) this.packing.textContent = `${t("working")} ${progress}`;
    };
    this.packing.disabled = true;
    try {
      const { file, name } = await draw({ kind: "character", face: this.face().settings, engine: this.engine.value }, seen);
      download(await blobOf(file), name);
    } finally {
      this.packing.disabled = false;
      this.packing.textContent = words;
    }
  }
}
