"""Markdown tables and the numbers in them."""

from __future__ import annotations

from anime_gan.common.markdown import in_words, markdown_table


def test_numbers_are_aligned_to_the_right():
    assert markdown_table(
        ["step", "images/s"], [["plain loop", "57.4"], ["Trainer", "1,234"]]
    ).splitlines() == [
        "| step       | images/s |",
        "|------------|---------:|",
        "| plain loop |     57.4 |",
        "| Trainer    |    1,234 |",
    ]


def test_numbers_have_three_significant_digits():
    values = (0.12345, 1.0, 12.345, 99.96, 123.45, 1234567.0)
    assert [in_words(value) for value in values] == ["0.123", "1", "12.3", "100", "123", "1,234,567"]
