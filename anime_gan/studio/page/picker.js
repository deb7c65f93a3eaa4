// Controls for all attributes, each of which may be left open: a row of values for each group, yes or no for each
// tag, and a slider for each scale.

import { el } from "./dom.js";
import { label, quantity, t } from "./language.js";

const ANY = "";

export class Picker {
  // Calls changed() when the user selects a value.
  constructor(container, attributes, { prefix, changed }) {
    Object.assign(this, { container, attributes, prefix, changed });
    this.build();
  }

  build(picks = {}) {
    const isTag = ({ values, low }) => !values && low === undefined;
    const tags = this.attributes.filter(isTag);
    this.container.replaceChildren(...this.attributes.filter((other) => !isTag(other)).map((other) => this.group(other)));
    if (tags.length) {
      const title = el("h3", { class: "legend" }, t("features"));
      this.container.append(title, el("div", { class: "tags" }, ...tags.map((tag) => this.tag(tag))));
    }
    this.value = picks;
  }

  group({ name, values, low, high }) {
    const choices = [this.choice(name, ANY, t("any"))];
    for (const value of values ?? []) choices.push(this.choice(name, value.name, label(name, value.name), true));
    const legend = el("legend", { class: "legend" }, label(name));
    const slider = values ? null : this.slider(name, low, high);
    return el("fieldset", { "data-attribute": name }, legend, el("div", { class: "chips" }, ...choices), slider);
  }

  tag({ name }) {
    // The last choice is a strength, which only words can ask for.
    const choices = [[ANY, t("any")], ["no", t("no")], ["yes", t("yes")], ["number", ""]];
    const chips = choices.map(([value, words]) => this.choice(name, value, words));
    const legend = el("legend", {}, label(name));
    return el("fieldset", { "data-attribute": name }, legend, el("div", { class: "switch" }, ...chips));
  }

  choice(attribute, value, words, swatch = false) {
    const input = el("input", { type: "radio", name: `${this.prefix}-${attribute}`, value, onchange: () => this.changed() });
    const color = swatch && /color$|^skin$/.test(attribute);
    const dot = color ? el("span", { class: "swatch", "data-of": attribute, "data-color": value }) : null;
    return el("label", { class: "chip" }, input, el("span", {}, dot, words));
  }

  slider(name, low, high) {
    const input = el("input", { type: "range", min: low, max: high, step: (high - low) / 40, "aria-label": label(name) });
    input.addEventListener("input", () => {
      this.radio(name, ANY).checked = false;
      input.nextSibling.textContent = quantity(name, input.valueAsNumber);
    });
    input.addEventListener("change", () => this.changed());
    return el("div", { class: "slider" }, input, el("output", {}));
  }

  fields(name) {
    return this.container.querySelector(`[data-attribute="${CSS.escape(name)}"]`);
  }

  radio(name, value) {
    return [...this.fields(name).querySelectorAll("[type=radio]")].find((input) => input.value === value);
  }

  // Attribute -> value of a group, true or false for a tag, a strength, the value of a scale, or null for any.
  get value() {
    const picks = {};
    for (const { name, values } of this.attributes) {
      const chosen = this.fields(name).querySelector(":checked")?.value;
      const range = this.fields(name).querySelector("[type=range]");
      if (chosen === ANY) picks[name] = null;
      else if (range) picks[name] = range.valueAsNumber;
      else if (chosen === "number") picks[name] = Number(this.fields(name).dataset.number);
      else picks[name] = values ? chosen : chosen === "yes";
    }
    return picks;
  }

  set value(picks) {
    for (const { name, values } of this.attributes) {
      const pick = picks?.[name] ?? null;
      const fields = this.fields(name);
      const range = fields.querySelector("[type=range]");
      const number = typeof pick === "number";
      if (range) {
        range.value = pick ?? 0;
        range.nextSibling.textContent = number ? quantity(name, pick) : "";
        this.radio(name, ANY).checked = !number;
        continue;
      }
      const strength = this.radio(name, "number");
      if (strength) {
        fields.dataset.number = number ? pick : "";
        strength.nextSibling.textContent = number ? quantity(name, pick) : "";
        strength.parentElement.hidden = !number;
      }
      const wanted = pick === null ? ANY : values ? pick : number ? "number" : pick ? "yes" : "no";
      for (const input of fields.querySelectorAll("input")) input.checked = input.value === wanted;
    }
  }
}
