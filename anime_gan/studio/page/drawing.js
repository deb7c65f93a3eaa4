// Draws one request at a time, and shows how far it is.

import { byId, hush, tell } from "./dom.js";
import { draw } from "./engine.js";
import { faceButton, places } from "./faces.js";
import { t } from "./language.js";

// Milliseconds after which the progress appears.
const PATIENCE = 500;

// On a phone, the faces are below the attributes.
export function bringIntoView() {
  const stage = document.querySelector(".stage");
  if (stage.getBoundingClientRect().top > innerHeight / 2) stage.scrollIntoView();
}

export class Drawing {
  // open(face) is called for a click on a face that is drawn already.
  constructor(open) {
    Object.assign(this, { open, working: null });
    this.busy = byId("busy");
    this.bar = this.busy.querySelector("progress");
    this.line = byId("busy-words");
    byId("stop").addEventListener("click", () => this.working?.abort());
  }

  // Draws a request, and returns the entry; null after a failure. If a panel is given, finished faces appear in it,
  // and remain after a failure. A request with `reuse` replaces the one before.
  async run(body, panel = null, engine = draw) {
    if (this.working && !body.reuse) {
      tell({ code: "busy" });
      return null;
    }
    this.working?.abort();
    const working = (this.working = new AbortController());
    const submit = document.querySelector("#request [type=submit]");
    // Nobody asked for the faces to start with.
    const follows = !body.reuse && body.kind !== "arrival";
    const shown = { panel, grid: null, last: null, follows };
    hush();
    submit.setAttribute("aria-disabled", "true");
    this.bar.removeAttribute("value");
    this.line.textContent = "";
    const slow = setTimeout(() => (this.busy.hidden = false), PATIENCE);
    try {
      return await engine(body, (event) => this.seen(event, shown), working.signal);
    } catch (error) {
      tell(error);
      const { last } = shown;
      return panel && last?.faces.length && last.kind !== "blend" ? last : null;
    } finally {
      clearTimeout(slow);
      if (this.working === working) {
        this.busy.hidden = true;
        submit.removeAttribute("aria-disabled");
        this.working = null;
      }
    }
  }

  seen(event, shown) {
    if (event.queued !== undefined) {
      if (!event.ready) this.line.textContent = t("loading");
      else if (event.queued) this.line.textContent = t("wait", { count: event.queued });
    } else if (event.begun) {
      shown.last = { ...event.begun, faces: [], settings: {}, animation: false };
      shown.grid = places(event.begun.total);
      shown.panel?.replaceChildren(shown.grid);
      if (shown.follows) bringIntoView();
      this.move(0, event.begun.total);
    } else if (event.face) {
      const { faces, kind, total } = shown.last;
      shown.grid.children[faces.length].replaceWith(faceButton(event.face, this.open));
      faces.push(event.face);
      if (kind !== "blend") this.move(faces.length, total);
    } else if (event.progress) this.move(event.progress, event.total);
  }

  move(done, total) {
    this.bar.max = total;
    this.bar.value = done;
    this.line.textContent = t("progress", { done, total });
  }
}
