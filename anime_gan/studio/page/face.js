// The dialog for a single face: change it, explore around it, keep it, and save it.

import { announce, button, byId, chance, el, hush, tell } from "./dom.js";
import { Chips } from "./chips.js";
import { draw, pictureOf } from "./engine.js";
import { FAMILIES, traits, variations } from "./families.js";
import { downloads, faceButton, faceGrid, picture, saveButton, settingsOf } from "./faces.js";
import { describe, inWords, label, t } from "./language.js";
import { Outputs } from "./outputs.js";
import { Pad } from "./pad.js";
import { judged } from "./readings.js";
import { isSame } from "./state.js";
import { familyTree } from "./tree.js";
import { change, read, stop, wish } from "./wishes.js";

const RING = 8;
const VARIATIONS = 16;
// The place of each face of the ring, row by row, with the face itself (null) in the middle. Neighbors on the
// ring are neighbors on the page.
const AROUND = [0, 1, 2, 7, null, 3, 6, 5, 4];
// Milliseconds after which a progress bar appears.
const PATIENCE = 500;

export class FaceDialog {
  // Calls moved(face, isNew) when another face is shown, moved(null) when the dialog is closed by the user, and
  // stored() when the history has a further entry.
  constructor({ attributes, hidden, video, readings, kept, moved, stored }) {
    Object.assign(this, { attributes, hidden, video, readings, kept, moved, stored, angle: 0.5, results: null });
    // The family tree: { face, parent }, where the parent is an index or -1.
    this.tree = [];
    this.at = 0;
    this.dialog = byId("face");
    const preview = (face) => this.enlarge(face ?? this.face);
    const take = (face) => this.follow(face);
    this.chips = new Chips({ attributes, hidden, preview, take: (...taken) => this.change(...taken) });
    this.pad = new Pad({ preview, take });
    this.outputs = new Outputs(() => this.face);
    this.build();
    this.dialog.addEventListener("close", () => this.closed());
    // A click outside of the dialog closes it. The padding belongs to the dialog.
    this.dialog.addEventListener("click", ({ target, clientX, clientY }) => {
      const { left, right, top, bottom } = this.dialog.getBoundingClientRect();
      const beside = clientX < left || clientX > right || clientY < top || clientY > bottom;
      if (target === this.dialog && beside) this.dialog.close();
    });
    document.addEventListener("language", () => {
      this.chips.build();
      this.build();
      if (this.dialog.open) this.render();
    });
  }

  get face() {
    return this.tree[this.at]?.face;
  }

  // Opens a face. One that the tree has already, as after Back, is only shown.
  open(face, isNew = true) {
    const known = this.dialog.open ? this.tree.findIndex((node) => isSame(node.face.settings, face.settings)) : -1;
    if (known >= 0) this.at = known;
    else {
      this.tree = [{ face, parent: -1 }];
      this.at = 0;
      this.results = null;
    }
    this.render();
    if (!this.dialog.open) {
      this.dialog.showModal();
      this.dialog.scrollTop = 0;
    }
    if (isNew) this.moved(face, true);
  }

  close() {
    this.isQuiet = true;
    if (this.dialog.open) this.dialog.close();
  }

  closed() {
    stop("change", "chips", "look", "pad", "read");
    hush();
    document.body.append(byId("alert"));
    // The history has the last form of a face, and not each step.
    if (this.face && !this.face.id && this.tree.length > 1) {
      draw({ kind: "change", face: this.face.settings, set: {} }).then(this.stored, () => {});
    }
    if (!this.isQuiet) this.moved(null, true);
    this.isQuiet = false;
  }

  // Adds a face to the tree, and shows it. Further moves of the same slider replace the face.
  follow(face, slider = null) {
    const isNew = !slider || this.tree[this.at].slider !== slider;
    if (isNew) this.at = this.tree.push({ face, parent: this.at, slider }) - 1;
    else this.tree[this.at].face = face;
    this.show(this.at, isNew);
  }

  show(index, isNew) {
    this.at = index;
    this.render();
    this.moved(this.face, isNew);
    if (this.results) this.look(this.results.body, true);
  }

  // Waits for a wish; errors are told. Returns null if a newer wish replaced it. The state shows the progress bar, and
  // "working" fades the face that will be replaced.
  async waited(promise, state = "working") {
    const slow = setTimeout(() => this.dialog.classList.add(state), PATIENCE);
    hush();
    try {
      return await promise;
    } catch (error) {
      tell(error);
      this.render();
      return null;
    } finally {
      clearTimeout(slow);
      this.dialog.classList.remove(state);
    }
  }

