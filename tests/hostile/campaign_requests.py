"""Request strings: the right answer is known by construction, and Python and the graph must both give it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

TITLE = "request strings: signs, negations, weights, Unicode, brackets"
SHORT = 300
FULL = 20_000

ATTRIBUTES = {
    "hair_color": ("blue", "red", "black", "blonde"),
    "smile": None,
    "eye_color": ("blue", "red", "green"),
    "glasses": None,
    "hair_style": ("short", "long", "twin_tails"),
    "closed_eyes": None,
}
# Label column -> spellings that name it and nothing else, written down by hand.
SPELLINGS: dict[str, tuple[str, ...]] = {
    "hair_color=blue": (
        "blue hair",
        "blue haired",
        "蓝发",
        "青髪",
        "hair color=blue",
        "hair color=blue hair",
    ),
    "hair_color=red": ("red hair", "红发", "赤髪", "hair color=red"),
    "hair_color=black": ("black hair", "黑发", "黒髪", "hair color=black"),
    "hair_color=blonde": ("blonde hair", "golden hair", "金发", "hair color=blonde"),
    "eye_color=blue": ("blue eyes", "蓝眼", "青い目", "eye color=blue"),
    "eye_color=red": ("red eyes", "red eyed", "赤い瞳", "eye color=red"),
    "eye_color=green": ("green eyes", "绿眼睛", "eye color=green"),
    "hair_style=short": ("short hair", "短发", "ショートヘア", "hair style=short"),
    "hair_style=long": ("long hair", "长发", "hair style=long"),
    "hair_style=twin_tails": ("twin tails", "双马尾", "ツインテール", "hair style=twin tails"),
    "smile": ("smile", "smiling", "微笑", "笑顔", "smile=yes", "smile=1", "smile=on"),
    "glasses": ("glasses", "眼镜", "メガネ", "glasses=true"),
    "closed_eyes": ("closed eyes",),
}
COLUMNS = tuple(
    name if values is None else f"{name}={value}"
    for name, values in ATTRIBUTES.items()
    for value in (values or ("",))
)
SIGNS = ("-", "!", "- ", "! ", "−", "－", "！", "–", "_-", " -_")
WORDS = ("no ", "not ", "without ", "NO ", "no-", "not_")
DOUBLE = ("--", "!!", "- -", "-no ", "no -", "no no ", "not !", "-!", "without −", "+-", "-+")
# Each contains one phrase, and means something that no request can say.
BRACKETS = ("({}:1.2)", "({}:-1)", "(({}))", "[{}]", "{{{}}}", "<{}>", "{}:1.3", "{}^1.2", '"{}"', "({}")
ENDINGS = ("-", " -", "--", "!", "?", " 1.2", "+", ".", "=", "=2", "=-0", "\x00", "\u200b")
JOINTS = ("-", "!", "- ", "|", "/", "; ")
# Between two attributes without a comma, and whole phrases: only the command line understands these, with the
# columns that each phrase names.
FREE_JOINTS = ("and ", "+")
FREE = {"1girl": (), "a girl with blue hair": ("hair_color=blue",), "smiling girl": ("smile",)}
NONSENSE = (
    "-",
    "--",
    "!",
    "2girls",
    "lora:x:0.8",
    "BREAK",
    "ｓｍｉｌｅ",
    "smïle",
    "😀",
    "\u202e",
)


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Tries `count` strings; returns a line for each one that is read wrongly or unlike in the graph."""
    import tensorflow as tf

    from anime_gan.attributes.schema import AttributeRequestError, Schema
    from anime_gan.exports.sampling import RequestReader
    from anime_gan.faces.request import FaceRequest, checked

    schema = Schema.from_names(ATTRIBUTES)
    spec = tf.TensorSpec([None], tf.string)
    graph = tf.function(RequestReader(schema).__call__, input_signature=[spec], autograph=False)
    random = np.random.default_rng(seed)

    def python(text: str) -> tuple[int, ...] | None:
        try:
            return tuple(schema.parse(text).tolist())
        except AttributeRequestError:
            return None

    def command(text: str) -> tuple[int, ...] | None:
        try:
            return python(checked(FaceRequest(text), schema).attributes)
        except AttributeRequestError:
            return None

    asked = [request(random) for _ in range(count)]
    values, errors = graph(tf.constant([text for text, *_ in asked]))
    failures = []
    for (text, expected, free), row, error in zip(asked, values.numpy(), errors.numpy(), strict=True):
        read = None if error else tuple(row.astype(int).tolist())
        answers = {
            "Python": (python(text), expected),
            "graph": (read, expected),
            "command": (command(text), free),
        }
        wrong = [
            f"{reader}: {got}, right is {right}" for reader, (got, right) in answers.items() if got != right
        ]
        if wrong:
            failures.append(f"{text!r}: {'; '.join(wrong)}")
    return failures


