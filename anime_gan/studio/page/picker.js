// Controls for all attributes: a row of values for each group, and yes or no for each tag.

import { el } from "./dom.js";
import { label, t } from "./language.js";

const ANY = "";

export class Picker {
  // With `any`, attributes may be left open. Calls changed(attribute, value) when the user selects a value.
  constructor(container, attributes, { any, prefix, changed = () => {} }) {
    Object.assign(this, { container, attributes, any, prefix, changed });
    this.build();
  }

  build(picks = this.any ? {} : null) {
    const groups = this.attributes.filter(({ values }) => values);
    const tags = this.attributes.filter(({ values }) => !values);
    this.container.replaceChildren(...groups.map((group) => this.group(group)));
    if (tags.length) {
      const title = el("h3", { class: "legend" }, t("features"));
      this.container.append(title, el("div", { class: "tags" }, ...tags.map((tag) => this.tag(tag))));
    }
    if (picks) this.value = picks;
  }

  group({ name, values }) {
    const choices = values.map((value) => this.choice(name, value.name, label(name, value.name), true));
    if (this.any) choices.unshift(this.choice(name, ANY, t("any"), false));
    const legend = el("legend", { class: "legend" }, label(name));
    return el("fieldset", { "data-attribute": name }, legend, el("div", { class: "chips" }, ...choices));
  }

  tag({ name }) {
    const choices = [this.choice(name, "no", t("no"), false), this.choice(name, "yes", t("yes"), false)];
    if (this.any) choices.unshift(this.choice(name, ANY, t("any"), false));
    const legend = el("legend", {}, label(name));
    return el("fieldset", { "data-attribute": name }, legend, el("div", { class: "switch" }, ...choices));
  }

  choice(attribute, value, words, swatch) {
    const name = `${this.prefix}-${attribute}`;
    const input = el("input", {
      type: "radio",
      name,
      value,
      checked: this.any && value === ANY,
      onchange: () => this.changed(attribute, this.value[attribute]),
    });
    const color = swatch && /color$|^skin$/.test(attribute);
    const dot = color ? el("span", { class: "swatch", "data-of": attribute, "data-color": value }) : null;
    return el("label", { class: "chip" }, input, el("span", {}, dot, words));
  }

  // Attribute -> value of a group, true or false for a tag, or null for any.
  get value() {
    const picks = {};
    for (const { name, values } of this.attributes) {
      const chosen = this.container.querySelector(`[name="${CSS.escape(`${this.prefix}-${name}`)}"]:checked`)?.value;
      if (chosen === undefined || chosen === ANY) picks[name] = null;
      else picks[name] = values ? chosen : chosen === "yes";
    }
    return picks;
  }

  set value(picks) {
    for (const { name, values } of this.attributes) {
      const pick = picks?.[name] ?? null;
      const wanted = pick === null ? ANY : values ? pick : pick ? "yes" : "no";
      for (const input of this.container.querySelectorAll(`[name="${CSS.escape(`${this.prefix}-${name}`)}"]`)) {
        input.checked = input.value === wanted;
      }
    }
  }
}
