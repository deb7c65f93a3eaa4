"""What is written for people says what was measured."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from anime_gan.common.layout import GAP
from anime_gan.evaluate import report
from anime_gan.exports.model_card import with_measured_section

NUMBERS = {
    "seed": 3,
    "num_images": 10_000,
    "truncation": 1.0,
    "model": {"weights_sha256": "ab12", "steps": 20},
    "data": {"name": "drawn-16000", "checksum": "cd34", "test": 1600},
    "tagger": {
        "checksum": "ef56",
        "accuracy": {"hair": 0.987, "smile": None},
        "hardest": [{"attribute": "smile", "given": "hair=red", "right": 0.8125, "images": 32}],
    },
    "critic": {"checksum": "9a8b", "floor": 1.5, "detection": {"blur": 0.75}},
    "notes": ["nothing is perfect"],
    "attributes": {
        "model": 0.8765,
        "real": 0.951,
        "share_of_real": 0.92166,
        "worst": {"value": "hair=red", "model": 0.5, "real": 0.9},
        "values": [
            {"value": "hair=red", "model": 0.5, "real": 0.9, "model_images": 200, "real_images": 31},
            {"value": "smile=no", "model": None, "real": 0.99, "model_images": 0, "real_images": 12},
        ],
    },
    "combinations": {
        "unseen": {
            "joint": 0.625,
            "combinations": [
                {
                    "request": "red hair, smile",
                    "joint": 0.625,
                    "each": {"hair": 0.7, "smile": 0.9},
                    "images": 40,
                }
            ],
        },
        "seen": {
            "joint": 0.75,
            "combinations": [
                {
                    "request": "blue hair, smile",
                    "joint": 0.75,
                    "each": {"hair": 0.8, "smile": 0.95},
                    "images": 40,
                }
            ],
        },
        "difference": -0.125,
        "real": {"joint": 0.9, "images": 10},
    },
    "leakage": {
        "flipped": 0.0321,
        "noise": 0.0045,
        "followed": 0.777,
        "spill": 0.25,
        "attributes": {"hair": {"pairs": 500, "flipped": 0.0125, "spill": 0.31}},
    },
    "variety": {"equal": "all attributes", "pairs": 500, "model": 0.1, "real": 0.125, "ratio": 0.8},
    "candidates": [
        {"candidates": 1, "success": 0.55, "variety": 0.8, "images": 1000},
        {"candidates": 4, "success": 0.85, "variety": 0.7, "images": 1000},
    ],
    "success": {"model": 0.56, "real": 0.95},
    "copies": {"model": 0.11111, "real": 0.1, "model_near": 0.013, "real_near": 0.01},
    "resemblance": {
        "all": {"images": 10_000, "model": {"fid": 12.3456, "kid": 0.00321, "precision": 0.6, "recall": 0.4}},
        "equal_numbers": {
            "images": 1600,
            "model": {"fid": 14.5, "kid": 0.0033, "precision": 0.61, "recall": 0.41},
            "real": {"fid": 2.5, "kid": -0.0001, "precision": 0.9, "recall": 0.8},
        },
    },
    "texture": {
        "images": 1600,
        "levels": {"64": {"model": 30.0, "real": 3.0}, "32": {"model": 20.5, "real": 2.0}},
    },
}

NUMBERS["details"] = {
    "success": {"model": 0.45, "real": 0.951},
    "fid": {"images": 1600, "model": 6.5, "real": 2.25},
    "attributes": {"model": 0.81, "real": 0.9, "share_of_real": 0.9},
}
SUMMARY = {
    "attribute precision": ("87.6%", "95.1%"),
    "attribute precision, relative to real images": ("92.2%", "–"),
    "worst value: `hair=red`": ("50.0%", "90.0%"),
    "held-out combinations, all attributes correct": ("62.5%", "90.0%"),
    "combinations seen in training, all attributes correct": ("75.0%", "–"),
    "difference between the two": ("-12.5%", "–"),
    "single-attribute edits that succeed": ("77.7%", "–"),
    "other attributes that flip in such an edit": ("3.2%", "–"),
    "baseline: labels that flip when the image moves one pixel": ("0.4%", "–"),
    "pixel change outside the attribute's region, relative to inside": ("0.25", "–"),
    "variety (all attributes equal, 500 pairs)": ("80.0%", "100.0%"),
    "median distance to the nearest training image": ("0.1111", "0.1"),
    "memorization check: closer to a training image than 99% of real images": ("1.3%", "1.0%"),
    "FID (tagger features), 10000 images": ("12.35", "–"),
    "FID (tagger features), 1600 images": ("14.5", "2.5"),
    "KID (tagger features), 10000 images": ("0.00321", "–"),
    "KID (tagger features), 1600 images": ("0.0033", "-0.0001"),
    "precision (tagger features), 10000 images": ("60.0%", "–"),
    "precision (tagger features), 1600 images": ("61.0%", "90.0%"),
    "recall (tagger features), 10000 images": ("40.0%", "–"),
    "recall (tagger features), 1600 images": ("41.0%", "80.0%"),
    "texture at 64 pixels": ("30", "3"),
    "texture at 32 pixels": ("20.5", "2"),
    "success rate": ("56.0%", "95.0%"),
    "details: success rate": ("45.0%", "95.1%"),
    "details: FID (tagger features), 1600 images": ("6.5", "2.25"),
    "details: attribute precision": ("81.0%", "90.0%"),
    "details: attribute precision, relative to real images": ("90.0%", "–"),
    "success rate, 1 candidate": ("55.0%", "–"),
    "variety, 1 candidate": ("80.0%", "100.0%"),
    "success rate, best of 4 candidates": ("85.0%", "–"),
    "variety, best of 4 candidates": ("70.0%", "100.0%"),
}


def read_tables(text: str) -> list[list[list[str]]]:
    """Every Markdown table of a text, as rows of cells, the head first."""
    tables: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif tables[-1]:
            tables.append([])
    return [[table[0], *table[2:]] for table in tables if table]


def test_summary_holds_every_main_result():
    (table,) = read_tables(report.summary(NUMBERS))
    assert table[0] == ["measure", "model", "real"]
    assert {row[0]: (row[1], row[2]) for row in table[1:]} == SUMMARY
    text = report.summary(NUMBERS)
    assert "10,000 faces" in text and "seed 3" in text and "1,600 held-out images of drawn-16000" in text
    assert "Note: nothing is perfect." in text


def test_the_whole_report():
    text = report.markdown(NUMBERS)
    by_head = {table[0][0]: table[1:] for table in read_tables(text) if table[0][0] != "request"}
    values, combinations = (table for table in read_tables(text) if table[0][0] == "request")
    assert values[1:] == [
        ["`hair=red`", "50.0%", "90.0%", "200", "31"],
        ["`smile=no`", "–", "99.0%", "0", "12"],
    ]
    assert combinations[1:] == [
        ["red hair, smile", "no", "62.5%", "hair 70.0%, smile 90.0%", "40"],
        ["blue hair, smile", "yes", "75.0%", "hair 80.0%, smile 95.0%", "40"],
    ]
    assert by_head["edited attribute"] == [["`hair`", "500", "1.2%", "0.31"]]
    assert by_head["scale"] == [["64 pixels", "30", "3"], ["32 pixels", "20.5", "2"]]
    assert by_head["attribute"] == [["`hair`", "98.7%"], ["`smile`", "–"]]
    assert by_head["damage"] == [["blur", "75.0%"]]
    assert by_head["hardest for the tagger"] == [["`smile`", "`hair=red`", "81.2%", "32"]]
    for checksum in ("ab12", "ef56", "9a8b"):
        assert checksum in text


def test_a_model_without_labels_has_no_control():
    numbers = copy.deepcopy(NUMBERS)
    for part in ("attributes", "combinations", "leakage", "resemblance", "tagger"):
        del numbers[part]
    # Details still have a success rate.
    del numbers["details"]["fid"], numbers["details"]["attributes"]
    (table,) = read_tables(report.summary(numbers))
    left = [
        name
        for name in SUMMARY
        if name.startswith(
            ("variety", "median distance", "memorization", "texture", "success", "details: success")
        )
    ]
    assert [row[0] for row in table[1:]] == left
    assert "## Attribute precision" not in report.markdown(numbers)


CARD = """# Model card

