// The dialog for a single face: keep it, change it, vary it, or show all values of an attribute.

import { byId, el, hush, tell } from "./dom.js";
import { downloads, faceButton, faceGrid, picture, saveButton } from "./faces.js";
import { describe, inWords, label, t } from "./language.js";
import { Picker } from "./picker.js";
import { draw, pictureOf, settingsOf } from "./server.js";

const RING = 8;
// The place of each face of the ring, row by row, with the face itself (null) in the middle. Neighbors on the
// ring are neighbors on the page.
const AROUND = [0, 1, 2, 7, null, 3, 6, 5, 4];
// Milliseconds after which a progress bar appears.
const PATIENCE = 500;

// Returns a selector of the focused element, to restore the focus after rendering.
function focused(container) {
  const active = document.activeElement;
  if (!container.contains(active)) return ":not(*)";
  if (active.id) return `#${CSS.escape(active.id)}`;
  return active.name ? `[name="${CSS.escape(active.name)}"]:checked` : ":not(*)";
}

export class FaceDialog {
  constructor({ attributes, hidden, video, kept }) {
    Object.assign(this, { attributes, hidden, video, kept, trail: [], at: 0, results: null, angle: 0.5 });
    this.dialog = byId("face");
    this.dialog.addEventListener("close", () => {
      this.working?.abort();
      hush();
      document.body.append(byId("alert"));
    });
    // A click outside of the dialog closes it. The padding belongs to the dialog.
    this.dialog.addEventListener("click", ({ target, clientX, clientY }) => {
      const { left, right, top, bottom } = this.dialog.getBoundingClientRect();
      const beside = clientX < left || clientX > right || clientY < top || clientY > bottom;
      if (target === this.dialog && beside) this.dialog.close();
    });
    document.addEventListener("language", () => this.dialog.open && this.render());
  }

  get face() {
    return this.trail[this.at];
  }

  open(face) {
    this.trail = [face];
    this.at = 0;
    this.results = null;
    this.render();
    this.dialog.showModal();
    this.dialog.scrollTop = 0;
  }

  // Adds a face to the steps, and drops the steps after the current one.
  follow(face) {
    this.trail = [...this.trail.slice(0, this.at + 1), face];
    this.at = this.trail.length - 1;
    this.render();
  }

  async work(body) {
    this.working?.abort();
    const working = (this.working = new AbortController());
    const slow = setTimeout(() => this.dialog.classList.add("working"), PATIENCE);
    hush();
    try {
      return await draw(body, () => {}, working.signal);
    } catch (error) {
      // Another request replaced an aborted one, and reports its own errors.
      if (error.name !== "AbortError") {
        tell(error);
        this.render();
      }
      return null;
    } finally {
      clearTimeout(slow);
      if (this.working === working) this.dialog.classList.remove("working");
    }
  }

  async change(attribute, value) {
    const set = { [attribute]: value };
    // Switch off tags that would hide the change.
    for (const { hidden, by } of this.hidden) {
      if (hidden === attribute && this.face.attributes?.[by]) set[by] = false;
    }
    const entry = await this.work({ kind: "change", face: this.face.id, set });
    if (entry) this.follow(entry.faces[0]);
  }

  async vary() {
    const body = { kind: "nearby", face: this.face.id, angle: this.angle / 2, number: 1, seed: this.chance() };
    const entry = await this.work(body);
    if (entry) this.follow(entry.faces[0]);
  }

  async look(body) {
    const center = this.face;
    const entry = await this.work({ ...body, face: center.id });
    if (!entry) return;
    this.results = { entry, center };
    this.render();
    this.dialog.querySelector(".results h3").scrollIntoView({ block: "nearest" });
    this.dialog.querySelector(".results button").focus();
  }

  // Random seeds come from the page, so that the server is deterministic.
  chance() {
    return String(crypto.getRandomValues(new Uint32Array(1))[0]);
  }

