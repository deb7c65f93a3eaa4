"""Several sources become one dataset: united schemas, known and unknown labels, and shares."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anime_gan.attributes.scales import Scale
from anime_gan.attributes.schema import Schema
from anime_gan.common.command_line import Flags, run_command
from anime_gan.common.layout import GAP
from anime_gan.common.source_names import each_source, joined, parse_shares, split_sources
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.drawn.faces import DrawnFaces
from anime_gan.datasets.illustrator.faces import StyledFaces
from anime_gan.datasets.illustrator.proportions import proportions_of
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.mixture.load import load_mixture, style_ranges
from anime_gan.datasets.mixture.pictures import ConcatenatedImages
from anime_gan.datasets.mixture.sheet import style_sheet
from anime_gan.datasets.mixture.united import Part, united_labels, united_schema
from anime_gan.datasets.prepared import constant_attributes
from anime_gan.exports.names import folder_name
from anime_gan.runs.run_directory import located
from anime_gan.runs.start import training_indices
from anime_gan.training.config import code_options, command_line

TURN = Scale("turn", "head turn", -40, 40, "degrees", mirrored=True)


def dataset(attributes, rows, name="faces", shade=0) -> Dataset:
    schema = Schema.from_names(attributes)
    return Dataset(
        name=name,
        images=np.full((len(rows), 8, 8, 3), shade, np.uint8)
        + np.arange(len(rows), dtype=np.uint8)[:, None, None, None],
        labels=np.stack([schema.encode(row) for row in rows]),
        schema=schema,
        statement=f"By the hand of {name}.",
        checksum=name,
    )


@pytest.fixture
def parts() -> list[Part]:
    turning = dataset(
        {"hair_color": ("red", "blue"), "mood": ("calm", "angry"), "turn": TURN, "hat": None},
        [
            {"hair_color": "red", "mood": "calm", "turn": -40, "hat": True},
            {"hair_color": "blue", "mood": "angry", "turn": 20, "hat": False},
            {"hair_color": None, "mood": None, "turn": None, "hat": None},
        ],
        "turning",
    )
    still = dataset(
        {"hair_color": ("green", "red"), "angry": None, "smile": None},
        [
            {"hair_color": "green", "angry": True, "smile": False},
            {"hair_color": "red", "angry": False, "smile": True},
        ],
        "still",
        100,
    )
    return [
        Part(turning, "ink", {}, {}),
        Part(
            still,
            "pixel",
            {"turn": 0.0, "hat": False, "tail": True, "mood": "furious"},
            {"mood": ("calm", "odd")},
        ),
    ]


def test_united_schema(parts):
    schema = united_schema(parts)
    assert schema.columns == (
        "style=ink", "style=pixel", "hair_color=red", "hair_color=blue", "hair_color=green",
        "mood=calm", "mood=angry", "turn", "hat", "smile",
    )  # fmt: skip
    assert schema.parse("pixel art")[1] == 1


def test_united_labels(parts):
    labels = united_labels(parts, united_schema(parts))
    # Columns as in the test above; a turn of 0 has bin 11, of -40 bin 1, and of 20 bin 16.
    expected = [
        [1, -1, 1, -1, -1, 1, -1, 1, 1, 0],
        [1, -1, -1, 1, -1, -1, 1, 16, -1, 0],
        [1, -1, 0, 0, 0, 0, 0, 0, 0, 0],
        [-1, 1, -1, -1, 1, -1, 1, 11, -1, -1],
        [-1, 1, 1, -1, -1, -1, -1, 11, -1, 1],
    ]
    np.testing.assert_array_equal(labels, expected)


def test_scales_with_other_limits():
    wide = dataset({"turn": TURN}, [{"turn": 40}, {"turn": 0}])
    narrow = dataset(
        {"turn": Scale("turn", "head turn", -20, 20, "degrees", mirrored=True)}, [{"turn": 20}, {"turn": -10}]
    )
    parts = [Part(wide, "a", {}, {}), Part(narrow, "b", {}, {})]
    schema = united_schema(parts)
    decoded = schema.decode(united_labels(parts, schema))[:, schema.column("turn")]
    # -10 of 40 lies between two bins.
    np.testing.assert_allclose(decoded, [1, 0, 0.5, -0.25], atol=0.051)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"turn": None}, "'turn' is a scale in a and a tag in b"),
        ({"turn": Scale("turn", "turn", -1, 1)}, "degrees in a and no unit in b"),
        ({"style": None}, "'style' is"),
    ],
)
def test_what_does_not_fit_together_is_refused(other, message):
    first = dataset({"turn": TURN}, [{"turn": 40}, {"turn": 0}])
    name = next(iter(other))
    second = dataset(other, [{name: 0}, {name: 1}])
    with pytest.raises(DataError, match=message):
        united_schema([Part(first, "a", {}, {}), Part(second, "b", {}, {})])


def test_shares_of_files():
    sources = {"many": 90, "few": 10}

    def load(name, illustrator, count):
        assert (illustrator, count) == (None, 0)
        rows = [{"smile": bool(i % 2)} for i in range(sources[name])]
        return dataset({"smile": None}, rows, name)

    mixture = load_mixture([("many", None), ("few", None)], "1,3", 0, 16_000, load)
    assert mixture.statement == "By the hand of many. By the hand of few."
    assert {name: len(rows) for name, rows in style_ranges(mixture).items()} == {"many": 90, "few": 10}
    train = training_indices(np.arange(100), mixture.frequencies)
    assert np.array_equal(np.unique(train), np.arange(100))
    assert np.mean(train >= 90) == pytest.approx(0.75)
    even = load_mixture([("many", None), ("few", None)], "", 0, 16_000, load)
    assert even.frequencies is None
    assert even.checksum != mixture.checksum


def test_drawn_sources(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mixture = load_dataset("drawn + drawn:cel,flat", 12, 16, 1, "auto", shares="1,2")
    assert mixture.images.shape == (12, 16, 16, 4)
    sizes = {name: len(rows) for name, rows in style_ranges(mixture).items()}
    assert sizes["cute"] == 4
    assert sizes["cel"] + sizes["flat"] == 8
    cute = mixture.labels[style_ranges(mixture)["cute"]]
    assert np.all(cute[:, mixture.schema.column("turn")] == 0)
    np.testing.assert_array_equal(cute[:, mixture.schema.column("nod")], 11)


def test_eyes_and_chin_are_in_the_same_place():
    """Heights of eyes and chin in the design, moved by the pose; those of layered art are in its files."""

    def cute(face):
        return face.pose.zoom, face.pose.shift[1], 0.06, 0.307 + face.chin

    def styled(face):
        size = proportions_of(face)
        return face.zoom, face.shift[1], size.eye_y, 0.307 + size.chin

    for faces, design in ((DrawnFaces(0, is_placed=True), cute), (StyledFaces(0, is_placed=True), styled)):
        parts = np.array([design(faces.describe(index)) for index in range(300)]).T
        zoom, down, eyes, chin = parts
        assert np.mean(0.5 + down + zoom * eyes) == pytest.approx(0.58, abs=0.01)
        assert np.mean(0.5 + down + zoom * chin) == pytest.approx(0.86, abs=0.015)


@pytest.mark.parametrize(
    ("data", "shares", "message"),
    [
        ("drawn + drawn", "", "given twice"),
        ("drawn + drawn:all", "1", "has 1 numbers, but --data names 2 sources"),
        ("drawn + drawn:all", "1,x", "numbers separated by commas"),
        ("drawn + drawn:all", "1,0", "above 0"),
        ("drawn", "1", "needs several sources"),
        ("drawn + nowhere", "", "no such folder"),
        ("pixel:nowhere + drawn", "", "no layers of pixel-art-portraits"),
    ],
)
def test_bad_mixtures(data, shares, message):
    with pytest.raises(DataError, match=message):
        load_dataset(data, 4, 16, 0, shares=shares)


def test_concatenated_images():
    first, second = np.arange(3 * 4).reshape(3, 2, 2, 1), 100 + np.arange(2 * 4).reshape(2, 2, 2, 1)
    both = np.concatenate([first, second]).astype(np.uint8)
    images = ConcatenatedImages([first.astype(np.uint8), second.astype(np.uint8)])
    assert (len(images), images.shape) == (5, (5, 2, 2, 1))
    for index in (
        0,
        3,
        -1,
        np.int64(2),
        slice(1, 4),
        slice(None, None, 2),
        [4, 0, 3, 0],
        both[:, 0, 0, 0] > 3,
    ):
        np.testing.assert_array_equal(images[index], both[index])
    np.testing.assert_array_equal(np.asarray(images), both)


def test_the_flag_takes_several_sources():
    flags = Flags()
    flags.sources("data", "drawn", "data")
    flags.path("out", None, "out")
    flags(["program"])
    assert flags.data == "drawn"
    seen = []
    arguments = ["--data=drawn:all", "--data=pixel:art", "--data=faces"]
    run_command("program", "", flags, lambda: seen.append(flags.data) or 0, arguments)
    assert seen == ["drawn:all + pixel:art + faces"]


def test_constants_are_kept_for_mixtures():
    attributes = {"hair_color": ("red", "blue"), "hat": None, "smile": None, "turn": TURN}
    rows = [{"hair_color": "red", "hat": False, "smile": i == 0, "turn": 20} for i in range(3)]
    faces = dataset(attributes, rows)
    assert constant_attributes(faces.schema, faces.labels) == {
        "hair_color": "red",
        "hat": False,
        "turn": 20.0,
    }
    faces.labels[1, 2:] = 0
    assert constant_attributes(faces.schema, faces.labels) == {"hair_color": "red"}


def test_names_of_sources(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / "this + that"
    odd.mkdir()
    assert split_sources(joined(["drawn", "sutemo:x"])) == ["drawn", "sutemo:x"]
    assert split_sources(str(odd)) == [str(odd)]
    assert each_source(str.upper, "a + b") == "A + B"
    assert folder_name("/home/me/faces + pixel:/home/me/art + drawn:all") == "faces + pixel:art + drawn:all"
    assert located("pixel:art + drawn:all") == f"pixel:{tmp_path.as_posix()}/art + drawn:all"
    assert code_options({"data": "drawn + my_faces:Faces"}) == {"data": "drawn + my_faces:Faces"}
    assert code_options({"data": "drawn:all + pixel:art"}) == {}
    assert (
        command_line({"data": "drawn:all + pixel:art"}) == "python train.py --data=drawn:all --data=pixel:art"
    )
    assert parse_shares("3,1", 2) == (0.75, 0.25)


def test_alpha_channels_must_agree():
    def load(name, illustrator, count):
        faces = dataset({"smile": None}, [{"smile": True}, {"smile": False}], name)
        more = np.zeros((2, 8, 8, 1), np.uint8)
        return (
            dataclasses.replace(faces, images=np.concatenate([faces.images, more], 3))
            if name == "b"
            else faces
        )

    with pytest.raises(DataError, match="b have an alpha channel, and those of a have none"):
        load_mixture([("a", None), ("b", None)], "", 0, 16_000, load)


def test_a_sheet_of_the_same_attributes_in_every_style():
    colors = ("red", "green", "blue", "white")

    def load(name, illustrator, count):
        # The shade of a picture says its color; the second source has them in another order.
        order = colors if name == "a" else colors[::-1]
        rows = [{"hair_color": color} for color in order]
        faces = dataset({"hair_color": colors}, rows, name)
        for number, color in enumerate(order):
            faces.images[number] = 50 * colors.index(color)
        return faces

    mixture = load_mixture([("a", None), ("b", None)], "", 0, 16_000, load)
    sheet = style_sheet(mixture, rows=4)
    # Each row of the sheet has the same shade twice, and the rest is captions.
    assert sheet.shape[2] == 3
    shown = [
        row[-(16 + GAP) :]
        for row in sheet
        if {tuple(p) for p in row[-(16 + GAP) :]} & {(50, 50, 50), (150, 150, 150)}
    ]
    assert shown
    for row in shown:
        np.testing.assert_array_equal(row[:8], row[-8:])
    assert style_sheet(dataset({"smile": None}, [{"smile": True}, {"smile": False}])) is None
