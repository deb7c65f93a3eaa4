"""README and docs: both languages say the same; links, paths, commands, flags and figures are right."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import importlib.util
import io
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from anime_gan.training.config import TrainConfig, resolve_config

REPOSITORY = Path(__file__).parents[1]
NAMES = ("README.md", "README.zh-CN.md")
PAGES = (*NAMES, *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md")))
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SCRIPTS = {
    "train.py": "anime_gan.commands.train",
    "generate.py": "anime_gan.commands.generate",
    "anime-gan-train": "anime_gan.commands.train",
    "anime-gan-generate": "anime_gan.commands.generate",
    "anime-gan-studio": "anime_gan.studio",
}


def read(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")


def commands(text: str) -> list[tuple[str, str]]:
    """Blocks of code without their comments."""
    blocks = []
    for language, code in FENCE.findall(text):
        lines = (re.sub(r"(^|\s+)# .*", "", line).rstrip() for line in code.splitlines())
        blocks.append((language, "\n".join(line for line in lines if line)))
    return blocks


def prose(text: str) -> str:
    return FENCE.sub("", text)


def code_spans(text: str) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(text))]


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d[\d,.]*\d|\d", text))


def tables(text: str) -> list[list[str]]:
    """The cells of each row of each table."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in prose(text).splitlines()
        if line.startswith("|")
    ]


def links(text: str) -> list[str]:
    return re.findall(r"(?<=\]\()[^)\s]+(?=\))|(?<=src=\")[^\"]+", prose(text))


def anchors(text: str) -> set[str]:
    """Headings, as GitHub names them in links."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def invocations(text: str) -> list[tuple[str, list[str]]]:
    """(module, arguments) of every command of this package that a page shows, in a block or in a sentence."""
    lines = [line for language, code in commands(text) if language == "sh" for line in code.splitlines()]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    found = []
    for line in (*joined, *code_spans(text)):
        for part in re.split(r"\s*(?:&&|\|)\s+", line):
            try:
                words = shlex.split(part)
            except ValueError:
                continue
            if words and re.fullmatch(r"(.*/)?python3?", words[0]):
                words = words[1:]
                if words[:1] == ["-m"] and words[1:] and words[1].startswith("anime_gan"):
                    found.append((words[1], words[2:]))
            if words and words[0] in SCRIPTS:
                found.append((SCRIPTS[words[0]], words[1:]))
    # `...` stands for a value of the reader's.
    return [(module, [word for word in rest if not word.endswith("...")]) for module, rest in found]


def given_options(arguments: list[str]) -> dict[str, str]:
    return {
        name: value or "true"
        for name, value in re.findall(r"^--(\w+)(?:=(.*))?$", "\n".join(arguments), re.MULTILINE)
    }


@functools.cache
def known_flags(module: str) -> frozenset[str]:
    """The flags that a command's `--help` lists."""
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"no module {module}"
    name = f"{module}.__main__" if spec.submodule_search_locations else module
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert importlib.import_module(name).main(["--help"]) == 0
    return frozenset(re.findall(r"^\s*--(\w+)", output.getvalue(), re.MULTILINE))


def test_code_is_the_same():
    english, chinese = (commands(read(name)) for name in NAMES)
    assert chinese == english
    assert english


def test_what_is_typed_in_sentences_is_the_same():
    spans = [sorted(re.findall(r"`[^`\n]+`", " ".join(prose(read(name)).split()))) for name in NAMES]
    assert spans[1] == spans[0]


def test_tables_have_the_same_numbers():
    english, chinese = ([numbers(" ".join(row)) for row in tables(read(name))] for name in NAMES)
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
        [link.partition("#")[0] for link in links(text) if not link.startswith(("#", "README"))]
        for text in (english, chinese)
    ]
    assert sorted(there[1]) == sorted(there[0])


def test_each_leads_to_the_other():
    for name, other in (NAMES, NAMES[::-1]):
        assert other in links(read(name))


def test_the_readme_is_read_in_a_minute():
    for name in NAMES:
        assert len(read(name).splitlines()) <= 200


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    for link in links(read(name)):
        if link.startswith(("http:", "https:")):
            continue
        file, _, anchor = link.partition("#")
        target = (REPOSITORY / name).parent / file if file else REPOSITORY / name
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize("name", PAGES)
def test_named_files_exist(name):
    text = read(name)
    for path in re.findall(r"(?<![\w/.~-])(?:anime_gan|docs|tests)/[\w./-]*\w", text):
        # `anime_gan/pretrained/NAME` stands for any of them.
        fixed = path.split("/NAME")[0]
        assert (REPOSITORY / fixed).exists(), path
    for module in re.findall(r"\banime_gan(?:\.[a-z]\w*)+(?=\b)", text):
        parent, _, last = module.rpartition(".")
        assert _is_module(module) or hasattr(importlib.import_module(parent), last), module


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def test_the_index_lists_every_page():
    listed = set(links(read("docs/index.md")))
    there = {path.name for path in (REPOSITORY / "docs").glob("*.md")} - {"index.md"}
    assert there <= listed


