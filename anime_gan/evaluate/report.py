"""The results of an evaluation for people: Markdown tables and a picture.

Everything is made from the numbers that `evaluation.json` holds, and says nothing that is not in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from anime_gan.common.layout import GAP, captioned, grid, titled
from anime_gan.common.markdown import markdown_table

NOTHING = "–"

Row = tuple[str, str, str]

EXPLANATIONS = """\
- *Attribute precision*: the share of faces with which the tagger agrees, each value counting once. The tagger
  is trained on real pictures alone; its rate on held-out real ones is the most that can be reached.
- *Kept from training*: combinations of attributes that the model never saw, beside as many that it did see.
- *Other attributes flipped*: one attribute of a face is changed and all else kept; the share of the other
  attributes whose verdict changes.
- *Outside its region*: how much the pixels change in that half of the picture in which real ones differ least
  by the attribute, relative to the other half (0 = nothing, 1 = as much).
- *Variety*: the mean distance between two faces with equal attributes, relative to that of real pictures.
- *Nearest training image*: of held-out real pictures 1% are that near; of a model that copies, more.
- *FID, KID, precision, recall*: on the tagger's features: comparable with the same tagger only.
- *Texture*: sliced Wasserstein distance, times 1,000, scale by scale; lower is better.
- *Success rate*: the share of faces that the critic, trained to spot damage, takes for as intact as the
  better 95% of real pictures. Of several candidates the best by the critic is kept."""


class Pictures(NamedTuple):
    """What is shown of a model.

    Attributes:
        faces: uint8 [n, h, w, 3], not selected.
        closest: uint8 [m, h, w, 3], the faces that are closest to a training image, the closest first.
        nearest: uint8 [m, h, w, 3], that training image.
        combinations: Request -> uint8 [k, h, w, 3], faces with combinations that were kept from training.
    """

    faces: np.ndarray
    closest: np.ndarray
    nearest: np.ndarray
    combinations: Mapping[str, np.ndarray]


def percent(share: float | None) -> str:
    """0.123 -> 12.3%."""
    return NOTHING if share is None else f"{100 * share:.1f}%"


def number(value: float | None) -> str:
    """A number with four significant digits."""
    return NOTHING if value is None else f"{value:.4g}"


def summary_rows(numbers: Mapping[str, Any]) -> list[Row]:
    """The main results: (measure, of the model, of real pictures)."""
    rows: list[Row] = []
    if "attributes" in numbers:
        rows += _control_rows(numbers)
    variety = numbers["variety"]
    title = f"variety ({variety['equal']} equal, {variety['pairs']} pairs)"
    rows.append((title, percent(variety["ratio"]), percent(1.0)))
    copies = numbers["copies"]
    rows += [
        ("distance to the nearest training image, median", number(copies["model"]), number(copies["real"])),
        (
            "nearer to one than 99% of real pictures",
            percent(copies["model_near"]),
            percent(copies["real_near"]),
        ),
    ]
    if "resemblance" in numbers:
        every, equal = numbers["resemblance"]["all"], numbers["resemblance"]["equal_numbers"]
        for name, show in (("fid", number), ("kid", number), ("precision", percent), ("recall", percent)):
            title = name.upper() if name in ("fid", "kid") else name
            if every["images"] != equal["images"]:
                rows.append((f"{title}, {every['images']} images", show(every["model"][name]), NOTHING))
            rows.append(
                (f"{title}, {equal['images']} images", show(equal["model"][name]), show(equal["real"][name]))
            )
    for level, values in numbers["texture"]["levels"].items():
        rows.append((f"texture at {level} pixels", number(values["model"]), number(values["real"])))
    success = numbers["success"]
    rows.append(("success rate", percent(success["model"]), percent(success["real"])))
    for part in numbers["candidates"]:
        of = "1 candidate" if part["candidates"] == 1 else f"best of {part['candidates']} candidates"
        rows.append((f"success rate, {of}", percent(part["success"]), NOTHING))
        rows.append((f"variety, {of}", percent(part["variety"]), percent(1.0)))
    return rows


def _control_rows(numbers: Mapping[str, Any]) -> list[Row]:
    attributes, leakage = numbers["attributes"], numbers["leakage"]
    rows = [
        ("attribute precision", percent(attributes["model"]), percent(attributes["real"])),
        ("attribute precision, share of real", percent(attributes["share_of_real"]), NOTHING),
    ]
    if attributes["worst"] is not None:
        worst = attributes["worst"]
        rows.append(
            (f"worst value: `{worst['value']}`", percent(worst["model"]), percent(worst["real"])),
        )
    if "combinations" in numbers:
        combinations = numbers["combinations"]
        rows += [
            (
                "combinations kept from training, all right",
                percent(combinations["unseen"]["joint"]),
                percent(combinations["real"]["joint"]),
            ),
            ("combinations in the training set, all right", percent(combinations["seen"]["joint"]), NOTHING),
            ("difference of the two", percent(combinations["difference"]), NOTHING),
        ]
    return [
        *rows,
        ("changes of one attribute that are followed", percent(leakage["followed"]), NOTHING),
        ("other attributes flipped by a change of one", percent(leakage["flipped"]), NOTHING),
        ("verdicts flipped by a shift of one pixel (the tagger's noise)", percent(leakage["noise"]), NOTHING),
        ("change outside its region, relative to inside", number(leakage["spill"]), NOTHING),
    ]


def summary(numbers: Mapping[str, Any]) -> str:
    """The main results as a Markdown table, and what is to be known of them."""
    lines = [markdown_table(("measure", "model", "real"), summary_rows(numbers))]
    lines += [
        "",
        f"{numbers['num_images']} faces with nothing asked, seed {numbers['seed']}, truncation "
        f'{numbers["truncation"]:g}; "real" are {numbers["data"]["test"]} held-out pictures of '
        f"{numbers['data']['name']}.",
    ]
    lines += [f"Note: {note}." for note in numbers["notes"]]
    return "\n".join(lines)


def markdown(numbers: Mapping[str, Any]) -> str:
    """Everything that was measured, as a Markdown document."""
    parts = ["# Evaluation", summary(numbers)]
    if "attributes" in numbers:
        values = [
            (
                f"`{row['value']}`",
                percent(row["model"]),
                percent(row["real"]),
                row["model_images"],
                row["real_images"],
            )
            for row in numbers["attributes"]["values"]
        ]
        parts += [
            "## Attribute precision",
            markdown_table(("asked for", "model", "real", "images", "real images"), values),
        ]
    if "combinations" in numbers:
        parts += ["## Combinations", _combinations_table(numbers["combinations"])]
    if "leakage" in numbers:
        changes = [
            (f"`{name}`", row["pairs"], percent(row["flipped"]), number(row["spill"]))
            for name, row in numbers["leakage"]["attributes"].items()
        ]
        parts += [
            "## Changes of one attribute",
            markdown_table(("changed", "faces", "others flipped", "outside / inside its region"), changes),
        ]
    levels = [
        (f"{level} pixels", number(values["model"]), number(values["real"]))
        for level, values in numbers["texture"]["levels"].items()
    ]
    parts += [
        f"## Texture ({numbers['texture']['images']} images)",
        markdown_table(("scale", "model", "real"), levels),
        "## The judges",
        _judges(numbers),
        "## What the measures mean",
        EXPLANATIONS,
        f"Weights of the model (SHA-256): {numbers['model']['weights_sha256']}",
    ]
    return "\n\n".join(parts) + "\n"


def _combinations_table(combinations: Mapping[str, Any]) -> str:
    rows = [
        (
            row["request"],
            "yes" if side == "seen" else "no",
            percent(row["joint"]),
            ", ".join(f"{name} {percent(share)}" for name, share in row["each"].items()),
            row["images"],
        )
        for side in ("unseen", "seen")
        for row in combinations[side]["combinations"]
    ]
    return markdown_table(("asked for", "trained on", "all right", "each by itself", "images"), rows)


def _judges(numbers: Mapping[str, Any]) -> str:
    parts = []
    if "tagger" in numbers:
        right = [(f"`{name}`", percent(share)) for name, share in numbers["tagger"]["accuracy"].items()]
        parts.append(markdown_table(("attribute", "tagger right on held-out pictures"), right))
        cases = [
            (f"`{case['attribute']}`", f"`{case['given']}`", percent(case["right"]), case["images"])
            for case in numbers["tagger"]["hardest"]
        ]
        if cases:
            parts.append(
                markdown_table(("hardest for the tagger", "in pictures with", "right", "pictures"), cases)
            )
        parts.append(f"Tagger (SHA-256): {numbers['tagger']['checksum']}")
    found = [(name, percent(share)) for name, share in numbers["critic"]["detection"].items()]
    if found:
        parts.append(markdown_table(("damage", "below the critic's floor"), found))
    parts.append(f"Critic (SHA-256): {numbers['critic']['checksum']}")
    return "\n\n".join(parts)


def picture_sheet(pictures: Pictures) -> np.ndarray:
    """Unselected faces, the faces closest to a training image beside that image, unseen combinations.

    Returns:
        uint8 [height, width, 3].
    """
    side = pictures.faces.shape[1]
    blocks = [titled("Not selected", grid(pictures.faces, columns=8))]
    if len(pictures.closest):
        pairs = np.concatenate([pictures.closest, pictures.nearest], axis=2)
        # A wide gap shows what belongs together.
        pairs = np.pad(pairs, [(0, 0), (0, GAP), (0, 3 * GAP), (0, 0)], constant_values=255)
        title = "Closest to a training image (left generated, right trained on)"
        blocks.append(titled(title, grid(pairs, columns=4)))
    if pictures.combinations:
        images = list(pictures.combinations.values())
        picture = grid(np.concatenate(images), columns=len(images[0]))
        rows = captioned(picture, list(pictures.combinations), row_height=side)
        blocks.append(titled("Combinations kept from training", rows))
    width = max(block.shape[1] for block in blocks)
    padded = [
        np.pad(block, [(0, 8), (0, width - block.shape[1]), (0, 0)], constant_values=255) for block in blocks
    ]
    return np.concatenate(padded)