  async change(set, drawn = null, slider = null) {
    const faces = drawn ? [drawn] : await this.waited(change("change", this.face, [set]));
    if (faces) this.follow(faces[0], slider);
  }

  async vary() {
    const body = { kind: "nearby", face: this.face.settings, angle: this.angle / 2, number: 1, seed: chance() };
    const faces = await this.waited(wish("change", body));
    if (faces) this.follow(faces[0]);
  }

  // Shows faces around this one: { kind: "nearby" }, { kind: "sheet", attribute }, or { kind: "only", family }.
  // They follow the open face; only those that the user asked for get a history entry.
  async look(body, again = false) {
    const center = this.face;
    const { locked } = this.chips;
    let found;
    if (body.kind === "only") found = await this.waited(this.only(body.family, center, locked));
    else if (again) found = await this.waited(wish("look", { ...body, face: center.settings }));
    else found = await this.waited(draw({ ...body, face: center.settings }));
    if (!found || center !== this.face) return;
    const entry = Array.isArray(found)
      ? { kind: body.kind, faces: found, settings: body.attribute ? { sheet: body.attribute } : {} }
      : found;
    this.results = { body, entry, center };
    this.renderResults();
    if (again) return;
    this.dialog.querySelector(".results h3").scrollIntoView({ block: "nearest" });
    this.dialog.querySelector(".results button")?.focus();
  }

  // Faces that differ in one family alone: colors, the expression, or the person (the latent vector).
  only(family, center, locked) {
    if (family !== "latent") {
      const sets = variations(center, this.attributes, family, locked, VARIATIONS);
      return sets.length ? change("look", center, sets) : Promise.resolve([]);
    }
    if (!center.attributes) {
      return wish("look", { kind: "nearby", face: center.settings, angle: 1.4, number: VARIATIONS, seed: chance() });
    }
    return wish("look", { kind: "faces", attributes: center.attributes, number: VARIATIONS, seed: chance() });
  }

  enlarge(face) {
    if (!face) return;
    this.large.src = pictureOf(face);
    this.large.alt = describe(face);
  }

  // Everything that stays while faces change.
  build() {
    const { attributes } = this;
    this.large = el("img", { class: "large", width: 64, height: 64, alt: "" });
    this.facts = el("p", { class: "facts" });
    this.reading = el("p", { class: "facts reading" });
    this.keepButton = button("", () => this.keep(), { class: "primary", id: "keep" });
    this.links = el("span", { class: "links" });
    this.steps = el("div", { class: "steps" });
    this.shelf = el("section", { class: "results", hidden: true });
    this.donors = el("div", { class: "around", hidden: true });
    const check = button(t("read"), () => this.read(), { class: "quiet", hidden: !this.readings });
    const portrait = el(
      "div",
      { class: "portrait" },
      el("div", { class: "stand" }, this.large),
      el("div", { class: "beside" }, this.facts, this.reading, el("div", { class: "row actions" }, this.keepButton, this.links, check)),
      this.steps,
      this.outputs.element,
    );
    const top = el(
      "div",
      { class: "dialog-top" },
      el("h2", { id: "face-title" }, t("face.title")),
      el("progress", { "aria-label": t("working") }),
      button("✕", () => this.dialog.close(), { class: "quiet close", "aria-label": t("close") }),
    );
    const hint = attributes.length ? [el("h3", {}, t("change")), el("p", { class: "facts" }, t("change_hint"))] : [];
    const tools = el("div", { class: "tools" }, this.explore(), this.shelf, this.donors, ...hint, this.chips.container);
    this.stranger = el("p", { hidden: true });
    this.tools = tools;
    const alert = byId("alert");
    const within = this.dialog.contains(alert);
    this.dialog.replaceChildren(top, el("div", { class: "columns" }, portrait, tools, this.stranger), ...(within ? [alert] : []));
  }