@pytest.mark.parametrize("name", PAGES)
def test_flags_in_commands_exist(name):
    for module, arguments in invocations(read(name)):
        for option in given_options(arguments):
            assert option in known_flags(module), f"{module} --{option}"


@pytest.mark.parametrize("name", PAGES)
def test_flags_in_sentences_exist(name):
    text = read(name)
    known = frozenset().union(*(known_flags(module) for module in (*SCRIPTS.values(), *_modules())))
    for span in code_spans(text):
        for option in re.findall(r"^--(\w+)", span):
            assert option in known, f"--{option}"


def _modules() -> set[str]:
    """Every command that the pages show as `python -m`."""
    shown = {module for name in PAGES for module, _ in invocations(read(name))}
    return shown - {"anime_gan"}


# The commands of docs/extending.md need its files; tests/test_extending.py runs them.
@pytest.mark.parametrize("name", [name for name in PAGES if name != "docs/extending.md"])
def test_options_of_training_commands_have_allowed_values(name):
    kinds = {field.name: type(field.default) for field in dataclasses.fields(TrainConfig)}
    shown = [arguments for module, arguments in invocations(read(name)) if module == SCRIPTS["train.py"]]
    shown += [[span] for span in code_spans(read(name)) if span.startswith("--preset=")]
    for arguments in shown:
        given = given_options(arguments)
        options = {key: _parsed(value, kinds[key]) for key, value in given.items() if key in kinds}
        resolve_config(given.get("preset", "default"), options)


def _parsed(text: str, kind: type) -> Any:
    return text == "true" if kind is bool else kind(text)


MODELS = ("sutemo-64", "sutemo-128", "sutemo-256")
# In a table, instead of a figure that no file of the model has.
NOT_MEASURED = "not measured"


@functools.cache
def evaluation(model: str) -> dict[str, Any]:
    """What `python -m anime_gan.evaluate` and `anime_gan.evaluate.imagenet` measured of a bundled model."""
    folder = REPOSITORY / "anime_gan" / "pretrained" / model / "1"
    measured: dict[str, Any] = json.loads((folder / "evaluation.json").read_text("utf-8"))
    imagenet = folder / "fid.json"
    if imagenet.is_file():
        measured["imagenet"] = json.loads(imagenet.read_text("utf-8"))
    measured["whole"] = 1.0
    levels = measured["texture"]["levels"]
    measured["finest_texture"] = levels[max(levels, key=int)]
    (measured["best_of_four"],) = (entry for entry in measured["candidates"] if entry["candidates"] == 4)
    return measured


def at(measured: dict[str, Any], path: str) -> float:
    """The number at a path such as `attributes.model`."""
    return float(functools.reduce(lambda part, key: part[key], path.split("."), measured))


# Start of a row -> where its figures are: of the model and, if there is one, of real pictures.
ROWS = {
    "attributes drawn as requested": ("attributes.model", "attributes.real"),
    "worst value": ("attributes.worst.model", "attributes.worst.real"),
    "hair and eye color both correct, ten pairs never": (
        "combinations.unseen.joint",
        "combinations.real.joint",
    ),
    "hair and eye color both correct, ten pairs that were": ("combinations.seen.joint",),
    "single-attribute edits that succeed": ("leakage.followed",),
    "other attributes that change": ("leakage.flipped",),
    "variety": ("variety.ratio", "whole"),
    "memorization": ("copies.model_near", "copies.real_near"),
    "FID on the features of this project's tagger, 10,000": ("resemblance.all.model.fid",),
    "FID on the features of this project's tagger, 2,232": (
        "resemblance.equal_numbers.model.fid",
        "resemblance.equal_numbers.real.fid",
    ),
    "FID on the features of EfficientNet-Lite0, 2,232": (
        "imagenet.equal_numbers.model",
        "imagenet.equal_numbers.real",
    ),
    "precision": ("resemblance.equal_numbers.model.precision", "resemblance.equal_numbers.real.precision"),
    "recall": ("resemblance.equal_numbers.model.recall", "resemblance.equal_numbers.real.recall"),
    "finest texture": ("finest_texture.model", "finest_texture.real"),
    "success rate: ": ("success.model", "success.real"),
    "success rate, best of 4 candidates": ("best_of_four.success",),
    "details: success rate": ("details.success.model", "details.success.real"),
    "details: best of 4 candidates": ("best_of_four.details",),
    "details: attributes": ("details.attributes.model", "details.attributes.real"),
    "details: FID": ("details.fid.model", "details.fid.real"),
    "10,000 faces": ("imagenet.all.model",),
    "2,232 faces": ("imagenet.equal_numbers.model",),
    "2,232 held-out real images": ("imagenet.equal_numbers.real",),
}


