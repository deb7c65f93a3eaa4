// The attributes of a model: words to label rows and back.

const FORMAT = "anime_gan portable";
const VERSION = 1;
const UNKNOWN = -1;
const AMBIGUOUS = -2;

/** A request cannot be understood or contradicts itself. */
export class AttributeRequestError extends Error {
  constructor(message, code, values = {}) {
    super(message);
    this.name = "AttributeRequestError";
    this.code = code;
    this.values = values;
  }
}

/** The contents of `schema.json`. */
export class Schema {
  /** Checks and takes over a parsed `schema.json`. Throws if its version is unknown. */
  constructor(content) {
    if (content?.format !== FORMAT) throw new TypeError("this is not the schema.json of a portable model");
    if (content.version !== VERSION) {
      throw new TypeError(`schema.json has version ${content.version}; this package reads version ${VERSION}`);
    }
    this.model = content.model;
    this.latentDim = content.latent_dim;
    this.numLabels = content.num_labels;
    this.resolution = content.resolution;
    this.channels = content.channels;
    this.statement = content.statement;
    this.attributes = content.attributes;
    this.phrases = new Map(Object.entries(content.phrases));
    this.rules = content.normalization.map(([pattern, replacement]) => {
      return [new RegExp(pattern, "gu"), replacement.replace(/\\(\d)/g, "$$$1")];
    });
    this.slots = [];
    this.terms = [];
    this.columns = [];
    for (const attribute of content.attributes) {
      const isGroup = attribute.values !== undefined && attribute.values !== null;
      const terms = isGroup ? attribute.values : [attribute];
      this.slots.push({ name: attribute.name, start: this.terms.length, size: terms.length, isGroup });
      for (const term of terms) {
        this.terms.push(term);
        this.columns.push(isGroup ? `${attribute.name}=${term.name}` : term.name);
      }
    }
    const slots = new Map(this.slots.map((slot) => [slot.name, slot]));
    this.hiddenBy = content.hidden_by.map(([name, column]) => [slots.get(name), column]);
    const values = { "+": 1, "-": -1, 0: 0 };
    this.rows = content.label_rows.map((row) => Int8Array.from(row, (letter) => values[letter]));
    this.counts = content.label_counts;
  }

  /** Unifies letter case, separators, signs, and full-width punctuation. */
  normalize(text) {
    // Only ASCII letters, as in Python.
    let result = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    for (const [pattern, replacement] of this.rules) result = result.replace(pattern, replacement);
    return result;
  }

  /** Parses a typed request; returns a label row of +1 (present), -1 (absent), and 0 (open). */
  parse(text) {
    const wanted = new Float32Array(this.numLabels);
    const saidBy = [];
    for (const phrase of this.normalize(text).split(",").filter(Boolean).map((part) => this.completed(part))) {
      const code = this.phrases.get(phrase) ?? UNKNOWN;
      if (code === UNKNOWN) {
        throw new AttributeRequestError(`unknown attribute '${phrase}'`, "unknown", { words: phrase });
      }
      if (code === AMBIGUOUS) {
        throw new AttributeRequestError(`'${phrase}' is ambiguous`, "ambiguous", { words: phrase });
      }
      const effect = this.effect(code);
      for (const [column, value] of effect) {
        if (wanted[column] * value < 0) {
          const values = { first: saidBy[column], second: phrase };
          throw new AttributeRequestError(`'${saidBy[column]}' contradicts '${phrase}'`, "contradiction", values);
        }
      }
      for (const [column, value] of effect) {
        saidBy[column] ??= phrase;
        wanted[column] = value;
      }
    }
    for (const { name, start, size, isGroup } of this.slots) {
      if (isGroup && wanted.subarray(start, start + size).every((value) => value === -1)) {
        throw new AttributeRequestError(`every value of '${name}' is ruled out`, "ruled_out", { name });
      }
    }
    return wanted;
  }

  /** The label columns that a code of the phrase table sets: [column, value] pairs. */
  effect(code) {
    const column = code >> 1;
    if (column >= this.numLabels) return [];
    if (code % 2) return [[column, -1]];
    const { start, size } = this.slots.find((slot) => column < slot.start + slot.size);
    return Array.from({ length: size }, (_, i) => [start + i, start + i === column ? 1 : -1]);
  }

