// The attributes of an open face. Each value is a picture of this face with that value: pointing at it or
// focusing it shows it large, and a click takes it. Arrow keys move the focus and take nothing. Scales, and the
// strengths of tags, have sliders, which redraw the face as they move.

import { button, el, tell } from "./dom.js";
import { pictureOf } from "./engine.js";
import { label, quantity, t } from "./language.js";
import { change, steadyChange } from "./wishes.js";

export class Chips {
  // Calls preview(face), or preview(null) for the open face, and take(set, face, slider): face is null if it is not
  // drawn yet, and slider is the attribute if a slider was moved.
  constructor({ attributes, hidden, preview, take }) {
    Object.assign(this, { attributes, hidden, preview, take, locked: new Set(), drawn: new Map() });
    this.container = el("div", { class: "edit" });
    this.build();
  }

  build() {
    const rows = this.attributes.map((attribute) => this.row(attribute));
    const isTag = (row, index) => !this.attributes[index].values;
    const tags = el("div", { class: "tags" }, ...rows.filter(isTag));
    this.container.replaceChildren(...rows.filter((row, index) => !isTag(row, index)), tags);
    if (this.face) this.mark(this.face);
  }

  row({ name, values, low = 0, high = 1, unit }) {
    const options = values ? values.map((value) => [value.name, label(name, value.name)]) : [[false, t("no")], [true, t("yes")]];
    const isScale = unit !== undefined;
    const chips = (isScale ? [] : options).map(([value, words]) => this.chip(name, value, words));
    const lock = button("", () => this.lock(name, lock), { class: "quiet lock", "aria-pressed": String(this.locked.has(name)) });
    lock.title = `${t("lock")}: ${label(name)}`;
    lock.setAttribute("aria-label", lock.title);
    const group = el("div", { class: "chips", role: "radiogroup", "aria-label": label(name) }, ...chips);
    group.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const at = chips.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      chips.at((at + step) % chips.length).focus();
    });
    const slider = values ? null : this.slider(name, low, high);
    const legend = el("legend", { class: "legend" }, label(name));
    return el("fieldset", { "data-attribute": name }, legend, lock, isScale ? null : group, slider);
  }

  slider(name, low, high) {
    const input = el("input", { type: "range", min: low, max: high, step: (high - low) / 40, "aria-label": `${label(name)}: ${t("strength")}` });
    const output = el("output", {});
    const show = () => (output.textContent = quantity(name, input.valueAsNumber));
    let last = null;
    const move = async () => {
      show();
      try {
        const faces = await steadyChange("slider", this.face, this.set(name, input.valueAsNumber));
        if (faces) this.preview((last = faces[0]));
      } catch (error) {
        tell(error);
      }
      return last;
    };
    input.addEventListener("input", () => (this.moving = move()));
    input.addEventListener("change", async () => {
      const face = await this.moving;
      if (face) this.take(this.set(name, input.valueAsNumber), face, name);
    });
    input.addEventListener("shown", ({ detail }) => {
      input.value = typeof detail === "number" ? detail : detail ? high : low;
      show();
    });
    return el("div", { class: "slider" }, input, output);
  }

  chip(name, value, words) {
    const key = `${name}=${value}`;
    const show = () => this.drawn.has(key) && this.preview(this.drawn.get(key));
    const properties = { class: "chip thumb", role: "radio", "aria-checked": "false", "data-chip": key };
    const chip = button(words, () => this.choose(name, value), properties);
    chip.prepend(el("img", { alt: "", width: 64, height: 64 }));
    chip.addEventListener("pointerenter", show);
    chip.addEventListener("focus", show);
    chip.addEventListener("pointerleave", () => this.preview(null));
    chip.addEventListener("blur", () => this.preview(null));
    return chip;
  }

  // What changes with a value. Tags that would hide the change are switched off.
  set(name, value) {
    const set = { [name]: value };
    for (const { hidden, by } of this.hidden) {
      if (hidden === name && this.face.attributes?.[by]) set[by] = false;
    }
    return set;
  }

  choose(name, value) {
    for (const chip of this.container.querySelectorAll(`[data-attribute="${CSS.escape(name)}"] .chip`)) {
      chip.setAttribute("aria-checked", String(chip.dataset.chip === `${name}=${value}`));
    }
    this.take(this.set(name, value), this.drawn.get(`${name}=${value}`) ?? null);
  }

  lock(name, element) {
    if (!this.locked.delete(name)) this.locked.add(name);
    element.setAttribute("aria-pressed", String(this.locked.has(name)));
  }

  // Checks the values of a face. In each group, a single value can be reached with Tab.
  mark(face) {
    for (const { name } of this.attributes) {
      const fields = this.container.querySelector(`[data-attribute="${CSS.escape(name)}"]`);
      const detail = face.attributes?.[name] ?? null;
      fields.querySelector("input")?.dispatchEvent(new CustomEvent("shown", { detail }));
      const chips = [...this.container.querySelectorAll(`[data-attribute="${CSS.escape(name)}"] .chip`)];
      const current = chips.find((chip) => chip.dataset.chip === `${name}=${face.attributes?.[name]}`);
      for (const chip of chips) {
        chip.setAttribute("aria-checked", String(chip === current));
        chip.tabIndex = chip === (current ?? chips[0]) ? 0 : -1;
      }
    }
  }

  // Shows the values of a face, and draws it with all others.
  async show(face) {
    this.face = face;
    this.drawn.clear();
    this.mark(face);
    const wanted = [];
    for (const chip of this.container.querySelectorAll(".chip")) {
      const [name, value] = chip.dataset.chip.split("=");
      const typed = this.attributes.find((other) => other.name === name).values ? value : value === "true";
      if (chip.getAttribute("aria-checked") === "true") chip.querySelector("img").src = pictureOf(face);
      else wanted.push([chip, this.set(name, typed)]);
    }
    if (!wanted.length) return;
    const seen = (drawn, index) => {
      const [chip] = wanted[index];
      delete this.container.dataset.note;
      this.drawn.set(chip.dataset.chip, drawn);
      chip.querySelector("img").src = pictureOf(drawn);
    };
    const waits = () => (this.container.dataset.note = t("loading"));
    try {
      await change("chips", face, wanted.map(([, set]) => set), seen, waits);
    } catch (error) {
      tell(error);
    }
  }
}
