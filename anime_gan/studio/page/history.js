// The history.

import { byId, el, hush, tell } from "./dom.js";
import { downloads, faceGrid, title } from "./faces.js";
import { t } from "./language.js";
import { history, remove } from "./engine.js";

export class History {
  constructor({ video, open, use }) {
    Object.assign(this, { video, open, use, entries: [], more: false });
    this.panel = byId("panel-history");
    document.addEventListener("language", () => this.render());
  }

  async load(before = null) {
    hush();
    try {
      const page = await history(before);
      this.entries = before ? [...this.entries, ...page.entries] : page.entries;
      this.more = page.more;
    } catch (error) {
      tell(error);
    }
    this.render();
  }

  async remove(entry) {
    hush();
    try {
      await remove(entry.id);
      this.entries = this.entries.filter((other) => other !== entry);
    } catch (error) {
      tell(error);
    }
    this.render();
    this.panel.focus();
  }

  render() {
    if (!this.entries.length) {
      this.panel.replaceChildren(el("p", { class: "nothing" }, t("empty.history")));
      return;
    }
    const older = el(
      "button",
      { type: "button", onclick: () => this.load(this.entries.at(-1).id) },
      t("older"),
    );
    this.panel.replaceChildren(...this.entries.map((entry) => this.entry(entry)), ...(this.more ? [older] : []));
  }

  entry(entry) {
    const { asked, facts } = title(entry);
    const when = new Date(entry.time).toLocaleString(document.documentElement.lang, {
      dateStyle: "medium",
      timeStyle: "short",
    });
    const again = el("button", { type: "button", class: "quiet", onclick: () => this.use(entry) }, t("use"));
    const remove = el("button", { type: "button", class: "quiet", onclick: () => this.remove(entry) }, t("remove"));
    const links = downloads(entry, this.video);
    links.prepend(...(entry.asked && entry.settings.seeds ? [again] : []));
    links.append(remove);
    return el(
      "article",
      { class: "entry" },
      el("h3", {}, asked),
      el("p", { class: "facts" }, `${facts} · ${when}`),
      faceGrid(entry, this.open),
      links,
    );
  }
}