  render() {
    const { face } = this;
    const kept = this.kept.find(face);
    const close = el(
      "button",
      { type: "button", class: "quiet close", "aria-label": t("close"), onclick: () => this.dialog.close() },
      "✕",
    );
    const large = picture(face);
    large.classList.add("large");
    const keep = el(
      "button",
      { type: "button", class: "primary", id: "keep", "aria-pressed": String(Boolean(kept)), onclick: () => this.keep() },
      kept ? `♥ ${t("kept")}` : `♡ ${t("keep")}`,
    );
    const left = el(
      "div",
      { class: "portrait" },
      large,
      el("p", { class: "facts" }, face.attributes ? inWords(face.attributes) : describe(face)),
      el(
        "div",
        { class: "row actions" },
        keep,
        saveButton(t("download.picture"), pictureOf(face)),
        saveButton(t("download.settings"), settingsOf(face)),
      ),
      this.steps(),
    );
    const heading = el("h2", { id: "face-title" }, t("face.title"));
    const working = el("progress", { "aria-label": t("working") });
    const parts = [el("div", { class: "dialog-top" }, heading, working, close)];
    if (face.other_model) {
      parts.push(el("div", { class: "columns" }, left, el("p", {}, t("other_model", { model: face.other_model }))));
    } else {
      parts.push(el("div", { class: "columns" }, left, this.tools()));
    }
    const alert = byId("alert");
    const back = focused(this.dialog);
    this.dialog.replaceChildren(...parts, ...(this.dialog.contains(alert) ? [alert] : []));
    if (!face.other_model) this.picker.value = face.attributes;
    this.dialog.querySelector(back)?.focus({ preventScroll: true });
  }

  tools() {
    const distance = el("input", { id: "distance", type: "range", min: 0.1, max: 1.2, step: 0.1, value: this.angle });
    distance.addEventListener("input", () => (this.angle = Number(distance.value)));
    // Without labels, there are no attributes to change.
    const labeled = this.attributes.length > 0;
    const names = this.attributes.map(({ name }) => el("option", { value: name }, label(name)));
    const sheet = el("select", { id: "sheet-of" }, ...names);
    if (this.sheet) sheet.value = this.sheet;
    const nearby = () => this.look({ kind: "nearby", angle: this.angle, number: RING, seed: this.chance() });
    const showSheet = () => {
      this.sheet = sheet.value;
      return this.look({ kind: "sheet", attribute: sheet.value });
    };
    const row = el(
      "div",
      { class: "around" },
      el("label", { for: "sheet-of" }, t("sheet")),
      sheet,
      el("button", { type: "button", id: "sheet", onclick: showSheet }, t("sheet.draw")),
    );
    const fields = el("div", { class: "edit" });
    this.picker = new Picker(fields, this.attributes, {
      any: false,
      prefix: "edit",
      changed: (attribute, value) => this.change(attribute, value),
    });
    return el(
      "div",
      { class: "tools" },
      el(
        "div",
        { class: "around" },
        el("button", { type: "button", id: "vary", onclick: () => this.vary() }, t("vary")),
        el("button", { type: "button", id: "neighbors", onclick: nearby }, t("neighbors")),
        el("label", { for: "distance" }, t("distance")),
        distance,
      ),
      ...(labeled ? [row] : []),
      ...(this.results ? [this.resultView()] : []),
      ...(labeled ? [el("h3", {}, t("change")), el("p", { class: "facts" }, t("change_hint"))] : []),
      fields,
    );
  }

  // The faces that led to this one. A click goes back to a face.
  steps() {
    if (this.trail.length < 2) return el("div");
    const buttons = this.trail.map((face, index) => {
      const button = faceButton(face, () => {
        this.at = index;
        this.render();
      });
      if (index === this.at) button.setAttribute("aria-current", "true");
      return button;
    });
    return el("div", { class: "steps" }, el("h3", {}, t("steps")), el("div", { class: "strip" }, ...buttons));
  }

  resultView() {
    const { entry, center } = this.results;
    const open = (face) => {
      this.follow(face);
      this.dialog.scrollTo({ top: 0 });
      this.dialog.querySelector("#keep").focus({ preventScroll: true });
    };
    const grid = faceGrid(entry, open);
    if (entry.kind === "nearby") {
      const faces = [...grid.children];
      const middle = () => el("span", { class: "face center" }, picture(center));
      grid.replaceChildren(...AROUND.map((index) => (index === null ? middle() : faces[index])));
    }
    return el("section", { class: "results" }, el("h3", {}, t(`results.${entry.kind}`)), grid, downloads(entry, this.video));
  }

  async keep() {
    await this.kept.toggle(this.face);
    this.render();
  }
}
