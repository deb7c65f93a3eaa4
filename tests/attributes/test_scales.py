"""Scales and strengths: what a number in a request means, in Python and in the graph, and its storage."""

import numpy as np
import pytest

from anime_gan.attributes import AttributeRequestError, Scale, ScaleWord, Schema
from anime_gan.attributes.edits import options, with_value
from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.common.backend import tf
from anime_gan.exports.sampling import RequestReader
from anime_gan.training.augment import mirrored_labels

WORDS = (ScaleWord("turned left", -0.6), ScaleWord("turned right", 0.6), ScaleWord("facing straight", 0.0))
TURN = Scale("turn", "head turn", -40, 40, "degrees", words=WORDS, mirrored=True)
AGE = Scale("age", "age", 10, 50, "years")
SCHEMA = Schema.from_names(
    {"patch_side": ("left", "right"), "smile": None, "looking_left": None, "turn": TURN, "age": AGE}
)
SMILE, TURNED, AGED = 2, 4, 5
# Request -> the column and its label.
READ = {
    "head turn 40%": (TURNED, 0.4),
    "head turn -40%": (TURNED, -0.4),
    "turn=-0.5": (TURNED, -0.5),
    "turn-0.5": (TURNED, -0.5),
    "head-turn-40%": (TURNED, -0.4),
    "head turn-10degrees": (TURNED, -0.25),
    "turn=\u22120.5": (TURNED, -0.5),
    "turn=+.25": (TURNED, 0.25),
    "turn=20 degrees": (TURNED, 0.5),
    "Head_Turn -10\u00b0": (TURNED, -0.25),
    "turned left": (TURNED, -0.6),
    "turned left 20 degrees": (TURNED, -0.5),
    "slightly turned right": (TURNED, 0.4),
    "facing straight": (TURNED, 0.0),
    "turn=0": (TURNED, 0.0),
    "age=20 years": (AGED, -0.5),
    "age 50%": (AGED, 0.5),
    "smile 40%": (SMILE, -0.2),
    "slightly smiling": (SMILE, -0.2),
    "smile 50%": (SMILE, 0.0),
    "smile=0.25": (SMILE, -0.5),
    "\u5fae\u7b1140%": (SMILE, -0.2),
    "\u7b11\u985440\uff05": (SMILE, -0.2),
    "smile 0%": (SMILE, -1.0),
    "smile 100%": (SMILE, 1.0),
    "-smile": (SMILE, -1.0),
}
REFUSED = (
    "turn=2",
    "turn 40",
    "head turn 41 degrees",
    "head turn",
    "no head turn",
    "-turn=0.5",
    "no smile 40%",
    "smile -40%",
    "smile 140%",
    "turned left -20%",
    "turn=0.3, turn=0.5",
    "turned left, turn=0.2",
    "smile, smile 40%",
    "age=9 years",
    "age=20 degrees",
    "turn=1e-1",
    "turn=--0.5",
    "head turn - 40%",
    "hat 40%",
    "patch_side=left 40%",
)


@pytest.mark.parametrize("request_, expected", READ.items())
def test_numbers_and_words_are_read(request_, expected):
    column, value = expected
    labels = SCHEMA.parse(request_)
    assert labels[column] == pytest.approx(value, abs=0.002)
    assert labels[column] != 0
    assert np.flatnonzero(labels).tolist() == [column]
    np.testing.assert_array_equal(SCHEMA.parse(SCHEMA.describe(labels)), labels)


@pytest.mark.parametrize("request_", REFUSED)
def test_other_requests_are_refused(request_):
    with pytest.raises(AttributeRequestError):
        SCHEMA.parse(request_)


def test_messages_name_the_range_and_the_nearest_spelling():
    with pytest.raises(AttributeRequestError, match="-40 degrees to 40 degrees"):
        SCHEMA.parse("turn=50 degrees")
    with pytest.raises(AttributeRequestError, match="'head turn' needs a number, such as 'head turn 40%'"):
        SCHEMA.parse("head turn")
    with pytest.raises(AttributeRequestError, match="did you mean 'head turn 40%'"):
        SCHEMA.parse("haed turn 40%")


def test_the_graph_reads_the_same():
    requests = [*READ, *REFUSED, "", "smile 40%, turn=-0.1, age 0%", "patch_side=left, looking left"]
    read = RequestReader(SCHEMA)(tf.constant(requests))
    for request, row, error in zip(requests, read.values.numpy(), read.errors.numpy(), strict=True):
        if request in REFUSED:
            assert error, request
        else:
            assert not error, request
            np.testing.assert_array_equal(row, SCHEMA.parse(request))


