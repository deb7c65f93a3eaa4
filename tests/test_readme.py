"""Both READMEs say the same: commands, pictures, numbers, and where their links lead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
NAMES = ("README.md", "README.zh-CN.md")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def read(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")


def commands(text: str) -> list[tuple[str, str]]:
    """Blocks of code, without what is said about it."""
    blocks = []
    for language, code in FENCE.findall(text):
        lines = (re.sub(r"(^|\s+)# .*", "", line).rstrip() for line in code.splitlines())
        blocks.append((language, "\n".join(line for line in lines if line)))
    return blocks


def prose(text: str) -> str:
    return FENCE.sub("", text)


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d[\d,.]*\d|\d", text))


def table_numbers(text: str) -> list[list[str]]:
    """The numbers of each row of each table, whatever stands between them."""
    return [numbers(line) for line in prose(text).splitlines() if line.startswith("|")]


def links(text: str) -> list[str]:
    return re.findall(r"(?<=\]\()[^)\s]+(?=\))|(?<=src=\")[^\"]+", prose(text))


def anchors(text: str) -> set[str]:
    """Headings, as GitHub names them in links."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_code_is_the_same():
    english, chinese = (commands(read(name)) for name in NAMES)
    assert chinese == english
    assert len(english) > 10


def test_what_is_typed_in_sentences_is_the_same():
    spans = [sorted(re.findall(r"`[^`\n]+`", " ".join(prose(read(name)).split()))) for name in NAMES]
    assert spans[1] == spans[0]


def test_tables_have_the_same_numbers():
    english, chinese = (table_numbers(read(name)) for name in NAMES)
    assert chinese == english
    assert any(row for row in english)


def test_sentences_have_the_same_numbers():
    # What is typed, and where links lead, is compared elsewhere.
    english, chinese = (numbers(re.sub(r"`[^`]*`|\]\([^)]*\)", "", prose(read(name)))) for name in NAMES)
    assert chinese == english


def test_the_same_sections_pictures_and_files():
    english, chinese = (read(name) for name in NAMES)
    levels = [re.findall(r"^#+(?= )", prose(text), re.MULTILINE) for text in (english, chinese)]
    assert levels[1] == levels[0]
    there = [
        [link for link in links(text) if not link.startswith(("#", "README"))] for text in (english, chinese)
    ]
    assert sorted(there[1]) == sorted(there[0])


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    text = read(name)
    for link in links(text):
        if link.startswith("#"):
            assert link[1:] in anchors(text), link
        elif not link.startswith("http"):
            assert (REPOSITORY / link.partition("#")[0]).exists(), link


def test_each_leads_to_the_other():
    for name, other in (NAMES, NAMES[::-1]):
        assert other in links(read(name))
