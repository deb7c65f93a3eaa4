"""Reads requests without commas, such as `long blue hair no glasses` or `金发碧眼`.

The words around the attributes are in `free_words.json`. Everything else comes from the schema, so attributes
of one's own can be requested freely, too. `anime_gan/js/free_phrases.js` is the same in JavaScript.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import importlib.resources
import itertools
import json
import re
from typing import NamedTuple

from anime_gan.attributes import scales
from anime_gan.attributes.phrases import normalize, split_phrases
from anime_gan.attributes.schema import AMBIGUOUS_PHRASE, MIXED_SCRIPTS, Schema, Slot

# A word of Latin letters and digits, or a single character of another script.
WORD = re.compile(r"[a-z0-9'%.+!-]+|[^ ]")
# A sign that joins nothing, such as in `smile+` or `(smile:1.2)`, which ask for more of a smile elsewhere.
LOOSE_SIGN = re.compile(r"[+&] ?([+&]|$)|[^\w\s'%°.+&-]")

# Characters that a number with its unit may add to a phrase.
NUMBER_LENGTH = 16


class Phrase(NamedTuple):
    """A part of a request.

    Attributes:
        text: A phrase that `Schema.parse` understands, or the words that nobody understands.
        known: Whether it is understood.
    """

    text: str
    known: bool


@dataclasses.dataclass(frozen=True)
class _Words:
    """The contents of `free_words.json`: words that are no attributes."""

    fillers: frozenset[str]
    negations: frozenset[str]
    negations_after: frozenset[str]
    continued: frozenset[str]
    synonyms: dict[str, list[str]]


@dataclasses.dataclass
class _Token:
    """A piece of a request.

    Its kind is `phrase`, `noun`, `unknown`, or one of the fields of `_Words`. It is `adjacent` if it follows
    the token before without a filler or a negation.
    """

    text: str
    kind: str
    negated: bool = False
    adjacent: bool = False


def read_phrases(text: str, schema: Schema) -> list[Phrase]:
    """Splits typed text into phrases, at commas and where one known phrase ends and the next begins."""
    return [
        phrase
        for part in split_phrases(text)
        for phrase in ([Phrase(part, True)] if understands(part, schema) else _reader(schema).read(part))
    ]


def understands(phrase: str, schema: Schema) -> bool:
    """Tells whether a normalized phrase is known, even if it is ambiguous or its number is out of range."""
    if phrase in schema.phrase_codes:
        return True
    form, sign, _ = scales.split_number(phrase) or ("", "", 0.0)
    meaning = schema.number_forms.get(form)
    return meaning is not None and (meaning.signed or not sign)


@functools.lru_cache(maxsize=4)
def _reader(schema: Schema) -> _Reader:
    return _Reader(schema)


class _Reader:
    """Reads parts of a request with one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema, self._words = schema, _load_words()
        self._codes = schema.phrase_codes
        self._adjectives, self._nouns = _adjectives(schema)
        words = self._words
        synonyms = [
            word
            for word, meanings in words.synonyms.items()
            if all(normalize(meaning) in self._codes for meaning in meanings)
        ]
        known = {
            **dict.fromkeys(self._nouns, "noun"),
            **{
                word: kind
                for kind in ("fillers", "negations_after", "negations", "continued")
                for word in getattr(words, kind)
            },
            **dict.fromkeys(synonyms, "synonyms"),
            **{phrase: "phrase" for phrase in self._codes if phrase and "=" not in phrase},
        }
        # `blonde` has one meaning, whatever follows.
        known |= {word: "synonyms" for word in synonyms if word in self._adjectives}
        self._kinds = known
        self._longest = max(map(len, known), default=0) + NUMBER_LENGTH

    def read(self, part: str) -> list[Phrase]:
        """Reads a normalized part without commas."""
        part = part.rstrip(".。")
        if "=" in part or "!" in part or part.startswith("-") or LOOSE_SIGN.search(part):
            return [Phrase(part, False)]
        tokens = self._negated(self._tokens(part))
        phrases = []
        for index, token in enumerate(tokens):
            found = self._meaning(tokens, index)
            if token.negated and found and found.known:
                found = self._opposite(found.text)
            if found:
                phrases.append(found)
        return phrases

    def _tokens(self, part: str) -> list[_Token]:
        """Cuts a part into the longest known pieces; what is between them is unknown."""
        tokens: list[_Token] = []
        start = 0
        while start < len(part):
            if part[start] == " ":
                start += 1
                continue
            end = self._end(part, start)
            word = WORD.match(part, start)
            text = part[start : end or (word.end() if word else start + 1)]
            kind = self._kind(text) if end else "unknown"
            last = tokens[-1] if tokens else None
            if last and last.kind == "unknown" and kind in ("unknown", "noun"):
                last.text = f"{last.text} {text}" if part[start - 1] == " " else f"{last.text}{text}"
            elif kind == "synonyms":
                # In "blonde girl", the adjective does not belong to the meaning of "girl".
                tokens.append(_Token("", "fillers"))
                tokens += [_Token(normalize(meaning), "phrase") for meaning in self._words.synonyms[text]]
            else:
                tokens.append(_Token(text, kind))
            start += len(text)
        return tokens

    def _kind(self, text: str) -> str:
        return self._kinds.get(text, "phrase")

    def _end(self, part: str, start: int) -> int | None:
        """Returns where the longest known piece that begins at an index ends."""
        for end in range(min(len(part), start + self._longest), start, -1):
            text = part[start:end]
            if _is_boundary(part, end) and (
                text in self._kinds or (re.search("[0-9]", text) and understands(text, self._schema))
            ):
                return end
        return None

    def _negated(self, tokens: list[_Token]) -> list[_Token]:
        """Applies negations to the phrases that they belong to, and removes words without a meaning."""
        kept: list[_Token] = []
        pending: _Token | None = None
        continues = gap = False
        for token in tokens:
            if token.kind == "negations":
                pending = token
            elif token.kind == "negations_after":
                if kept and kept[-1].kind == "phrase":
                    kept[-1].negated = True
                else:
                    kept.append(_Token(token.text, "unknown"))
            elif token.kind == "continued":
                continues = bool(kept) and (kept[-1].negated or self._is_negative(kept[-1].text))
            elif token.kind == "fillers":
                gap = True
                continue
            else:
                token.negated = pending is not None or continues
                if pending and token.kind == "unknown":
                    token.text = f"{pending.text} {token.text}"
                token.adjacent = not gap and not token.negated and bool(kept)
                # Only an adjective may stand between a negation and its noun: `no blue hair`.
                pending = pending if self._is_adjective(token) else None
                continues = False
                kept.append(token)
            gap = False
        if pending and not any(token.negated for token in kept[-1:]):
            kept.append(_Token(pending.text, "unknown"))
        return kept

    def _meaning(self, tokens: list[_Token], index: int) -> Phrase | None:
        """Returns what a token means among the others; None if it adds nothing."""
        token = tokens[index]
        before = tokens[index - 1] if index else None
        after = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.kind == "noun":
            # An adjective beside it takes the noun.
            if any(other and self._is_adjective(other) for other in (before, after)):
                return None
            shared = self._with_noun(self._without_noun(before.text), token.text) if before else None
            return Phrase(shared or token.text, shared is not None)
        adjective = token.text.removeprefix("no ") if token.kind == "phrase" else ""
        if adjective not in self._adjectives:
            # What an adjective belongs to is unknown together with it.
            is_rest = token.kind == "unknown" and token.adjacent and before and self._is_adjective(before)
            if is_rest and (rest := self._meaning(tokens, index - 1)) and not rest.known:
                return None
            return Phrase(token.text, token.kind == "phrase")
        others = itertools.dropwhile(self._is_adjective, tokens[index + 1 :])
        for other in (next(others, None), before):
            if other and (found := self._beside(adjective, other)):
                return Phrase(found if adjective == token.text else token.text, True)
        # `white hat` does not mean white hair, and `dark blue hair` does not mean dark skin.
        if after and (after.kind == "noun" or after.adjacent):
            return Phrase(f"{token.text} {after.text}", False)
        return Phrase(token.text, True)

    def _is_adjective(self, token: _Token) -> bool:
        return token.kind == "phrase" and token.text in self._adjectives

    def _beside(self, adjective: str, other: _Token) -> str | None:
        """Returns the phrase of an adjective that shares a noun with another token."""
        noun = other.text if other.kind == "noun" else self._noun(other.text)
        joined = self._with_noun(adjective, noun) if noun else None
        slot = self._slot(other.text)
        if joined or slot is None:
            return joined
        # `blue twin tails`: both attributes are called "hair".
        names = set(normalize(slot.name).split())
        fitting = [
            name
            for name in self._adjectives[adjective]
            if names & set(normalize(name.partition("=")[0]).split())
        ]
        return normalize(fitting[0]) if len(fitting) == 1 else None

    def _is_negative(self, phrase: str) -> bool:
        code = self._codes.get(phrase, AMBIGUOUS_PHRASE)
        return code >= 0 and code % 2 == 1

    def _slot(self, phrase: str) -> Slot | None:
        code = self._codes.get(phrase, AMBIGUOUS_PHRASE)
        found = [slot for slot in self._schema.slots if slot.start <= code // 2 < slot.start + slot.size]
        return found[0] if code >= 0 and found else None

    def _with_noun(self, adjective: str, noun: str) -> str | None:
        joined = (f"{adjective} {noun}", f"{adjective}{noun}")
        return next((text for text in joined if self._codes.get(text, AMBIGUOUS_PHRASE) >= 0), None)

    def _noun(self, phrase: str) -> str | None:
        fitting = [noun for noun in self._nouns if phrase.endswith(noun) and phrase != noun]
        return max(fitting, key=len, default=None)

    def _without_noun(self, phrase: str) -> str:
        return phrase.removesuffix(self._noun(phrase) or "").strip()

    def _opposite(self, phrase: str) -> Phrase:
        code = self._codes.get(phrase, AMBIGUOUS_PHRASE)
        known = code >= 0 and code % 2 == 0
        negated = f"-{phrase}" if "=" in phrase else f"no {phrase}"
        return Phrase(negated, known and understands(negated, self._schema))


def _is_boundary(part: str, index: int) -> bool:
    """Tells whether a piece may end at an index: not within a Latin word."""
    return index == len(part) or not (
        re.match("[a-z0-9']", part[index]) and re.match("[a-z0-9'%]", part[index - 1])
    )


def _adjectives(schema: Schema) -> tuple[dict[str, list[str]], set[str]]:
    """Finds adjectives and nouns, such as `blue` and `hair`, in the spellings of values.

    Returns:
        The columns that each adjective names, and the nouns.
    """
    spelled = {
        f"{group.name}={value.name}": {
            normalize(phrase) for phrase in value.phrases if not MIXED_SCRIPTS.search(phrase)
        }
        for group in schema.groups
        for value in group.values
    }
    nouns: set[str] = set()
    for group in schema.groups:
        of_values = [spelled[f"{group.name}={value.name}"] for value in group.values]
        counts: collections.Counter[str] = collections.Counter()
        for texts in of_values:
            roots = [text for text in texts if not any(text in _continued(other, texts) for other in texts)]
            counts.update({ending for root in roots for ending in _continued(root, texts).values()})
        common = {ending for ending, count in counts.items() if 2 * count >= len(of_values)}
        # What another noun may follow is no noun: both `蓝色` and `蓝色发` are spelled.
        inner = {
            ending
            for texts in of_values
            for text in texts
            for longer, ending in _continued(text, texts).items()
            if common & set(_continued(longer, texts).values())
        }
        nouns |= common - inner
    adjectives: dict[str, list[str]] = {}
    for group in schema.groups:
        for value in group.values:
            # `twin tails` is a name of its own, and not an adjective with a noun.
            if normalize(value.phrase) not in {f"{normalize(value.name)} {noun}" for noun in nouns}:
                continue
            column = f"{group.name}={value.name}"
            for text in spelled[column]:
                follows = nouns & set(_continued(text, spelled[column]).values())
                if follows and not any(text.endswith(noun) for noun in nouns):
                    adjectives.setdefault(text, []).append(column)
    return adjectives, nouns


def _continued(text: str, texts: set[str]) -> dict[str, str]:
    """Returns the texts that begin with a text, and what they append. Only words follow a Latin word."""
    latin = bool(re.match("[a-z0-9]", text[-1:]))
    longer = {other: other[len(text) :] for other in texts if other.startswith(text) and other != text}
    return {other: rest.strip() for other, rest in longer.items() if not latin or rest.startswith(" ")}


@functools.cache
def _load_words() -> _Words:
    text = importlib.resources.files("anime_gan.attributes").joinpath("free_words.json").read_text("utf-8")
    words = json.loads(text)
    sets = {name: frozenset(words[name]) for name in ("fillers", "negations", "negations_after", "continued")}
    return _Words(**sets, synonyms=words["synonyms"])
