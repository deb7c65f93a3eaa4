// The kept faces, which all tabs share, and which can be viewed, removed, and blended.

import { byId, el, hush, tell } from "./dom.js";
import { keep, kept, remove } from "./engine.js";
import { entryView, faceButton } from "./faces.js";
import { describe, t } from "./language.js";
import { isSame } from "./state.js";

// Faces that can be blended at once.
const NUMBERS = "①②③④⑤⑥⑦⑧";
const MOST = NUMBERS.length;

export class Kept {
  constructor({ video, open, draw }) {
    Object.assign(this, { video, open, draw, faces: [], chosen: [], blended: null });
    this.panel = byId("panel-kept");
    document.addEventListener("language", () => this.render());
    this.tabs = new BroadcastChannel("anime_gan.kept");
    this.tabs.onmessage = () => this.load().catch(tell);
  }

  async load() {
    this.faces = await kept();
    this.chosen = this.chosen.map((face) => this.find(face)).filter(Boolean);
    this.render();
  }

  // The kept copy of a face from any entry.
  find(face) {
    return this.faces.find((kept) => isSame(kept.settings, face.settings) && kept.settings.model === face.settings.model);
  }

  async toggle(face) {
    hush();
    try {
      const known = this.find(face);
      if (known) await this.forget(known);
      else {
        const added = await keep(face);
        if (!this.find(added)) this.faces.unshift(added);
      }
      this.tabs.postMessage("changed");
    } catch (error) {
      tell(error);
    }
    this.render();
  }

  async forget(face) {
    await remove(face.id.split(".")[0]);
    this.faces = this.faces.filter((other) => other !== face);
    this.chosen = this.chosen.filter((other) => other !== face);
  }

  choose(face) {
    const chosen = this.chosen.includes(face);
    this.chosen = chosen ? this.chosen.filter((other) => other !== face) : [...this.chosen, face].slice(-MOST);
    this.render();
    this.panel.querySelector(`[data-blend="${face.id}"]`).focus();
  }

  async blend() {
    const faces = this.chosen.map((face) => face.id);
    const entry = await this.draw({ kind: "blend", faces });
    if (entry) this.blended = entry;
    this.render();
    this.panel.querySelector("#blend")?.focus();
  }

  render() {
    byId("kept-count").textContent = this.faces.length || "";
    if (!this.faces.length) {
      this.panel.replaceChildren(el("p", { class: "nothing" }, t("empty.kept")));
      return;
    }
    const able = this.chosen.length >= 2;
    const bar = el(
      "div",
      { class: "heading" },
      el("h2", {}, t("tab.kept")),
      el("p", { class: "facts" }, t("blend.hint")),
      el("button", { type: "button", class: "primary", id: "blend", disabled: !able, onclick: () => this.blend() }, t("blend")),
    );
    const cards = this.faces.map((face) => {
      const order = this.chosen.indexOf(face);
      const pick = el(
        "button",
        {
          type: "button",
          class: "quiet",
          "data-blend": face.id,
          "aria-pressed": String(order >= 0),
          "aria-label": `${t("blend.pick")}: ${describe(face)}`,
          onclick: () => this.choose(face),
        },
        order >= 0 ? NUMBERS[order] : "○",
      );
      const away = el(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-label": `${t("forget")}: ${describe(face)}`,
          title: t("forget"),
          onclick: () => this.toggle(face),
        },
        "✕",
      );
      if (face.other_model) pick.disabled = true;
      return el("figure", {}, faceButton(face, this.open), el("figcaption", { class: "row" }, pick, away));
    });
    const parts = [bar, el("div", { class: "faces kept" }, ...cards)];
    if (this.blended) {
      const view = entryView(this.blended, this.open, this.video);
      view[0].querySelector("h2").textContent = t("blend.title");
      parts.push(el("section", { class: "blended" }, ...view));
    }
    this.panel.replaceChildren(...parts);
  }
}
