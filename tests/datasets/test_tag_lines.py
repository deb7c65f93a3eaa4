"""Layouts of tag files that programs and people write; `+` means yes, `-` no, and `?` unknown."""

from __future__ import annotations

import pytest

from anime_gan.datasets.folder.tag_text import read_items
from anime_gan.datasets.folder.tags import TagTable

TABLE = TagTable.load()


@pytest.mark.parametrize(
    ("text", "smile", "hat", "glasses"),
    [
        # Lists of programs.
        ('"smile", "hat"', "+", "+", "-"),
        ("['smile', 'hat']", "+", "+", "-"),
        ('["smile", "hat"]', "+", "+", "-"),
        ("#smile #hat #blue_hair", "+", "+", "-"),
        ("smile, hat # glasses", "+", "?", "?"),
        # Lists with marks; a single "- glasses" may also mean that there are none.
        ("- smile\n- hat", "+", "+", "-"),
        ("1. smile\n2. hat", "+", "+", "-"),
        ("* smile\r\n* hat", "+", "+", "-"),
        ("smile\n- hat", "+", "?", "-"),
        ("smile, - hat", "+", "-", "-"),
        # Scores of taggers.
        ("smile,0.98\nhat,0.03", "+", "?", "-"),
        ("smile\t0.98\nhat\t.93", "+", "+", "-"),
        ("smile:1.2, hat:0.2", "+", "?", "-"),
        # Alternatives in several lines.
        ("glasses, {\n  smile|\n  hat\n}", "?", "?", "+"),
        ("glasses, {smile|\nhat}", "?", "?", "+"),
        # A sign before brackets.
        ("smile, -(hat)", "+", "-", "-"),
        ("smile, -(hat, glasses)", "+", "?", "?"),
        ("smile, no (hat, glasses)", "+", "?", "?"),
        ("smile, -((hat, glasses:1.2))", "+", "?", "?"),
        # Prompts with options do not say everything that the picture shows.
        ("smile, Negative prompt: hat", "+", "?", "?"),
        ("smile --no hat, glasses", "+", "?", "?"),
        # Unicode.
        ("hat，ｓｍｉｌｅ", "+", "+", "-"),
        ("hat\u200b, \ufeffsmile", "+", "+", "-"),
        ("smile；hat", "+", "+", "-"),
        # Other spellings of known tags.
        ("smiles, hats", "+", "+", "-"),
    ],
)
def test_layout(text, smile, hat, glasses):
    description = TABLE.read(read_items(text)).description
    found = "".join({True: "+", False: "-", None: "?"}[description[n]] for n in ("smile", "hat", "glasses"))
    assert found == smile + hat + glasses


@pytest.mark.parametrize(
    ("tag", "attribute"),
    [
        ("openmouth", "open_mouth"),
        ("open-mouth", "open_mouth"),
        ("earring", "earrings"),
        (":-D", "open_mouth"),
    ],
)
def test_spelling_of_a_known_tag(tag, attribute):
    assert TABLE.read(read_items(f"hat, {tag}")).description[attribute] is True


@pytest.mark.parametrize("pair", ["-(,", "\n ", "#a ", "a:0.5:", " ;"])
def test_long_nested_text_is_read_in_linear_time(pair):
    # In quadratic time, this test would take many minutes.
    half = len(pair) // 2
    reading = TABLE.read(read_items(pair[:half] * 40_000 + pair[half:] * 40_000))
    assert not reading.knows