Draws faces.

## Limits

Faces only. No measured figures come with this card.

## Checksum

ab12
"""


def test_model_card_gets_a_section_and_keeps_the_rest():
    card = with_measured_section(CARD, report.summary(NUMBERS))
    start, section = card.split("## Measured\n")
    assert start == CARD.replace(" No measured figures come with this card.", "") + "\n"
    assert read_tables(section)[0][1] == ["attribute precision", "87.6%", "95.1%"]
    assert "No measured figures" not in card


@pytest.mark.parametrize("behind", ["", "\n## Thanks\n\nTo all.\n"])
def test_an_older_section_is_replaced(behind):
    older = copy.deepcopy(NUMBERS)
    older["attributes"]["model"] = 0.1111
    card = with_measured_section(CARD, report.summary(older)) + behind
    again = with_measured_section(card, report.summary(NUMBERS))
    assert "11.1%" in card and "11.1%" not in again
    assert again == with_measured_section(CARD, report.summary(NUMBERS)) + behind
    assert with_measured_section(again, report.summary(NUMBERS)) == again


def test_sheet_shows_every_picture_once():
    """Every picture has its own color, by which it is found."""
    side = 32

    def painted(count: int, red: int) -> np.ndarray:
        colors = np.array([(red, 10 * number, 99) for number in range(count)], np.uint8)
        return np.broadcast_to(colors[:, None, None], (count, side, side, 3)).copy()

    pictures = report.Pictures(
        painted(10, 50),
        painted(5, 100),
        painted(5, 150),
        {"red hair": painted(4, 200), "smile": painted(4, 201)},
    )
    sheet, copies = report.picture_sheet(pictures), report.copies_sheet(pictures)
    shown = {
        id(sheet): [pictures.faces, *pictures.combinations.values()],
        id(copies): [pictures.closest, pictures.nearest],
    }
    for picture in (sheet, copies):
        every = np.concatenate([images for parts in shown.values() for images in parts])
        own = np.concatenate(shown[id(picture)])
        for image in every:
            is_own = np.any(np.all(own[:, 0, 0] == image[0, 0], axis=-1))
            assert np.sum(np.all(picture == image[0, 0], axis=-1)) == side * side * is_own
    # What was trained on stands to the right of the face that is closest to it.
    top, left = np.argwhere(np.all(copies == pictures.closest[3][0, 0], axis=-1))[0]
    np.testing.assert_array_equal(copies[top, left + side], pictures.nearest[3][0, 0])
    assert sheet.shape[1] >= 8 * (side + GAP) - GAP


def test_sheet_without_held_out_combinations():
    faces = np.full((3, 16, 16, 3), 7, np.uint8)
    sheet = report.picture_sheet(report.Pictures(faces, faces[:0], faces[:0], {}))
    assert np.sum(np.all(sheet == 7, axis=-1)) == 3 * 16 * 16
    assert report.copies_sheet(report.Pictures(faces, faces[:0], faces[:0], {})) is None
