"""The tables of expressions, names, and shares."""

import json

import numpy as np
import pytest

from anime_gan.attributes.schema import AttributeRequestError, Schema, known_scale
from anime_gan.characters.expressions import ExpressionError, read_expressions
from anime_gan.characters.names import RESERVED, choose_names, read_names, tag_of
from anime_gan.characters.shares import parse_shares, share_requests
from anime_gan.common.errors import InputError

FULL = Schema.from_names(
    {
        "hair_color": ("blue", "red", "silver"),
        "male": None,
        **dict.fromkeys(
            ("smile", "open_mouth", "closed_eyes", "angry", "sad", "surprised", "glasses", "blush")
        ),
    }
)
POOR = Schema.from_names({"hair_color": ("blue", "red"), "smile": None, "glasses": None})


def signs(changes: str, schema: Schema = FULL) -> dict[str, int]:
    row = schema.parse(changes)
    return {name: int(value) for name, value in zip(schema.columns, row, strict=True) if value}


def test_each_expression_sets_all_attributes_of_expressions_and_no_other():
    expressions = read_expressions(None, FULL)
    assert expressions.names == (
        *("neutral", "happy", "laughing", "angry", "sad", "surprised", "embarrassed", "asleep"),
    )
    faces = {frame.name: signs(frame.changes) for frame in expressions.frames}
    off = dict.fromkeys(("smile", "open_mouth", "closed_eyes", "angry", "sad", "surprised", "blush"), -1)
    assert faces["neutral"] == off
    assert faces["laughing"] == {**off, "smile": 1, "open_mouth": 1, "closed_eyes": 1}
    assert faces["happy_talk"] == {**off, "smile": 1, "open_mouth": 1}
    assert faces["angry_blink"] == {**off, "closed_eyes": 1}
    assert "asleep_talk" not in faces and "asleep_blink" not in faces


def test_expressions_that_a_model_cannot_draw_are_named():
    expressions = read_expressions(None, POOR)
    assert expressions.names == ("neutral", "happy")
    assert "angry" in expressions.missing
    # The talking frame needs an attribute that the model lacks.
    assert [frame.name for frame in expressions.frames] == ["neutral", "happy"]
    assert signs(expressions.frames[0].changes, POOR) == {"smile": -1}
    with pytest.raises(ExpressionError, match="lacks its attributes: 'angry'"):
        expressions.only(["angry"], moving=True)
    with pytest.raises(ExpressionError, match="did you mean 'happy'"):
        expressions.only(["hapy"], moving=True)


def test_a_group_of_expressions_has_the_value_that_fits():
    moods = ("neutral", "gentle_smile", "laugh", "angry", "sad", "surprised")
    schema = Schema.from_names(
        {"expression": moods, **dict.fromkeys(("smile", "open_mouth", "closed_eyes", "blush"))}
    )
    found = {frame.name: schema.parse(frame.changes) for frame in read_expressions(None, schema).frames}
    expected = {
        "neutral": "neutral",
        "neutral_talk": "neutral",
        "happy": "gentle_smile",
        "happy_talk": "laugh",
        "angry": "angry",
        "angry_talk": "angry",
        "surprised": "surprised",
        "asleep": "neutral",
    }
    assert {name: moods[int(np.argmax(found[name][: len(moods)]))] for name in expected} == expected
    assert all(np.sum(row[: len(moods)] > 0) == 1 for row in found.values())


def test_scales_have_no_shares():
    schema = Schema.from_names({"turn": known_scale("turn", -40, 40), "smile": None})
    for text in ("head turn 40%", "turned left 30%", "smile 50%, turn: 20%"):
        with pytest.raises(InputError, match="shares?"):
            parse_shares(text, schema)


def test_a_table_of_the_user(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(
        json.dumps({"neutral": {"face": ""}, "dizzy": {"face": "closed eyes, surprised"}}), "utf-8"
    )
    expressions = read_expressions(path, FULL)
    assert signs(expressions.frames[1].changes) == {"closed_eyes": 1, "surprised": 1}
    assert signs(expressions.frames[0].changes) == {"closed_eyes": -1, "surprised": -1}


@pytest.mark.parametrize(
    "content",
    [
        "[1]",
        '{"neutral": "smile"}',
        '{"happy": {"face": "smile"}}',
        '{"neutral": {"face": ""}, "So Sad": {"face": "sad"}}',
        '{"neutral": {"face": ""}, "sad": {"fase": "sad"}}',
        '{"neutral": {"face": ""}, "x": {"face": "bored"}}',
        "{",
    ],
)
def test_damaged_tables_are_refused(content, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(content, "utf-8")
    with pytest.raises(ExpressionError):
        read_expressions(path, FULL)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Zoë", "zoe"),
        ("Mary Ann", "mary_ann"),
        ("Show", "show_1"),
        ("None", "none"),
        ("Max", "max_1"),
        ("Lambda", "lambda_1"),
        ("7of9", "person_7of9"),
        ("美咲", "person"),
        ("O'Neil", "o_neil"),
    ],
)
def test_tags_are_identifiers_in_ascii(name, tag):
    assert tag_of(name) == tag
    assert tag.isidentifier() and tag.isascii() and tag == tag.lower()


