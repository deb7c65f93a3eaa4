"""The report of an evaluation: Markdown tables and an image.

All of the text is made from the numbers in `evaluation.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from anime_gan.common.alpha import on_background
from anime_gan.common.layout import GAP, TINT, captioned, grid, titled
from anime_gan.common.markdown import markdown_table

NOTHING = "–"

Row = tuple[str, str, str]

EXPLANATIONS = """\
- *Attribute precision*: the share of faces for which the tagger confirms the requested value; each value has
  the same weight. The tagger is trained on real images only. Its rate on held-out real images is the upper
  limit.
- *Held-out combinations*: combinations of attributes that the model never saw in training, next to as
  many combinations that it did see.
- *Single-attribute edits*: one attribute of a face is changed; the latent vector and all other attributes
  stay the same. *Other attributes that flip* is the share of the other attributes whose label changes.
- *Pixel change outside the attribute's region, relative to inside*: the region is the half of the image in
  which real images differ most by the attribute (0: nothing changes outside, 1: as much as inside).
- *Variety*: the mean distance between two faces with equal attributes, relative to real images.
- *Memorization check*: the share of generated faces closer to a training image than 99% of held-out real
  images are (1% expected; more means copying).
- *FID, KID, precision, recall (tagger features)*: computed on the tagger's features, not on those of
  Inception-v3. Compare them only with values of the same tagger.
- *Texture*: sliced Wasserstein distance times 1,000, for each scale; lower is better.
- *Edge* (transparent models): the width is the number of partially transparent pixels per pixel of the
  outline; a halo makes it wider than that of real images. The edge texture is the texture of alpha alone.
- *Details*: the same measures on four crops of each image at full resolution: an eye, the mouth, an edge
  inside the hair, and the outline. A separate tagger and critic judge them. The other judges see reduced
  versions of large images. Only attributes that the separate tagger recognizes in real images count.