@pytest.mark.parametrize(
    ("name", "head", "models"),
    [
        ("README.md", "10,000 faces, none left out", MODELS),
        ("docs/evaluating.md", "10,000 faces, none left out", MODELS),
        ("docs/ablations.md", "FID (EfficientNet-Lite0), against", MODELS[:2]),
    ],
)
def test_figures_of_the_bundled_models_are_those_that_were_measured(name, head, models):
    rows = tables(read(name))
    start = next(index for index, row in enumerate(rows) if row[0].startswith(head))
    width = (len(rows[start]) - 1) // len(models)
    assert [cell.strip("`") for cell in rows[start][1::width]] == list(models)
    checked = 0
    for label, *cells in rows[start + 2 :]:
        found = [places for key, places in ROWS.items() if label.startswith(key)]
        if len(cells) != len(models) * width or not found:
            break
        for index, cell in enumerate(cells):
            place = (*found[0], "")[index % width]
            expected = ""
            measured = evaluation(models[index // width])
            if place and place.partition(".")[0] not in measured:
                expected = NOT_MEASURED
            elif place:
                value = at(measured, place)
                decimals = len(cell.rstrip("%").partition(".")[2])
                expected = f"{value:.{decimals}%}" if cell.endswith("%") else f"{value:.{decimals}f}"
            assert cell == expected, label
        checked += 1
    assert checked >= 3
    # The last row of the table was reached: what follows begins another one, or there is nothing more.
    following = rows[start + 2 + checked :]
    assert not following or len(following[0]) != 1 + len(models) * width


def test_the_worst_values_are_named():
    worst = [f"`{evaluation(model)['attributes']['worst']['value']}`" for model in MODELS]
    for name in ("README.md", "docs/evaluating.md"):
        assert f"worst value ({'; '.join(worst)})" in read(name)


def test_figures_in_sentences_are_those_that_were_measured():
    small = evaluation(MODELS[0])
    recall = small["resemblance"]["equal_numbers"]
    textures = [evaluation(model)["finest_texture"] for model in MODELS]
    ratios = [figures["model"] / figures["real"] for figures in textures]
    text = " ".join(read("docs/evaluating.md").split())
    assert f"is {ratios[0]:.1f} times as far from the training pictures" in text
    assert f"`sutemo-128` is {ratios[1]:.1f} times as far off" in text
    assert f"that of `sutemo-256` {ratios[2]:.1f} times" in text
    assert f"covers {recall['model']['recall']:.0%} of the variety" in text
    assert f"other real pictures cover {recall['real']['recall']:.0%}" in text
    assert f"{small['data']['test']:,} held-out pictures" in text


def test_the_page_of_the_bundled_models_has_their_figures():
    rows = {row[0]: row[1:] for row in tables(read("docs/models.md"))}
    for column, model in enumerate(MODELS):
        measured = evaluation(model)
        attributes, best = measured["attributes"], measured["best_of_four"]
        worst = attributes["worst"]
        equal, detail = measured["resemblance"]["equal_numbers"], measured["details"]["fid"]
        texture = measured["finest_texture"]
        fid = equal["model"]["fid"] / equal["real"]["fid"]
        success = (measured["success"]["model"], measured["details"]["success"]["model"])
        expected = {
            "attributes as requested, relative to real pictures": f"{attributes['share_of_real']:.1%}",
            "worst value": f"`{worst['value']}`, {worst['model']:.1%}",
            "combinations never seen in training, compared with seen ones": (
                f"{measured['combinations']['difference']:+.1%}"
            ),
            "success rate: whole face; details": "; ".join(f"{share:.1%}" for share in success),
            "best of 4 candidates: whole face; details": f"{best['success']:.1%}; {best['details']:.1%}",
            "finest texture, relative to real pictures": f"{texture['model'] / texture['real']:.1f}",
            "FID relative to held-out real pictures: whole face; details": (
                f"{fid:.1f}; {detail['model'] / detail['real']:.1f}"
            ),
        }
        assert {name: rows[name][column] for name in expected} == expected