def test_stored_rows_tell_the_middle_from_unknown():
    rows = [SCHEMA.encode({"turn": angle}) for angle in (None, -40.0, -21.0, 0.0, 40.0)]
    assert [int(row[TURNED]) for row in rows] == [0, 1, 6, 11, 21]
    decoded = SCHEMA.decode(np.stack(rows))[:, TURNED]
    assert decoded == pytest.approx([0, -1, -0.5, 0, 1], abs=0.002)
    assert (decoded != 0).tolist() == [False, True, True, True, True]
    with pytest.raises(ValueError, match="41 is not from -40 to 40"):
        SCHEMA.encode({"turn": 41.0})


def test_version_2_is_used_only_with_scales():
    assert Schema.from_json(SCHEMA.to_json()) == SCHEMA
    assert '"version": 2' in SCHEMA.to_json()
    plain = Schema.from_names({"smile": None})
    assert '"version": 1' in plain.to_json()
    with pytest.raises(ValueError, match="version 1, not version 2"):
        Schema.from_json(SCHEMA.to_json().replace('"version": 2', '"version": 1'))


def test_mirroring_negates_angles_and_exchanges_sides():
    labels = SCHEMA.decode(
        SCHEMA.encode({"patch_side": "left", "looking_left": True, "turn": -20, "age": 20})
    )
    two = tf.constant(np.stack([labels, labels]))
    plain, mirrored = mirrored_labels(two, tf.constant([False, True]), SCHEMA).numpy()
    np.testing.assert_array_equal(plain, labels)
    # Nothing says whether the mirrored face looks to the right, so that is unknown.
    expected = SCHEMA.decode(SCHEMA.encode({"patch_side": "right", "turn": 20, "age": 20}))
    np.testing.assert_array_equal(mirrored, expected)


def test_open_scales_follow_the_training_set_and_requested_ones_are_kept():
    rows = [
        SCHEMA.encode({"patch_side": side, "smile": True, "looking_left": False, "turn": turn, "age": 30})
        for side, turn in (("left", -40.0), ("right", 20.0))
    ]
    sampler = LabelSampler(SCHEMA, LabelRows.from_labels(np.stack(rows)))
    uniforms = tf.constant(np.random.default_rng(0).random((200, 1 + sampler.num_slots)))

    def complete(request: str) -> np.ndarray:
        wanted = np.tile(SCHEMA.parse(request), (200, 1))
        return sampler.complete(tf.constant(wanted), uniforms).numpy()

    drawn = complete("")
    assert set(np.round(drawn[:, TURNED], 2).tolist()) == {-1.0, 0.5}
    # The side goes with the turn.
    np.testing.assert_array_equal(drawn[:, 0] > 0, drawn[:, TURNED] < 0)
    drawn = complete("turn=0.52")
    np.testing.assert_array_equal(drawn[:, TURNED], np.float32(0.52))
    assert np.all(drawn[:, 1] == 1)
    drawn = complete("smile 30%")
    np.testing.assert_allclose(drawn[:, SMILE], -0.4)
    # A scale that the rows leave unknown is drawn as well.
    unknown = rows[0].copy()
    unknown[TURNED] = 0
    np.testing.assert_array_equal(sampler.decode(tf.constant(unknown[np.newaxis]))[0, TURNED], 0)


def test_a_sheet_has_nine_steps():
    slot = SCHEMA.slot("head turn")
    captions = options(SCHEMA, slot)
    assert len(captions) == 9
    assert captions[0] == "turn -40 degrees"
    assert captions[4] == "turn 0 degrees"
    row = SCHEMA.parse("smile")[np.newaxis]
    values = [with_value(row, slot, option)[0, TURNED] for option in range(9)]
    assert values == pytest.approx([-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1], abs=0.002)
    assert all(values)


def test_names_with_numbers():
    """A hyphen in front of a number is a sign only where no name has it."""
    schema = Schema.from_names({"kind": ("type-1", "type-2"), "turn": TURN})
    for text in ("type-2", "type 2", "type_2", "kind=type-2"):
        assert schema.describe(schema.parse(text)) == "type-2 kind", text
    with pytest.raises(AttributeRequestError, match="unknown attribute 'type -3'"):
        schema.parse("type-3")
