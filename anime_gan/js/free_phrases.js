// Reads requests without commas, as anime_gan/attributes/free_phrases.py does; see there for the reasons.

import words from "./free_words.js";
import { AttributeRequestError } from "./schema.js";

const WORD = /[a-z0-9'%.+!-]+|[^ ]/uy;
const LOOSE_SIGN = /[+&] ?([+&]|$)|[^\p{L}\p{N}_\s'%°.+&-]/u;
const MIXED_SCRIPTS = /[a-z].*[\u3040-\u9fff]|[\u3040-\u9fff].*[a-z]/;
const LISTS = ["fillers", "negations_after", "negations", "continued"];
// Characters that a number with its unit may add to a phrase.
const NUMBER_LENGTH = 16;
const readers = new WeakMap();

/** Splits typed text into phrases: [{ text, known }]. */
export function freePhrases(text, schema) {
  if (!readers.has(schema)) readers.set(schema, new Reader(schema));
  const parts = schema.normalize(text).split(",").filter(Boolean);
  return parts.flatMap((part) => {
    const full = schema.completed(part);
    return schema.understands(full) ? [{ text: full, known: true }] : readers.get(schema).read(full);
  });
}

/** Reads what is understood: { labels, leftOut }. Phrases that contradict earlier ones are left out. */
export function readPhrases(text, schema) {
  const known = [];
  const leftOut = [];
  for (const phrase of freePhrases(text, schema)) {
    if (phrase.known && isDefinite([...known, phrase.text], schema)) known.push(phrase.text);
    else leftOut.push(phrase.text);
  }
  return { labels: schema.parse(known.join(", ")), leftOut };
}

// Whether phrases agree, and name a value of each group that they mention.
function isDefinite(phrases, schema) {
  try {
    const labels = schema.parse(phrases.join(", "));
    return schema.slots.every(({ start, size, isGroup }) => {
      const values = labels.subarray(start, start + size);
      return !isGroup || !values.some(Boolean) || Math.max(...values) === 1;
    });
  } catch (error) {
    if (error instanceof AttributeRequestError) return false;
    throw error;
  }
}

class Reader {
  constructor(schema) {
    this.schema = schema;
    [this.adjectives, this.nouns] = adjectives(schema);
    this.kinds = new Map([...this.nouns].map((noun) => [noun, "noun"]));
    for (const kind of LISTS) for (const word of words[kind]) this.kinds.set(word, kind);
    const synonyms = Object.keys(words.synonyms).filter((word) => {
      return words.synonyms[word].every((meaning) => schema.phrases.has(schema.normalize(meaning)));
    });
    for (const word of synonyms) this.kinds.set(word, "synonyms");
    for (const phrase of schema.phrases.keys()) if (phrase && !phrase.includes("=")) this.kinds.set(phrase, "phrase");
    for (const word of synonyms) if (this.adjectives.has(word)) this.kinds.set(word, "synonyms");
    this.longest = Math.max(0, ...[...this.kinds.keys()].map((text) => text.length)) + NUMBER_LENGTH;
  }

  code(phrase) {
    return this.schema.phrases.get(phrase) ?? -1;
  }

  read(typed) {
    const part = typed.replace(/[.。]+$/, "");
    if (/[=!]|^-/.test(part) || LOOSE_SIGN.test(part)) return [{ text: part, known: false }];
    const tokens = this.negated(this.tokens(part));
    const found = tokens.map((token, index) => {
      const meaning = this.meaning(tokens, index);
      return token.negated && meaning?.known ? this.opposite(meaning.text) : meaning;
    });
    return found.filter(Boolean);
  }

  tokens(part) {
    const tokens = [];
    let start = 0;
    while (start < part.length) {
      if (part[start] === " ") {
        start += 1;
        continue;
      }
      WORD.lastIndex = start;
      const end = this.end(part, start);
      const text = end ? part.slice(start, end) : WORD.exec(part)[0];
      const kind = end ? (this.kinds.get(text) ?? "phrase") : "unknown";
      const last = tokens.at(-1);
      if (last?.kind === "unknown" && ["unknown", "noun"].includes(kind)) {
        last.text += part[start - 1] === " " ? ` ${text}` : text;
      } else if (kind === "synonyms") {
        tokens.push({ text: "", kind: "fillers" });
        tokens.push(...words.synonyms[text].map((meaning) => ({ text: this.schema.normalize(meaning), kind: "phrase" })));
      } else tokens.push({ text, kind });
      start += text.length;
    }
    return tokens;
  }

  end(part, start) {
    for (let end = Math.min(part.length, start + this.longest); end > start; end--) {
      const text = part.slice(start, end);
      if (isBoundary(part, end) && (this.kinds.has(text) || (/[0-9]/.test(text) && this.schema.understands(text)))) return end;
    }
    return null;
  }

  negated(tokens) {
    const kept = [];
    let pending = null;
    let continues = false;
    let gap = false;
    for (const token of tokens) {
      const last = kept.at(-1);
      if (token.kind === "fillers") {
        gap = true;
        continue;
      }
      if (token.kind === "negations") pending = token;
      else if (token.kind === "negations_after") {
        if (last?.kind === "phrase") last.negated = true;
        else kept.push({ text: token.text, kind: "unknown" });
      } else if (token.kind === "continued") {
        continues = Boolean(last && (last.negated || (this.code(last.text) >= 0 && this.code(last.text) % 2)));
      } else {
        token.negated = pending !== null || continues;
        if (pending && token.kind === "unknown") token.text = `${pending.text} ${token.text}`;
        token.adjacent = !gap && !token.negated && kept.length > 0;
        pending = this.isAdjective(token) ? pending : null;
        continues = false;
        kept.push(token);
      }
      gap = false;
    }
    if (pending && !kept.at(-1)?.negated) kept.push({ text: pending.text, kind: "unknown" });
    return kept;
  }

  meaning(tokens, index) {
    const [token, before, after] = [tokens[index], tokens[index - 1], tokens[index + 1]];
    if (token.kind === "noun") {
      if ([before, after].some((other) => other && this.isAdjective(other))) return null;
      const shared = before ? this.withNoun(this.withoutNoun(before.text), token.text) : null;
      return { text: shared ?? token.text, known: shared !== null };
    }
    const adjective = token.kind === "phrase" ? token.text.replace(/^no /, "") : "";
    if (!this.adjectives.has(adjective)) {
      const isRest = token.kind === "unknown" && token.adjacent && before && this.isAdjective(before);
      if (isRest && this.meaning(tokens, index - 1)?.known === false) return null;
      return { text: token.text, known: token.kind === "phrase" };
    }
    const next = tokens.slice(index + 1).find((other) => !this.isAdjective(other));
    for (const other of [next, before]) {
      const found = other ? this.beside(adjective, other) : null;
      if (found) return { text: adjective === token.text ? found : token.text, known: true };
    }
    if (after?.kind === "noun" || after?.adjacent) return { text: `${token.text} ${after.text}`, known: false };
    return { text: token.text, known: true };
  }

  isAdjective({ kind, text }) {
    return kind === "phrase" && this.adjectives.has(text);
  }

  beside(adjective, other) {
    const noun = other.kind === "noun" ? other.text : this.noun(other.text);
    const joined = noun ? this.withNoun(adjective, noun) : null;
    const code = this.code(other.text);
    const column = code >> 1;
    const slot = code < 0 ? null : this.schema.slots.find(({ start, size }) => start <= column && column < start + size);
    if (joined || !slot) return joined;
    const names = this.schema.normalize(slot.name).split(" ");
    const fitting = this.adjectives.get(adjective).filter((name) => {
      return this.schema.normalize(name.split("=")[0]).split(" ").some((word) => names.includes(word));
    });
    return fitting.length === 1 ? this.schema.normalize(fitting[0]) : null;
  }

  withNoun(adjective, noun) {
    return [`${adjective} ${noun}`, `${adjective}${noun}`].find((text) => this.code(text) >= 0) ?? null;
  }

  noun(phrase) {
    const fitting = [...this.nouns].filter((noun) => phrase.endsWith(noun) && phrase !== noun);
    return fitting.sort((one, other) => other.length - one.length)[0] ?? null;
  }

  withoutNoun(phrase) {
    const noun = this.noun(phrase);
    return (noun ? phrase.slice(0, -noun.length) : phrase).trim();
  }

  opposite(phrase) {
    const code = this.code(phrase);
    const text = phrase.includes("=") ? `-${phrase}` : `no ${phrase}`;
    return { text, known: code >= 0 && code % 2 === 0 && this.schema.understands(text) };
  }
}

function isBoundary(part, index) {
  return index === part.length || !(/[a-z0-9']/.test(part[index]) && /[a-z0-9'%]/.test(part[index - 1]));
}

// Adjective -> the columns that it names, and the nouns that may follow.
function adjectives(schema) {
  const groups = schema.attributes.filter(({ values }) => values);
  const texts = ({ phrase, name, aliases }) => {
    const spelled = [phrase, name, ...(aliases ?? [])].filter((text) => !MIXED_SCRIPTS.test(text));
    return new Set(spelled.map((text) => schema.normalize(text)));
  };
  const nouns = new Set();
  for (const { values } of groups) {
    const spelled = values.map(texts);
    const counts = new Map();
    for (const own of spelled) {
      const all = [...own];
      const roots = all.filter((text) => !all.some((other) => continued(other, own).has(text)));
      const endings = new Set(roots.flatMap((root) => [...continued(root, own).values()]));
      for (const ending of endings) counts.set(ending, (counts.get(ending) ?? 0) + 1);
    }
    const common = new Set([...counts].filter(([, count]) => 2 * count >= values.length).map(([ending]) => ending));
    const inner = new Set();
    for (const own of spelled) {
      for (const text of own) {
        for (const [longer, ending] of continued(text, own)) {
          if ([...continued(longer, own).values()].some((more) => common.has(more))) inner.add(ending);
        }
      }
    }
    for (const ending of common) if (!inner.has(ending)) nouns.add(ending);
  }
  const found = new Map();
  for (const { name, values } of groups) {
    for (const value of values) {
      const named = [...nouns].map((noun) => `${schema.normalize(value.name)} ${noun}`);
      if (!named.includes(schema.normalize(value.phrase))) continue;
      const own = texts(value);
      for (const text of own) {
        const follows = [...continued(text, own).values()].some((ending) => nouns.has(ending));
        if (!follows || [...nouns].some((noun) => text.endsWith(noun))) continue;
        found.set(text, [...(found.get(text) ?? []), `${name}=${value.name}`]);
      }
    }
  }
  return [found, nouns];
}

// Text -> what it appends, of the texts that begin with a text. Only words follow a Latin word.
function continued(text, texts) {
  const latin = /[a-z0-9]/.test(text.at(-1));
  const longer = [...texts].filter((other) => other.startsWith(text) && other !== text);
  const rests = longer.map((other) => [other, other.slice(text.length)]);
  return new Map(rests.filter(([, rest]) => !latin || rest.startsWith(" ")).map(([other, rest]) => [other, rest.trim()]));
}
