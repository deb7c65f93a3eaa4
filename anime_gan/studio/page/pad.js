// A square to drag through the neighborhood of a face. Its attributes stay.

import { chance, el, tell } from "./dom.js";
import { t } from "./language.js";
import { steadyWish } from "./wishes.js";

// The angle at the edge, in radians, and the step of an arrow key.
const EDGE = 1.2;
const STEP = 0.1;
const MOVES = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  // Calls preview(face) while the user drags, and take(face) at the end.
  constructor({ preview, take }) {
    Object.assign(this, { preview, take, x: 0, y: 0, seed: chance(), center: null, last: null });
    this.knob = el("span", { class: "knob" });
    this.element = el("div", { class: "pad", role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuemax": 100 }, this.knob);
    const move = (event) => {
      const { left, top, width, height } = this.element.getBoundingClientRect();
      this.move((2 * (event.clientX - left)) / width - 1, (2 * (event.clientY - top)) / height - 1);
    };
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      move(event);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (this.element.hasPointerCapture(event.pointerId)) move(event);
    });
    this.element.addEventListener("pointerup", () => this.end());
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.end();
      if (!(event.key in MOVES)) return;
      event.preventDefault();
      const [x, y] = MOVES[event.key];
      this.move(this.x + STEP * x, this.y + STEP * y);
    });
    this.show(null);
  }

  show(center) {
    Object.assign(this, { center, x: 0, y: 0, last: null, seed: chance() });
    this.element.setAttribute("aria-label", t("pad"));
    this.place();
  }

  place() {
    this.knob.style.left = `${50 + 50 * this.x}%`;
    this.knob.style.top = `${50 + 50 * this.y}%`;
    this.element.setAttribute("aria-valuenow", Math.round(100 * Math.min(1, Math.hypot(this.x, this.y))));
  }

  async move(x, y) {
    [this.x, this.y] = [x, y].map((value) => Math.min(1, Math.max(-1, value)));
    this.place();
    const { center } = this;
    const body = { kind: "point", face: center.settings, x: EDGE * this.x, y: EDGE * this.y, seed: this.seed };
    try {
      this.pending = steadyWish("pad", body);
      const found = await this.pending;
      if (!found || center !== this.center) return;
      [this.last] = found;
      this.preview(this.last);
    } catch (error) {
      tell(error);
    }
  }

  async end() {
    await this.pending;
    if (this.last) this.take(this.last);
  }
}