def request(random: np.random.Generator) -> tuple[str, tuple[int, ...] | None, tuple[int, ...] | None]:
    """Returns a request, its label row, and its label row on the command line; None if it must be refused."""
    parts, meanings = [], []
    for _ in range(random.integers(0, 5)):
        column = _one(random, COLUMNS)
        phrase = _one(random, SPELLINGS[column])
        sign = 1 if random.random() < 0.5 else -1
        parts.append(_decorated(random, phrase if sign > 0 else _negated(random, phrase)))
        meanings.append((column, sign))
    row = free = label_row(meanings)
    if random.random() < 0.3:
        part, understood = _hostile(random)
        parts.insert(int(random.integers(0, len(parts) + 1)), part)
        row = None
        free = None if understood is None else label_row([*meanings, *((column, 1) for column in understood)])
    return _one(random, [",", ", ", " ,", "，", "、", ",,"]).join(parts), row, free


def label_row(meanings: list[tuple[str, int]]) -> tuple[int, ...] | None:
    """Returns what the phrases say of each column, or None for a contradiction."""
    said: dict[str, set[int]] = {column: set() for column in COLUMNS}
    for column, sign in meanings:
        said[column].add(sign)
        group, is_value, _ = column.partition("=")
        if sign > 0 and is_value:
            for other in COLUMNS:
                if other.startswith(f"{group}=") and other != column:
                    said[other].add(-1)
    if any(len(signs) > 1 for signs in said.values()):
        return None
    for group, values in ATTRIBUTES.items():
        if values is not None and all(said[f"{group}={value}"] == {-1} for value in values):
            return None
    return tuple(next(iter(signs), 0) for signs in said.values())


def _one(random: np.random.Generator, texts: Sequence[str]) -> str:
    # NumPy's `choice` would drop a NUL at the end.
    return texts[int(random.integers(len(texts)))]


def _negated(random: np.random.Generator, phrase: str) -> str:
    name, is_named, value = phrase.partition("=")
    if is_named and random.random() < 0.5:
        if random.random() < 0.2:
            return f"{name} != {value}"
        return f"{name}={_one(random, [*SIGNS, *WORDS[:3]])}{value}"
    if not phrase.isascii() and random.random() < 0.3:
        return f"没有{phrase}"
    return f"{_one(random, [*SIGNS, *WORDS])}{phrase}"


def _decorated(random: np.random.Generator, phrase: str) -> str:
    """Writes a phrase in another case, with other spaces, or with hyphens."""
    if random.random() < 0.3:
        # A hyphen beside a sign would be one more sign.
        joiner = _one(random, ["_", "-", "  ", "\t", "\u3000", "--", "\n"])
        phrase = "".join(
            joiner if letter == " " and before.isalpha() and after.isalpha() else letter
            for before, letter, after in zip(" " + phrase, phrase, phrase[1:] + " ", strict=False)
        )
    if random.random() < 0.2:
        phrase = phrase.upper()
    if random.random() < 0.2:
        phrase = phrase.replace("=", _one(random, [" = ", "＝", " =", "= "]))
    return str(random.choice(["", "", " ", "  ", "\t", "\u3000"])) + phrase


def _hostile(random: np.random.Generator) -> tuple[str, tuple[str, ...] | None]:
    """Returns a phrase that must be refused, and the columns that it names on the command line, if any."""
    columns = [str(random.choice(COLUMNS)) for _ in range(2)]
    phrase, other = (_one(random, SPELLINGS[column]) for column in columns)
    kind = random.integers(0, 8)
    if kind == 0:
        return f"{_one(random, DOUBLE)}{phrase}", None
    if kind == 1:
        return _one(random, BRACKETS).format(phrase), None
    if kind == 2:
        ending = _one(random, ENDINGS)
        # A full stop ends a sentence.
        is_sentence = ending == "." and "=" not in phrase
        return f"{phrase}{ending}", (columns[0],) if is_sentence else None
    if kind == 3:
        return f"{phrase} {_one(random, JOINTS)}{other}", None
    if kind == 4:
        return _one(random, NONSENSE), None
    if kind == 5:
        # A name with an equals sign stands between commas.
        understood = None if "=" in phrase + other else tuple(columns)
        return f"{phrase} {_one(random, FREE_JOINTS)}{other}", understood
    if kind == 6:
        text = _one(random, tuple(FREE))
        return text, FREE[text]
    # Letters of many scripts, none of which is a separator or a sign.
    return "x" + "".join(chr(code) for code in random.integers(0xA1, 0x2000, 4)) + "x", None
