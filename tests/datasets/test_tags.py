"""Tag files and the meaning of tags."""

from __future__ import annotations

import pytest

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.folder.tag_text import TagItem, read_items, split_tags
from anime_gan.datasets.folder.tags import TagTable


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1girl, Blue_Hair, open mouth", ["1girl", "blue_hair", "open_mouth"]),
        ("\ufeff1girl,solo,\n\nblue  hair ,\r\n, smile,", ["1girl", "solo", "blue_hair", "smile"]),
        ("(red eyes:1.2), ((hat)), [bow], {{smile}}, (a: .5)", ["red_eyes", "hat", "bow", "smile", "a"]),
        ("(red eyes, blue hair:1.3), ((hat), bow)", ["red_eyes", "blue_hair", "hat", "bow"]),
        (r"hair ornament \(flower\), star_(symbol)", ["hair_ornament_(flower)", "star_(symbol)"]),
        (r"(star \(symbol\):1.1), (star_(sky))", ["star_(symbol)", "star_(sky)"]),
        (":D, :), >:(, ^_^, (^_^:1.2), (o)_(o)", [":d", ":)", ">:(", "^_^", "^_^", "(o)_(o)"]),
        (r":\), (:\):1.1)", [":)", ":)"]),
        (r"\m/, dark-skinned female, re:zero, 16:9", [r"\m/", "dark-skinned_female", "re:zero", "16:9"]),
        ("blue hair，smile", ["blue_hair", "smile"]),
        (" , (), ( ,\n", []),
        ("", []),
    ],
)
def test_names_in_one_spelling(text, names):
    assert split_tags(text) == names


def read(text: str, extension: str | None = None):
    reading = TagTable.load(extension).read(read_items(text))
    return reading.description, reading.conflicts


def test_tags_that_are_missing_say_no_and_groups_say_nothing():
    description, conflicts = read("1girl, light brown hair, very long hair, low twintails, smile")
    assert conflicts == []
    assert description["hair_color"] == "brown"
    assert description["hair_length"] == "long"
    assert description["eye_color"] is None
    assert description["twin_tail"] is True
    assert description["smile"] is True
    assert description["glasses"] is False
    assert description["open_mouth"] is False


def test_no_tags_say_nothing():
    table = TagTable.load()
    assert table.read([]) == (dict.fromkeys(table.attributes), [], False, True)


def test_two_values_of_a_group_are_a_conflict():
    description, conflicts = read("blue hair, red eyes, pink hair, blue hair, short hair, long hair")
    assert conflicts == ["hair_color", "hair_length"]
    assert description["hair_color"] is None
    assert description["hair_length"] is None
    assert description["eye_color"] == "red"


def test_two_tags_of_one_value_are_none():
    description, conflicts = read("blue hair, dark blue hair, long hair, absurdly long hair")
    assert (description["hair_color"], description["hair_length"], conflicts) == ("blue", "long", [])


def test_a_tag_of_two_attributes_says_both():
    description, _ = read(":D")
    assert (description["smile"], description["open_mouth"], description["closed_eyes"]) == (
        True,
        True,
        False,
    )


def test_descriptions_fit_the_schema_and_can_be_asked_for():
    table = TagTable.load()
    schema = Schema.from_names(table.attributes)
    description, *_ = table.read(read_items("grey hair, semi-rimless eyewear, 1boy, twin drills"))
    labels = schema.encode(description)
    for phrase in ("gray hair", "spectacles", "boy", "drills", "no smile"):
        wanted = schema.parse(phrase)
        assert (labels[wanted != 0] == wanted[wanted != 0]).all(), phrase
    # The phrase of each value and tag is unambiguous.
    for column, term in enumerate(schema.terms):
        assert schema.parse(term.phrase)[column] == 1


def test_a_users_table_adds_overrides_and_removes():
    extension = """\ufeff{
      "groups": {"hair_color": {"blue": ["Teal (Hair)", "ocean hair"], "gold": ["gold_hair"]},
                 "eye_color": {"pink": null},
                 "hair_length": null,
                 "pose": {"sitting": ["sitting"], "standing": ["standing", "on \\\\(feet\\\\)"]}},
      "tags": {"hat": null, "smile": ["grin"], "cape": ["cape", "cloak"]}
    }"""
    table = TagTable.load(extension)
    attributes = table.attributes
    assert attributes["hair_color"] == (*TagTable.load().attributes["hair_color"], "gold")
    assert "pink" not in attributes["eye_color"]
    assert attributes["pose"] == ("sitting", "standing")
    assert attributes["cape"] is None
    assert not {"hair_length", "hat"} & set(attributes)
    description, *_ = table.read(read_items("ocean hair, pink eyes, on \\(feet\\), cloak, smile, hat"))
    assert description["hair_color"] == "blue"
    assert description["eye_color"] is None
    assert description["pose"] == "standing"
    assert description["cape"] is True
    assert description["smile"] is False
    assert table.read([TagItem("blue_hair")]).description["hair_color"] is None
    assert TagTable.load().meaning("blue_hair") == {"hair_color": "blue"}


@pytest.mark.parametrize(
    ("extension", "said"),
    [
        ("{", "not JSON: Expecting property name"),
        ("[" * 100_000, "not JSON"),
        ("[]", "must be an object"),
        ('{"tagz": {}}', "unknown key 'tagz'; only 'groups' and 'tags' are allowed; did you mean 'tags'"),
        ('{"tags": []}', "tags: must be an object"),
        ('{"groups": {"pose": ["sitting"]}}', "groups.pose: must be an object"),
        ('{"groups": {"pose": {"sitting": "sitting"}}}', "groups.pose.sitting: must be a list of tags"),
        ('{"tags": {"cape": [1]}}', "tags.cape: must be a list of tags"),
        ('{"tags": {"cape": []}}', "tags.cape: must be a list of tags"),
        ('{"tags": {"cape": [" , "]}}', "tags.cape: must be a list of tags"),
        (
            '{"tags": {"hatt": null}}',
            "tags.hatt cannot be removed: there is no such entry; did you mean 'hat'",
        ),
        (
            '{"groups": {"eye_color": {"plaid": null}}}',
            "groups.eye_color.plaid cannot be removed",
        ),
        ('{"groups": {"pose": {"sitting": ["sitting"]}}}', "group 'pose' needs at least two values"),
        ('{"tags": {"a=b": ["c"]}}', "'a=b' cannot be a name"),
        ('{"groups": {"smile": {"a": ["a"], "b": ["b"]}}}', "both a group and a tag: smile"),
        (
            '{"groups": {"hair_color": {"teal": ["aqua_hair"]}}}',
            "'aqua_hair' stands for both 'aqua' and 'teal'",
        ),
        ('{"tags": {"hat": null}, "tags": {}}', "duplicate key 'tags'"),
    ],
)
def test_errors_of_a_users_table_name_the_place(extension, said):
    with pytest.raises(ValueError) as error:
        TagTable.load(extension)
    assert str(error.value).startswith("tags.json: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
