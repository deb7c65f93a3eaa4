// Builds the page.

import { announce, byId, el, hush, tell } from "./dom.js";
import { FaceDialog } from "./face.js";
import { entryView, faceButton, places, title } from "./faces.js";
import { History } from "./history.js";
import { Kept } from "./kept.js";
import { preferred, setLanguage, setPhrases, t } from "./language.js";
import { Picker } from "./picker.js";
import { draw, get, post } from "./server.js";
import { Tabs } from "./tabs.js";

// Milliseconds after which the progress appears.
const PATIENCE = 500;

class Page {
  constructor(studio) {
    this.studio = studio;
    this.entry = null;
    const open = (face) => this.dialog.open(face);
    const { attributes, hidden, video, limits } = studio;
    this.picker = new Picker(byId("picker"), attributes, { any: true, prefix: "request" });
    this.kept = new Kept({ video, open, draw: (body) => this.drawing(body) });
    this.history = new History({ video, open, use: (entry) => this.useAgain(entry) });
    this.dialog = new FaceDialog({ attributes, hidden, video, kept: this.kept });
    this.tabs = new Tabs(document.querySelector("[role=tablist]"), (id) => {
      if (id === "tab-history") this.history.load();
    });
    document.querySelector(".words").hidden = attributes.length === 0;
    byId("unlabeled").hidden = attributes.length > 0;
    byId("number").max = limits.number;
    byId("candidates").max = limits.candidates;
    byId("candidates").disabled = limits.candidates === 1;
    this.listen();
    this.show();
    this.kept.load().catch(tell);
  }

  listen() {
    byId("request").addEventListener("submit", (event) => {
      event.preventDefault();
      this.drawFaces();
    });
    // Show the fields that must be corrected.
    byId("request").addEventListener("invalid", () => (byId("more").open = true), true);
    byId("clear").addEventListener("click", () => {
      this.picker.value = {};
      byId("words").value = "";
    });
    byId("apply").addEventListener("click", () => this.applyWords());
    byId("words").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault();
      this.applyWords();
    });
    byId("dice").addEventListener("click", () => {
      byId("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
    });
    const truncation = byId("truncation");
    const output = document.querySelector("output[for=truncation]");
    const percent = () => (output.textContent = `${Math.round(100 * truncation.value)}%`);
    truncation.addEventListener("input", percent);
    percent();
    byId("stop").addEventListener("click", () => this.working?.abort());
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
      byId("face").close();
      if (event.dataTransfer.files[0]) this.openFile(event.dataTransfer.files[0]);
    });
    document.addEventListener("language", () => {
      this.picker.build(this.picker.value);
      if (!this.working) this.show();
    });
  }

  async applyWords() {
    hush();
    try {
      this.picker.value = (await post("api/words", { words: byId("words").value })).attributes;
    } catch (error) {
      tell(error);
    }
  }

  async drawFaces() {
    // Ignore further clicks while drawing.
    if (this.working) return;
    const number = byId("number").valueAsNumber;
    const seed = BigInt(byId("seed").value);
    const body = {
      kind: "faces",
      attributes: this.picker.value,
      number,
      seed: String(seed),
      truncation: byId("truncation").valueAsNumber,
      candidates: byId("candidates").valueAsNumber,
    };
    this.tabs.show("tab-faces");
    const entry = await this.drawing(body, byId("panel-faces"));
    if (entry && byId("go-on").checked) byId("seed").value = String(seed + BigInt(number));
    this.finish(entry);
  }

  async openFile(file) {
    if (file.size > this.studio.limits.file) {
      tell({ code: "too_long", values: { limit: this.studio.limits.file / 1024 } });
      return;
    }
    if (!this.working) this.tabs.show("tab-faces");
    const working = this.working;
    const entry = await this.drawing(file, byId("panel-faces"));
    if (entry) this.use(entry);
    if (!working) this.finish(entry);
  }

  // Restores the settings of an entry.
  use(entry) {
    const { settings, asked } = entry;
    this.picker.value = asked ?? {};
    byId("words").value = "";
    if (settings.seeds) {
      // An entry has consecutive seeds.
      byId("seed").value = settings.seeds.split(/[-,]/)[0];
      byId("number").value = entry.kind === "sheet" ? 1 : entry.faces.length;
      byId("truncation").value = settings.truncation;
      byId("truncation").dispatchEvent(new Event("input"));
      byId("candidates").value = settings.candidates ?? 1;
      byId("more").open = true;
    }
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
    const open = (face) => this.dialog.open(face);
    const nothing = el("p", { class: "nothing" }, t("empty.faces"));
    byId("panel-faces").replaceChildren(
      ...(this.entry ? entryView(this.entry, open, this.studio.video) : [nothing]),
    );
  }

  // Draws one request at a time. If a panel is given, finished faces appear in it.
  async drawing(body, panel = null) {
    if (this.working) {
      tell({ code: "busy" });
      return null;
    }
    const working = (this.working = new AbortController());
    const busy = byId("busy");
    const bar = busy.querySelector("progress");
    const words = byId("busy-words");
    const button = document.querySelector("#request [type=submit]");
    const open = (face) => this.dialog.open(face);
    let grid = null;
    let last = null;
    hush();
    button.setAttribute("aria-disabled", "true");
    bar.removeAttribute("value");
    words.textContent = "";
    const slow = setTimeout(() => (busy.hidden = false), PATIENCE);
    const move = (done, total) => {
      bar.max = total;
      bar.value = done;
      words.textContent = t("progress", { done, total });
    };
    const seen = (event) => {
      if (event.queued !== undefined) {
        if (!event.ready) words.textContent = t("loading");
        else if (event.queued) words.textContent = t("wait", { count: event.queued });
      } else if (event.begun) {
        last = { ...event.begun, faces: [], settings: {}, animation: false };
        grid = places(event.begun.total);
        panel?.replaceChildren(grid);
        // On a phone, the faces are below the attributes.
        const stage = document.querySelector(".stage");
        if (stage.getBoundingClientRect().top > innerHeight / 2) stage.scrollIntoView();
        move(0, event.begun.total);
      } else if (event.face) {
        grid.children[last.faces.length].replaceWith(faceButton(event.face, open));
        last.faces.push(event.face);
        if (last.kind !== "blend") move(last.faces.length, last.total);
      } else if (event.progress) {
        move(event.progress, event.total);
      }
    };
    try {
      return await draw(body, seen, working.signal);
    } catch (error) {
      tell(error);
      // Faces that were finished before a stop remain, here and in the history.
      return panel && last?.faces.length && error.name === "AbortError" && last.kind !== "blend" ? last : null;
    } finally {
      clearTimeout(slow);
      busy.hidden = true;
      button.removeAttribute("aria-disabled");
      this.working = null;
    }
  }
}

async function start() {
  let studio;
  try {
    studio = await get("api/studio");
    setPhrases(studio.attributes);
    const choice = byId("language");
    for (const code of studio.languages) {
      const { strings } = await get(`languages/${code}.json`);
      choice.append(el("option", { value: code, lang: code }, strings.language));
    }
    choice.value = preferred(studio.languages);
    choice.addEventListener("change", () => setLanguage(choice.value, true).catch(tell));
    await setLanguage(choice.value);
  } catch (error) {
    tell(error);
    return;
  }
  new Page(studio);
}

start();
