// Builds the page. What it shows is in the fragment of its address; see state.js.

import { announce, byId, button, chance, el, hush, say, tell } from "./dom.js";
import { about, draw, pictureOf, project, words } from "./engine.js";
import { FaceDialog } from "./face.js";
import { Drawing, bringIntoView } from "./drawing.js";
import { entryView, faceGrid, title } from "./faces.js";
import { History } from "./history.js";
import { Kept } from "./kept.js";
import { loadLanguages, t } from "./language.js";
import { Picker } from "./picker.js";
import { judged } from "./readings.js";
import { fragment, isSame, stateOf } from "./state.js";
import { Tabs } from "./tabs.js";
import { change, read } from "./wishes.js";

const SEED_LIMIT = 2n ** 63n;
const SURPRISE_CANDIDATES = 4;

class Page {
  constructor(studio) {
    this.studio = studio;
    this.entry = studio.arrival;
    const open = (face) => this.dialog.open(face);
    this.drawing = new Drawing(open);
    const { attributes, hidden, video, limits, readings } = studio;
    this.picker = new Picker(byId("picker"), attributes, { prefix: "request", changed: () => this.picked() });
    this.kept = new Kept({ video, open, draw: (body) => this.drawing.run(body) });
    this.history = new History({ video, open, use: (entry) => this.useAgain(entry) });
    const moved = (face, isNew) => this.go({ face: face?.settings ?? null }, isNew);
    const stored = () => byId("panel-history").hidden || this.history.load();
    this.dialog = new FaceDialog({ attributes, hidden, video, readings, kept: this.kept, moved, stored });
    this.tabs = new Tabs(document.querySelector("[role=tablist]"), (id) => {
      if (id === "tab-history") this.history.load();
    });
    document.querySelector(".words").hidden = attributes.length === 0;
    byId("wanted").hidden = attributes.length === 0;
    byId("unlabeled").hidden = attributes.length > 0;
    byId("number").max = limits.number;
    byId("candidates").max = limits.candidates;
    byId("candidates").disabled = limits.candidates === 1;
    this.offer(studio);
    byId("wanted").open = matchMedia("(min-width: 861px)").matches;
    byId("seed").value = chance();
    this.listen();
    this.kept.load().catch(tell);
    this.restore().catch(tell).then(() => this.fetchBest());
  }

  // Fetches the pictures of the best faces. Later, the server may be busy with loading the model.
  fetchBest() {
    for (const face of this.studio.best?.faces ?? []) new Image().src = pictureOf(face);
  }

  // Fills the choice of models. What was picked goes along to the page of another model.
  offer({ label, models = {} }) {
    const choice = byId("model");
    const names = Object.keys(models);
    choice.parentElement.hidden = names.length < 2;
    choice.replaceChildren(...names.map((name) => el("option", { value: name, selected: name === label }, name)));
    choice.addEventListener("change", () => {
      location.href = `${models[choice.value]}#${fragment({ ...this.state, face: null, model: null })}`;
    });
  }