  /** Describes a label row in words that `parse` turns back into the same row. */
  describe(labels) {
    const words = [];
    for (const { start, size } of this.slots) {
      const columns = Array.from({ length: size }, (_, i) => start + i);
      const positive = columns.find((column) => labels[column] > 0);
      if (positive !== undefined) words.push(this.#phrase(positive));
      else words.push(...columns.filter((c) => labels[c] < 0).map((c) => `no ${this.#phrase(c)}`));
    }
    return words.join(", ");
  }

  /** Encodes { attribute: value of a group, true or false for a tag, or null } as a label row. */
  encode(picks) {
    const labels = new Float32Array(this.numLabels);
    for (const [name, value] of Object.entries(picks)) {
      if (value === null || value === undefined) continue;
      const slot = this.slots.find((known) => known.name === name);
      const column = slot && (slot.isGroup ? this.columns.indexOf(`${name}=${value}`) : slot.start);
      if (slot === undefined || column < 0) {
        throw new AttributeRequestError(`no attribute '${name}' or value '${value}'`, "unknown", { words: name });
      }
      if (slot.isGroup) labels.fill(-1, slot.start, slot.start + slot.size);
      labels[column] = slot.isGroup || value ? 1 : -1;
    }
    return labels;
  }

  /** The inverse of `encode`; attributes that are open are null. */
  decode(labels) {
    const picks = {};
    for (const { name, start, size, isGroup } of this.slots) {
      const column = Array.from({ length: size }, (_, i) => start + i).find((c) => labels[c] > 0);
      if (isGroup) picks[name] = column === undefined ? null : this.terms[column].name;
      else picks[name] = labels[start] === 0 ? null : labels[start] > 0;
    }
    return picks;
  }

  /** Returns a row with the attributes of a request set. Closed eyes open for an eye color. */
  withChanges(labels, changes) {
    const wanted = this.parse(changes);
    for (const [{ start, size }, hider] of this.hiddenBy) {
      const isNamed = wanted.subarray(start, start + size).some((value) => value > 0);
      if (isNamed && wanted[hider] === 0) wanted[hider] = -1;
    }
    return labels.map((label, column) => wanted[column] || label);
  }

  /** Adds changes to earlier ones: { attribute: value }, as text. */
  mergedChanges(earlier, picks) {
    const merged = this.parse(earlier);
    const wanted = this.encode(picks);
    for (const { start, size } of this.slots) {
      const values = wanted.subarray(start, start + size);
      if (values.some(Boolean)) merged.set(values, start);
    }
    return this.describe(merged);
  }

  #phrase(column) {
    const { phrase } = this.terms[column];
    return this.phrases.get(this.normalize(phrase)) === 2 * column ? phrase : this.columns[column];
  }

  /** Tells whether a normalized phrase is known, even if it is ambiguous. */
  understands(phrase) {
    return this.phrases.has(phrase);
  }

  /** Completes a shortened group name: `hair=silver` becomes `hair_color=silver`. */
  completed(phrase) {
    const equals = phrase.indexOf("=");
    if (equals < 0 || equals === phrase.length - 1 || this.phrases.has(phrase)) return phrase;
    let [name, value] = [phrase.slice(0, equals), phrase.slice(equals + 1)];
    const isNegated = name.startsWith("-") !== value.startsWith("-");
    if (isNegated) [name, value] = [name.replace(/^-/, ""), value.replace(/^-/, "")];
    const names = [name, name.replace(/s$/, "")];
    const found = [];
    for (const { name: group, values } of this.attributes) {
      if (!values || !this.normalize(group).split(" ").some((word) => names.includes(word))) continue;
      for (const term of values) {
        const spellings = [term.phrase, term.name, ...(term.aliases ?? [])];
        if (spellings.some((spelling) => this.normalize(spelling) === value)) found.push(`${group}=${term.name}`);
      }
    }
    if (found.length !== 1) return phrase;
    return this.normalize((isNegated ? "-" : "") + found[0]);
  }
}