- *Success rate*: the share of faces that the critic scores above the floor that 95% of real images exceed.
  The critic is trained to detect damaged images. Of several candidates, the one that passes
  both critics by the largest margin is kept."""


class Pictures(NamedTuple):
    """The images in the report.

    Attributes:
        faces: uint8 [n, h, w, channels], not selected.
        closest: uint8 [m, h, w, channels], the faces closest to a training image, the closest first.
        nearest: uint8 [m, h, w, channels], the training image nearest to each of them.
        combinations: Request -> uint8 [k, h, w, channels], faces with held-out combinations.
    """

    faces: np.ndarray
    closest: np.ndarray
    nearest: np.ndarray
    combinations: Mapping[str, np.ndarray]


def percent(share: float | None) -> str:
    """Formats a share: 0.123 -> 12.3%."""
    return NOTHING if share is None else f"{100 * share:.1f}%"


def number(value: float | None) -> str:
    """Formats a number with four significant digits."""
    return NOTHING if value is None else f"{value:.4g}"


def summary_rows(numbers: Mapping[str, Any]) -> list[Row]:
    """Returns the main results as rows: measure, value of the model, value of real images."""
    rows: list[Row] = []
    if "attributes" in numbers:
        rows += _control_rows(numbers)
    variety = numbers["variety"]
    title = f"variety ({variety['equal']} equal, {variety['pairs']} pairs)"
    rows.append((title, percent(variety["ratio"]), percent(1.0)))
    copies = numbers["copies"]
    rows += [
        ("median distance to the nearest training image", number(copies["model"]), number(copies["real"])),
        (
            "memorization check: closer to a training image than 99% of real images",
            percent(copies["model_near"]),
            percent(copies["real_near"]),
        ),
    ]
    if "resemblance" in numbers:
        every, equal = numbers["resemblance"]["all"], numbers["resemblance"]["equal_numbers"]
        for name, show in (("fid", number), ("kid", number), ("precision", percent), ("recall", percent)):
            title = f"{name.upper() if name in ('fid', 'kid') else name} (tagger features)"
            if every["images"] != equal["images"]:
                rows.append((f"{title}, {every['images']} images", show(every["model"][name]), NOTHING))
            rows.append(
                (f"{title}, {equal['images']} images", show(equal["model"][name]), show(equal["real"][name]))
            )
    for level, values in numbers["texture"]["levels"].items():
        rows.append((f"texture at {level} pixels", number(values["model"]), number(values["real"])))
    if edge := numbers.get("edge"):
        rows.append(("edge width", number(edge["width"]["model"]), number(edge["width"]["real"])))
        rows.append(("edge texture", number(edge["texture"]["model"]), number(edge["texture"]["real"])))
    success = numbers["success"]
    rows.append(("success rate", percent(success["model"]), percent(success["real"])))
    if details := numbers.get("details"):
        rows += _detail_rows(details)
    for part in numbers["candidates"]:
        of = "1 candidate" if part["candidates"] == 1 else f"best of {part['candidates']} candidates"
        rows.append((f"success rate, {of}", percent(part["success"]), NOTHING))
        if "details" in part:
            rows.append((f"details: success rate, {of}", percent(part["details"]), NOTHING))
        rows.append((f"variety, {of}", percent(part["variety"]), percent(1.0)))
    return rows


def _detail_rows(details: Mapping[str, Any]) -> list[Row]:
    success = details["success"]
    rows = [("details: success rate", percent(success["model"]), percent(success["real"]))]
    if "fid" in details:
        fid = details["fid"]
        title = f"details: FID (tagger features), {fid['images']} images"
        rows.append((title, number(fid["model"]), number(fid["real"])))
    if "attributes" in details:
        attributes = details["attributes"]
        title = "details: attribute precision"
        rows += [
            (title, percent(attributes["model"]), percent(attributes["real"])),
            (f"{title}, relative to real images", percent(attributes["share_of_real"]), NOTHING),
        ]
    return rows


def _control_rows(numbers: Mapping[str, Any]) -> list[Row]:
    attributes, leakage = numbers["attributes"], numbers["leakage"]
    rows = [
        ("attribute precision", percent(attributes["model"]), percent(attributes["real"])),
        ("attribute precision, relative to real images", percent(attributes["share_of_real"]), NOTHING),
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
                "held-out combinations, all attributes correct",
                percent(combinations["unseen"]["joint"]),
                percent(combinations["real"]["joint"]),
            ),
            (
                "combinations seen in training, all attributes correct",
                percent(combinations["seen"]["joint"]),
                NOTHING,
            ),
            ("difference between the two", percent(combinations["difference"]), NOTHING),
        ]
    return [
        *rows,
        ("single-attribute edits that succeed", percent(leakage["followed"]), NOTHING),
        ("other attributes that flip in such an edit", percent(leakage["flipped"]), NOTHING),
        ("baseline: labels that flip when the image moves one pixel", percent(leakage["noise"]), NOTHING),
        (
            "pixel change outside the attribute's region, relative to inside",
            number(leakage["spill"]),
            NOTHING,
        ),
    ]


def summary(numbers: Mapping[str, Any]) -> str:
    """Returns the main results as a Markdown table, followed by the settings and the notes."""
    lines = [markdown_table(("measure", "model", "real"), summary_rows(numbers))]
    lines += [
        "",
        f"Model: {numbers['num_images']:,} faces drawn without requested attributes (seed {numbers['seed']}, "
        f"truncation {numbers['truncation']:g}). Real: {numbers['data']['test']:,} held-out images of "
        f"{numbers['data']['name']}."
        + (f" All images are on {numbers['background']}." if numbers.get("background") else ""),
    ]
    lines += [f"Note: {note}." for note in numbers["notes"]]
    return "\n".join(lines)


def markdown(numbers: Mapping[str, Any]) -> str:
    """Returns everything that was measured as a Markdown document."""
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
            markdown_table(("request", "model", "real", "images", "real images"), values),
        ]
    if "combinations" in numbers:
        parts += ["## Combinations", _combinations_table(numbers["combinations"])]
    if "scales" in numbers:
        scales = [
            (
                f"`{name}`",
                f"{number(row['error'])} ({number(row['real_error'])})",
                f"{number(row['end_error'])} ({number(row['real_end_error'])})",
                row["unit"],
                percent(row["ordered"]),
                percent(row["flipped"]),
                percent(row["person"]["within"]) if "person" in row else "",
            )
            for name, row in numbers["scales"].items()
        ]
        heads = (
            "scale",
            "mean error (tagger on real images)",
            "at the ends",
            "unit",
            "steps in order",
            "others that flip",
            "same person at both ends (as 95% of real people)",
        )
        parts += ["## Scales", markdown_table(heads, scales)]
    if "leakage" in numbers:
        changes = [
            (f"`{name}`", row["pairs"], percent(row["flipped"]), number(row["spill"]))
            for name, row in numbers["leakage"]["attributes"].items()
        ]
        parts += [
            "## Single-attribute edits",
            markdown_table(
                (
                    "edited attribute",
                    "faces",
                    "others that flip",
                    "change outside its region, relative to inside",
                ),
                changes,
            ),
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
        "## Definitions",
        EXPLANATIONS,
        f"SHA-256 of the model's weights: {numbers['model']['weights_sha256']}",
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
    return markdown_table(("request", "seen in training", "all correct", "each attribute", "images"), rows)


def _judges(numbers: Mapping[str, Any]) -> str:
    parts = []
    if "tagger" in numbers:
        right = [(f"`{name}`", percent(share)) for name, share in numbers["tagger"]["accuracy"].items()]
        parts.append(markdown_table(("attribute", "tagger's accuracy on held-out images"), right))
        cases = [
            (f"`{case['attribute']}`", f"`{case['given']}`", percent(case["right"]), case["images"])
            for case in numbers["tagger"]["hardest"]
        ]
        if cases:
            parts.append(
                markdown_table(("hardest for the tagger", "in images with", "accuracy", "images"), cases)
            )
        parts.append(f"SHA-256 of the tagger: {numbers['tagger']['checksum']}")
    found = [(name, percent(share)) for name, share in numbers["critic"]["detection"].items()]
    if found:
        parts.append(markdown_table(("damage", "images that the critic detects"), found))
    parts.append(f"SHA-256 of the critic: {numbers['critic']['checksum']}")
    return "\n\n".join(parts)


def picture_sheet(pictures: Pictures) -> np.ndarray:
    """Draws unselected faces and faces with held-out combinations.

    Returns:
        uint8 [height, width, 3].
    """
    side = pictures.faces.shape[1]
    blocks = [titled("Not selected", grid(on_background(pictures.faces, TINT), columns=8))]
    if pictures.combinations:
        images = list(pictures.combinations.values())
        picture = grid(on_background(np.concatenate(images), TINT), columns=len(images[0]))
        rows = captioned(picture, list(pictures.combinations), row_height=side)
        blocks.append(titled("Held-out combinations", rows))
    width = max(block.shape[1] for block in blocks)
    padded = [
        np.pad(block, [(0, 8), (0, width - block.shape[1]), (0, 0)], constant_values=255) for block in blocks
    ]
    return np.concatenate(padded)


def copies_sheet(pictures: Pictures) -> np.ndarray | None:
    """Draws possible copies beside their training images.

    Returns:
        uint8 [height, width, 3]; None without such faces.
    """
    if not len(pictures.closest):
        return None
    pairs = on_background(np.concatenate([pictures.closest, pictures.nearest], axis=2), TINT)
    # The wide gap between pairs shows which images belong together.
    pairs = np.pad(pairs, [(0, 0), (0, GAP), (0, 3 * GAP), (0, 0)], constant_values=255)
    title = "Closest to a training image (left: generated, right: training image)"
    return titled(title, grid(pairs, columns=4))
