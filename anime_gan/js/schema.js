// The attributes of a model: words to label rows and back.

const FORMAT = "anime_gan portable";
// Version 2 has scales.
const VERSIONS = [1, 2];
const UNKNOWN = -1;
const AMBIGUOUS = -2;
// A label of 0 means unknown, so this is the middle of a scale, and half of a tag.
const NEARLY_ZERO = 1 / 1024;
// The bins of a scale in label rows are the letters a to u.
export const SCALE_VALUES = Array.from({ length: 21 }, (_, bin) => Math.fround((bin - 10) / 10) || NEARLY_ZERO);
// The sum of a product may exceed 1 by a rounding error.
const LIMIT = 1 + 1e-9;

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
    if (!VERSIONS.includes(content.version)) {
      throw new TypeError(`schema.json has version ${content.version}; this package reads versions ${VERSIONS.join(", ")}`);
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
    // Files without these fields were written before strengths.
    this.number = new RegExp(content.number ?? "^()()()()$", "u");
    this.forms = new Map(Object.entries(content.number_forms ?? {}));
    this.words = content.words ?? [];
    this.slots = [];
    this.terms = [];
    this.columns = [];
    for (const attribute of content.attributes) {
      const isGroup = attribute.values !== undefined && attribute.values !== null;
      const terms = isGroup ? attribute.values : [attribute];
      const isScale = typeof attribute.low === "number";
      this.slots.push({ name: attribute.name, start: this.terms.length, size: terms.length, isGroup, isScale });
      for (const term of terms) {
        this.terms.push(term);
        this.columns.push(isGroup ? `${attribute.name}=${term.name}` : term.name);
      }
    }
    const slots = new Map(this.slots.map((slot) => [slot.name, slot]));
    this.hiddenBy = content.hidden_by.map(([name, column]) => [slots.get(name), column]);
    const values = { "+": 1, "-": -1, 0: 0 };
    SCALE_VALUES.forEach((value, bin) => (values[String.fromCharCode(97 + bin)] = value));
    this.rows = content.label_rows.map((row) => Float32Array.from(row, (letter) => values[letter]));
    this.counts = content.label_counts;
  }

  /** Unifies letter case, separators, signs, and full-width punctuation. */
  normalize(text) {
    // Only ASCII letters, as in Python.
    let result = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    for (const [pattern, replacement] of this.rules) result = result.replace(pattern, replacement);
    return result;
  }

  /**
   * Parses a typed request; returns a label row of +1 (present), -1 (absent), and 0 (open); in between, the strength
   * of a tag or the value of a scale.
   */
  parse(text) {
    const wanted = new Float32Array(this.numLabels);
    const saidBy = [];
    for (const phrase of this.normalize(text).split(",").filter(Boolean).map((part) => this.completed(part))) {
      const code = this.phrases.get(phrase) ?? UNKNOWN;
      const numbers = code === UNKNOWN ? this.#numbers(phrase) : null;
      if (code === UNKNOWN && numbers === null) {
        throw new AttributeRequestError(`unknown attribute '${phrase}'`, "unknown", { words: phrase });
      }
      if (code === AMBIGUOUS) {
        throw new AttributeRequestError(`'${phrase}' is ambiguous`, "ambiguous", { words: phrase });
      }
      const effect = numbers ?? this.effect(code);
      for (const [column, value] of effect) {
        if (wanted[column] && wanted[column] !== value) {
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
    if (code > 2 * this.numLabels) return [this.words[code - 2 * this.numLabels - 1]];
    if (column >= this.numLabels) return [];
    if (code % 2) return [[column, -1]];
    const { start, size } = this.slots.find((slot) => column < slot.start + slot.size);
    return Array.from({ length: size }, (_, i) => [start + i, start + i === column ? 1 : -1]);
  }

  /** Describes a label row in words that `parse` turns back into the same row. */
  describe(labels) {
    const words = [];
    for (const { start, size, isGroup, isScale } of this.slots) {
      const columns = Array.from({ length: size }, (_, i) => start + i);
      const positive = columns.find((column) => labels[column] > 0);
      const label = labels[start];
      if (isScale) words.push(...(label ? [`${this.#phrase(start)} ${percent(label, 100, 0)}`] : []));
      else if (!isGroup && label && Math.abs(label) < 1) words.push(`${this.#phrase(start)} ${percent(label, 50, 50)}`);
      else if (positive !== undefined) words.push(this.#phrase(positive));
      else words.push(...columns.filter((c) => labels[c] < 0).map((c) => `no ${this.#phrase(c)}`));
    }
    return words.join(", ");
  }

  /**
   * Encodes { attribute: value of a group; true, false, or the strength from 0 to 1 of a tag; number of a scale in its
   * unit; or null }.
   */
  encode(picks) {
    const labels = new Float32Array(this.numLabels);
    for (const [name, value] of Object.entries(picks)) {
      if (value === null || value === undefined) continue;
      const slot = this.slots.find((known) => known.name === name);
      const column = slot && (slot.isGroup ? this.columns.indexOf(`${name}=${value}`) : slot.start);
      if (slot === undefined || column < 0) {
        throw new AttributeRequestError(`no attribute '${name}' or value '${value}'`, "unknown", { words: name });
      }
      if (slot.isScale) {
        const { low, high } = this.attributes.find((attribute) => attribute.name === name);
        if (!(value >= low && value <= high)) {
          throw new AttributeRequestError(`'${name}' goes from ${low} to ${high}`, "range", { words: name });
        }
        labels[column] = ((value - low) / (high - low)) * 2 - 1 || NEARLY_ZERO;
        continue;
      }
      if (slot.isGroup) labels.fill(-1, slot.start, slot.start + slot.size);
      if (typeof value === "number" && !slot.isGroup) labels[column] = 2 * value - 1 || NEARLY_ZERO;
      else labels[column] = slot.isGroup || value ? 1 : -1;
    }
    return labels;
  }

  /** The inverse of `encode`; attributes that are open are null. */
  decode(labels) {
    const picks = {};
    for (const { name, start, size, isGroup, isScale } of this.slots) {
      const column = Array.from({ length: size }, (_, i) => start + i).find((c) => labels[c] > 0);
      if (isScale) picks[name] = labels[start] ? this.#inUnit(name, labels[start]) : null;
      else if (isGroup) picks[name] = column === undefined ? null : this.terms[column].name;
      else if (labels[start] === 0) picks[name] = null;
      else picks[name] = Math.abs(labels[start]) === 1 ? labels[start] > 0 : strength(labels[start]);
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

  // The effect of a phrase with a number, such as `smile 40%`; null if it is unknown.
  #numbers(phrase) {
    const match = this.number.exec(phrase);
    const form = match && this.forms.get(`${match[1]}#${match[4]}`);
    if (!form) return null;
    const [column, factor, offset, isSigned] = form;
    if (match[2] && !isSigned) return null;
    const number = Number(match[3]) * (match[2] === "-" || match[2] === "!" ? -1 : 1);
    const value = number * factor + offset;
    if (Math.abs(value) > LIMIT) {
      throw new AttributeRequestError(`'${phrase}' is out of range`, "range", { words: phrase });
    }
    return [[column, Math.fround(Math.min(Math.max(value, -1), 1)) || NEARLY_ZERO]];
  }

  #inUnit(name, label) {
    const { low, high } = this.attributes.find((attribute) => attribute.name === name);
    const value = Math.abs(label) === NEARLY_ZERO ? 0 : label;
    return Math.round(100 * (low + ((value + 1) / 2) * (high - low))) / 100;
  }

  #phrase(column) {
    const { phrase } = this.terms[column];
    if (this.slots.some(({ start, isScale }) => isScale && start === column)) {
      return this.forms.has(this.normalize(`${phrase} #%`)) ? phrase : this.columns[column];
    }
    return this.phrases.get(this.normalize(phrase)) === 2 * column ? phrase : this.columns[column];
  }

  /** Tells whether a normalized phrase is known, even if it is ambiguous. */
  understands(phrase) {
    if (this.phrases.has(phrase)) return true;
    const match = this.number.exec(phrase);
    const form = match && this.forms.get(`${match[1]}#${match[4]}`);
    return Boolean(form && (!match[2] || form[3]));
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

// The strength of a tag, from 0 to 1.
const strength = (label) => Math.round(50 * (label + 1)) / 100;

// Writes `label * factor + offset` as a percentage that `parse` turns back into the same label.
function percent(label, factor, offset) {
  let shortest = 0;
  if (Math.abs(label) !== NEARLY_ZERO) {
    // The shortest decimal number that identifies the float32 number.
    const float = Math.fround(label);
    const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9].find((count) => Math.fround(Number(float.toPrecision(count))) === float);
    shortest = Number(float.toPrecision(digits));
  }
  return `${Number(Number((factor * shortest + offset).toFixed(8)).toPrecision(10))}%`;
}