def test_built_in_names_fit_and_are_distinct():
    names = read_names(None)
    males = [True, False] * 100
    chosen = choose_names(names, males, seed=3)
    whom = {name: who for who, name in names}
    assert all(whom[name.shown] == ("m" if male else "f") for name, male in zip(chosen, males, strict=True))
    assert len({name.tag for name in chosen}) == 200
    assert not RESERVED & {name.tag for name in chosen}
    assert chosen == choose_names(names, males, seed=3) != choose_names(names, males, seed=4)


def test_names_of_the_user_are_used_in_order_and_then_numbered(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\ufeff# mine\n  Ana María \n美咲\nAna Maria\n\n", "utf-8")
    chosen = choose_names(read_names(path), [None] * 4, seed=0)
    assert [name.shown for name in chosen] == ["Ana María", "美咲", "Ana Maria", "Ana María 2"]
    assert [name.tag for name in chosen] == ["ana_maria", "person", "ana_maria_2", "ana_maria_2_2"]


def test_names_of_earlier_casts_are_not_used_again():
    names = [("f", "Mei"), ("f", "Zoë"), ("m", "Kai")]
    first = choose_names(names, [False, False, True], seed=0)
    second = choose_names(names, [False, True], seed=0, earlier=first[:1])
    assert {name.shown for name in second} == {first[1].shown, "Kai"}
    third = choose_names(names, [False, True, False], seed=0, earlier=[*first, *second])
    assert [name.shown for name in third if name.shown.startswith("Kai")] == ["Kai 2"]
    assert not {name.tag for name in third} & {name.tag for name in first}
    assert len({name.shown for name in third}) == 3 and all(name.shown.endswith(" 2") for name in third)


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff\xfe\x00", b"a" * 61, b"tab\x07"])
def test_unusable_names_are_refused(content, tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_names(path)


def test_shares_are_kept_to_the_character():
    requests = share_requests(parse_shares("male 50%, glasses=10%, blue hair: 25 %", FULL), FULL, 200, seed=1)
    rows = np.stack([FULL.parse(request) for request in requests])
    column = FULL.columns.index
    assert np.sum(rows[:, column("male")] > 0) == 100 == np.sum(rows[:, column("male")] < 0)
    assert np.sum(rows[:, column("glasses")] > 0) == 20
    assert np.sum(rows[:, column("hair_color=blue")] > 0) == 50
    # Nobody else gets blue hair by chance, but any other color.
    assert np.sum(rows[:, column("hair_color=blue")] < 0) == 150
    assert not rows[:, column("smile")].any()
    # Independent of each other: about half of those with glasses are male.
    both = np.sum((rows[:, column("male")] > 0) & (rows[:, column("glasses")] > 0))
    assert 4 <= both <= 16


def test_several_values_of_a_group_exclude_each_other():
    shares = parse_shares("blue hair 50%, red hair 30%, silver hair 20%", FULL)
    rows = np.stack([FULL.parse(request) for request in share_requests(shares, FULL, 10, seed=0)])
    assert np.sum(rows[:, :3] > 0, axis=0).tolist() == [5, 3, 2]
    assert np.all(np.sum(rows[:, :3] > 0, axis=1) == 1)


def test_a_share_of_absence():
    assert parse_shares("no glasses 90%", FULL) == {FULL.columns.index("glasses"): pytest.approx(0.1)}


@pytest.mark.parametrize(
    "text",
    [
        "male",
        "male 101%",
        "male fifty%",
        "blue hair 60%, red hair 60%",
        "male 50%, male 20%",
        "no blue hair 10%",
    ],
)
def test_wrong_shares_are_refused(text):
    with pytest.raises(InputError):
        parse_shares(text, FULL)


def test_unknown_attributes_in_shares():
    with pytest.raises(AttributeRequestError, match="glasses"):
        parse_shares("glases 10%", FULL)