  explore() {
    const distance = el("input", { id: "distance", type: "range", min: 0.1, max: 1.2, step: 0.1, value: this.angle });
    distance.addEventListener("input", () => {
      this.angle = Number(distance.value);
      if (this.results?.body.kind === "nearby") this.look({ ...this.results.body, angle: this.angle }, true);
    });
    const nearby = () => this.look({ kind: "nearby", angle: this.angle, number: RING, seed: chance() });
    const only = (family) => this.look({ kind: "only", family });
    const names = this.attributes.map(({ name }) => el("option", { value: name }, label(name)));
    const sheet = el("select", { id: "sheet-of" }, ...names);
    const showSheet = () => this.look({ kind: "sheet", attribute: sheet.value });
    // Without labels, there are no attributes to change.
    const labeled = this.attributes.length > 0;
    const row = (...parts) => el("div", { class: "row" }, ...parts);
    const values = row(el("label", { for: "sheet-of" }, t("sheet")), sheet, button(t("sheet.draw"), showSheet, { id: "sheet" }));
    const families = ["color", "expression"].map((family) => button(t(`only.${family}`), () => only(family)));
    return el(
      "div",
      { class: "explore" },
      this.pad.element,
      el(
        "div",
        {},
        row(
          button(t("vary"), () => this.vary(), { id: "vary" }),
          button(t("neighbors"), nearby, { id: "neighbors" }),
          el("label", { class: "row" }, t("distance"), distance),
        ),
        row(...(labeled ? families : []), button(t("only.latent"), () => only("latent"))),
        labeled ? values : null,
      ),
    );
  }

  render() {
    const { face } = this;
    const kept = this.kept.find(face);
    this.enlarge(face);
    this.facts.textContent = face.attributes ? inWords(face.attributes) : describe(face);
    this.keepButton.setAttribute("aria-pressed", String(Boolean(kept)));
    this.keepButton.textContent = kept ? `♥ ${t("kept")}` : `♡ ${t("keep")}`;
    const name = face.name ?? "face";
    this.links.replaceChildren(
      saveButton(t("download.picture"), pictureOf(face), `${name}.png`),
      saveButton(t("download.settings"), settingsOf(face), `${name}.json`),
    );
    this.reading.textContent = "";
    if (this.reads) this.read();
    const strange = Boolean(face.other_model);
    this.tools.hidden = strange;
    this.outputs.element.hidden = strange;
    this.stranger.hidden = !strange;
    this.stranger.textContent = strange ? t("other_model", { model: face.other_model }) : "";
    this.renderSteps();
    this.renderResults();
    this.renderDonors();
    if (strange) return;
    this.chips.show(face);
    this.pad.show(face);
  }

  renderSteps() {
    const show = (index) => this.show(index, true);
    this.steps.hidden = this.tree.length < 2;
    const strip = familyTree(this.tree, this.at, show);
    this.steps.replaceChildren(el("h3", {}, t("steps")), strip);
    const current = strip.children[this.at];
    strip.scrollLeft = current ? current.offsetLeft - strip.clientWidth / 2 : 0;
  }

  renderResults() {
    this.shelf.hidden = !this.results;
    if (!this.results) return;
    const { entry, center, body } = this.results;
    const grid = faceGrid(entry, (face) => {
      this.follow(face);
      this.keepButton.focus({ preventScroll: true });
    });
    if (entry.kind === "nearby") {
      const faces = [...grid.children];
      const middle = () => el("span", { class: "face center" }, picture(center));
      grid.replaceChildren(...AROUND.map((index) => (index === null ? middle() : faces[index])).filter(Boolean));
    }
    const heading = body.kind === "only" ? t(`only.${body.family}`) : t(`results.${entry.kind}`);
    this.shelf.replaceChildren(el("h3", {}, heading), grid, downloads(entry, this.video));
  }

  // Kept faces whose hair, eyes, expression, or other traits this face can take.
  renderDonors() {
    const faces = this.kept.faces.filter((face) => face.attributes && !isSame(face.settings, this.face.settings));
    this.donors.hidden = !faces.length || !this.attributes.length;
    if (this.donors.hidden) return;
    const family = el("select", { "aria-label": t("cross") }, ...FAMILIES.map((name) => el("option", { value: name }, t(`family.${name}`))));
    family.value = this.family ?? FAMILIES[0];
    family.addEventListener("change", () => (this.family = family.value));
    const donors = faces.map((face) => faceButton(face, () => this.change(traits(face, family.value, this.chips.locked))));
    this.donors.replaceChildren(el("span", {}, t("cross")), family, el("div", { class: "strip donors" }, ...donors));
  }

  async read() {
    this.reads = true;
    const { face } = this;
    const readings = read([face]).catch((error) => {
      // Otherwise, the judge would be asked again at once.
      this.reads = false;
      throw error;
    });
    const found = await this.waited(readings, "judging");
    if (!found || face !== this.face) return;
    this.reading.textContent = judged(face.attributes, found[0], this.hidden);
    announce(this.reading.textContent);
  }

  async keep() {
    await this.kept.toggle(this.face);
    this.render();
  }
}