  listen() {
    byId("request").addEventListener("submit", (event) => {
      event.preventDefault();
      this.drawFaces();
    });
    // Show the fields that must be corrected.
    byId("request").addEventListener("invalid", () => (byId("more").open = true), true);
    byId("request").addEventListener("input", () => this.validate());
    byId("clear").addEventListener("click", () => {
      this.picker.value = {};
      byId("words").value = "";
      this.picked();
    });
    byId("surprise").addEventListener("click", () => this.surprise());
    byId("dice").addEventListener("click", () => (byId("seed").value = chance()));
    const truncation = byId("truncation");
    const output = document.querySelector("output[for=truncation]");
    const percent = () => (output.textContent = `${Math.round(100 * truncation.value)}%`);
    truncation.addEventListener("input", percent);
    percent();
    byId("file").addEventListener("change", (event) => {
      if (event.target.files[0]) this.openFile(event.target.files[0]);
      event.target.value = "";
    });
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      byId("drop").hidden = false;
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) byId("drop").hidden = true;
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      byId("drop").hidden = true;
      this.dialog.close();
      if (event.dataTransfer.files[0]) this.openFile(event.dataTransfer.files[0]);
    });
    document.addEventListener("language", () => {
      this.picker.build(this.picker.value);
      if (!this.drawing.working) this.show();
    });
    addEventListener("popstate", () => this.restore().catch(tell));
  }

  // Changes the state, and the address with it.
  go(changes, isNew = false) {
    this.state = { ...this.state, ...changes, model: this.studio.model };
    const address = `${location.pathname}#${fragment(this.state)}`;
    if (address === location.pathname + (location.hash || "#")) return;
    if (isNew) window.history.pushState(null, "", address);
    else window.history.replaceState(null, "", address);
  }

  // Shows what the address says.
  async restore() {
    const { attributes, model } = this.studio;
    const before = this.state;
    const state = stateOf(location.hash, attributes);
    this.state = state;
    if (state.model && state.model !== model) {
      tell({ code: "other_model", values: { theirs: state.model, ours: model } });
      Object.assign(state, { seed: null, face: null });
    }
    this.picker.value = state.draft ?? state.picks;
    byId("words").value = "";
    this.setNumbers(state);
    if (state.seed === null) this.finish((state.best && this.best()) || (await this.arrival()));
    else if (!before || fragment({ ...before, face: null, draft: null }) !== fragment({ ...state, face: null, draft: null })) {
      if (this.goesOn) byId("seed").value = this.seedAfter(state);
      this.finish(await this.drawing.run({ ...this.bodyOf(state), reuse: true }, byId("panel-faces")));
    }
    if (this.state !== state) return; // The user has gone on.
    if (!state.face) this.dialog.close();
    else if (!isSame(this.dialog.dialog.open ? this.dialog.face.settings : null, state.face)) {
      const found = await change("open", { settings: state.face }, [{}]);
      if (found && this.state === state) this.dialog.open(found[0], false);
    }
  }

  async arrival() {
    if (!this.studio.arrival) this.studio.arrival = await this.drawing.run({ kind: "arrival" }, byId("panel-faces"));
    return this.studio.arrival;
  }

  get goesOn() {
    return byId("go-on").checked;
  }

  seedAfter({ seed, number }) {
    const next = BigInt(seed) + BigInt(number);
    return String(next + BigInt(number) > SEED_LIMIT ? 0n : next);
  }

  setNumbers({ number, seed, truncation, candidates }) {
    const { limits } = this.studio;
    byId("number").value = Math.min(number, limits.number);
    if (seed !== null) byId("seed").value = seed;
    byId("truncation").value = truncation;
    byId("truncation").dispatchEvent(new Event("input"));
    byId("candidates").value = Math.min(candidates, limits.candidates);
  }

  // The browser shows what must be corrected.
  validate() {
    const seed = byId("seed");
    const number = Math.max(1, byId("number").valueAsNumber || 1);
    const isLarge = /^[0-9]{1,19}$/.test(seed.value) && BigInt(seed.value) + BigInt(Math.ceil(number)) > SEED_LIMIT;
    seed.setCustomValidity(isLarge ? t("error.wrong_seed") : "");
  }

  bodyOf({ picks, number, seed, truncation, candidates }) {
    return { kind: "faces", attributes: picks, number, seed, truncation, candidates };
  }

  // The user has picked attributes: earlier words no longer apply.
  picked() {
    byId("words").value = "";
    this.applied = "";
    this.go({ draft: this.picker.value });
  }

  // Applies typed words once; returns the sentence about what was not understood, if anything.
  async applyWords() {
    const typed = byId("words").value.trim();
    if (!typed || typed === this.applied) return null;
    const { attributes, left_out: leftOut } = await words(typed);
    this.picker.value = attributes;
    this.applied = typed;
    if (!leftOut.length) return null;
    const named = leftOut.map(({ words, meant }) => (meant ? t("left_out.meant", { words, meant }) : t("left_out.words", { words })));
    return t("left_out", { words: named.join(t("comma")) });
  }

  async drawFaces() {
    // Ignore further clicks while drawing.
    if (this.drawing.working || this.reading) return;
    hush();
    this.reading = true;
    let told = null;
    try {
      told = await this.applyWords();
    } catch (error) {
      tell(error);
      return;
    } finally {
      this.reading = false;
    }
    const state = {
      picks: this.picker.value,
      number: byId("number").valueAsNumber,
      seed: String(BigInt(byId("seed").value)),
      truncation: byId("truncation").valueAsNumber,
      candidates: byId("candidates").valueAsNumber,
    };
    this.tabs.show("tab-faces");
    const entry = await this.drawing.run(this.bodyOf(state), byId("panel-faces"));
    if (entry) this.go({ ...state, draft: null, face: null }, true);
    if (entry && this.goesOn) byId("seed").value = this.seedAfter(state);
    this.finish(entry);
    if (told) say(told);
  }

  // The best faces of the model, which come with it.
  best() {
    this.hasShownBest = true;
    return this.studio.best;
  }

  // Sixteen faces that nobody asked for: first the best ones of the model, then the best of several candidates each.
  surprise() {
    if (this.drawing.working || this.reading) return;
    this.picker.value = {};
    byId("words").value = "";
    this.applied = "";
    if (this.studio.best && !this.hasShownBest) {
      hush();
      this.tabs.show("tab-faces");
      this.go({ picks: {}, draft: null, seed: null, best: true, face: null }, true);
      this.finish(this.best());
      bringIntoView();
      return;
    }
    byId("seed").value = chance();
    byId("number").value = 16;
    byId("candidates").value = Math.min(SURPRISE_CANDIDATES, this.studio.limits.candidates);
    this.drawFaces();
  }

  async openFile(file) {
    if (file.size > this.studio.limits.file) {
      tell({ code: "too_long", values: { limit: this.studio.limits.file / 1024 } });
      return;
    }
    const { working } = this.drawing;
    if (!working) this.tabs.show("tab-faces");
    // A picture without settings is the user's own: the closest face is searched.
    const opening = async (...request) => {
      try {
        return await draw(...request);
      } catch (error) {
        if (error.code !== "not_ours" || !file.type.startsWith("image/")) throw error;
        return await project(...request);
      }
    };
    const entry = await this.drawing.run(file, byId("panel-faces"), opening);
    if (entry) this.use(entry);
    if (!working) this.finish(entry);
    if (entry?.faces.length === 1) this.dialog.open(entry.faces[0]);
    if (entry?.poor) say(t("poor"));
  }

  // Restores the settings of an entry. Changed attributes are part of what was asked for.
  use(entry) {
    const { settings, asked, changed } = entry;
    const later = Object.entries(changed ?? {}).filter(([, value]) => value !== null);
    this.picker.value = { ...asked, ...Object.fromEntries(later) };
    byId("words").value = "";
    this.applied = "";
    if (settings.seeds) {
      // An entry has consecutive seeds.
      const number = entry.kind === "sheet" ? 1 : entry.faces.length;
      const { truncation = 1, candidates = 1 } = settings;
      const state = { number, seed: settings.seeds.split(/[-,]/)[0], truncation: Number(truncation), candidates: Number(candidates) };
      this.setNumbers(state);
      byId("more").open = true;
      this.go({ ...state, picks: this.picker.value, draft: null, face: null }, true);
    } else this.go({ draft: this.picker.value });
  }

  useAgain(entry) {
    this.use(entry);
    byId("request").scrollIntoView({ block: "start" });
  }

  finish(entry) {
    if (entry) {
      this.entry = entry;
      announce(title(entry).facts);
    }
    this.show();
  }

  show() {
    const { entry, studio } = this;
    const open = (face) => this.dialog.open(face);
    const nothing = el("p", { class: "nothing" }, t("empty.faces"));
    const panel = byId("panel-faces");
    panel.replaceChildren(...(entry ? entryView(entry, open, studio.video) : [nothing]));
    if (entry && studio.readings) panel.querySelector(".downloads").append(button(t("read"), () => this.check(), { class: "quiet" }));
  }

  // Shows what the judges see in the faces, the most intact ones first.
  async check() {
    const { entry } = this;
    hush();
    try {
      const readings = await read(entry.faces);
      if (!readings || entry !== this.entry) return;
      const asked = Object.values(entry.asked ?? {}).some((value) => value !== null) ? entry.asked : null;
      const told = new Map(entry.faces.map((face, i) => [face, judged(asked ?? face.attributes, readings[i], this.studio.hidden)]));
      const margin = new Map(entry.faces.map((face, i) => [face, readings[i].intact ?? 0]));
      const faces = [...entry.faces].sort((one, other) => margin.get(other) - margin.get(one));
      const grid = faceGrid({ ...entry, faces }, (face) => this.dialog.open(face), (face) => told.get(face));
      byId("panel-faces").querySelector(".faces").replaceWith(grid);
    } catch (error) {
      tell(error);
    }
  }
}

async function start() {
  try {
    const studio = await about();
    await loadLanguages(studio, byId("language"));
    new Page(studio);
  } catch (error) {
    tell(error);
  }
}

start();
