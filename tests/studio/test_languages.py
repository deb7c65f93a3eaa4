"""The texts of the page are complete in each language."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from anime_gan.attributes.phrases import normalize
from anime_gan.attributes.schema import AttributeRequestError
from anime_gan.attributes.vocabulary import load_vocabulary
from anime_gan.exports.read import find_export, read_schema
from anime_gan.studio.errors import LANGUAGES, PAGE, StudioError, read_language

OTHERS = LANGUAGES[1:]
# What checks the settings that the page sends, or that an opened file contains.
CHECKS = ("attributes/edits.py", "attributes/schema.py", "faces/generator.py")
CHECKS += ("faces/request.py", "faces/resizing.py", "faces/sheets.py")


def gaps(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_there_with_the_same_gaps(language):
    english, other = (read_language(name)["strings"] for name in ("en", language))
    assert list(other) == list(english)
    for key, sentence in english.items():
        assert gaps(other[key]) == gaps(sentence), key
        assert other[key].strip()


def test_the_page_says_nothing_that_is_not_in_the_files_and_all_that_is():
    strings = read_language("en")["strings"]
    said = set(re.findall(r'data-t(?:-\w+)?="([^"]+)"', (PAGE / "index.html").read_text("utf-8")))
    for script in PAGE.glob("*.js"):
        text = script.read_text("utf-8")
        # Both keys of t(one ? "a" : "b").
        for call in re.findall(r"\bt\(([^)]*)\)", text):
            said |= set(re.findall(r'"([^"]+)"', call))
        said |= {
            key
            for start in re.findall(r"\bt\(`([\w.]+)\$\{", text)
            for key in strings
            if key.startswith(start)
        }
    missing = {key for key in said if key not in strings}
    assert not missing
    unsaid = {key for key in strings if key not in said and not key.startswith("error.")}
    assert unsaid == {"language"}


def test_every_error_has_a_sentence_and_every_sentence_an_error():
    codes, values = {"unreachable"}, {}
    for module in PAGE.parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "StudioError":
                code = ast.literal_eval(node.args[0])
                codes.add(code)
                values.setdefault(code, []).append({word.arg for word in node.keywords} - {"status"})
    strings = read_language("en")["strings"]
    assert {f"error.{code}" for code in codes} == {key for key in strings if key.startswith("error.")}
    for code, given in values.items():
        for names in given:
            assert gaps(strings[f"error.{code}"]) <= names, code


def english_reasons(path: Path) -> Iterator[str]:
    """Yields each reason of the input errors of a module, with a number for everything that is filled in."""
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        # A wrong seed in a file makes it a file without settings.
        if not isinstance(function, ast.FunctionDef) or function.name == "parse_seeds":
            continue
        for node in ast.walk(function):
            match node:
                case ast.Call(func=ast.Name(id="InputError" | "RequestError" | "AttributeRequestError")):
                    reason = node.args[0]
                case ast.Assign(targets=[ast.Name(id="reason")], value=reason):
                    pass
                case ast.Return(value=reason) if function.name.endswith("_message"):
                    pass
                case _:
                    continue
            if isinstance(reason, ast.Constant):
                yield reason.value
            elif isinstance(reason, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "7" for part in reason.values)


@pytest.mark.parametrize("language", OTHERS)
def test_every_reason_is_there_with_the_same_gaps(language):
    reasons = read_language(language)["reasons"]
    assert list(reasons) == list(read_language(OTHERS[0])["reasons"])
    for english, other in reasons.items():
        assert gaps(other) == gaps(english), english
    patterns = [re.sub(r"\\{\w+\\}", ".*", re.escape(english)) for english in reasons]
    said = [reason for check in CHECKS for reason in english_reasons(PAGE.parents[1] / check)]
    assert len(said) >= 25
    assert [reason for reason in said if not any(re.fullmatch(pattern, reason) for pattern in patterns)] == []


def test_an_errors_sentence_has_its_gaps_filled():
    told = StudioError("wrong_value", name="{smile}", value="{0}").to_json()
    assert told["message"] == "“{smile}” cannot be “{0}”."


@pytest.mark.parametrize("language", OTHERS)
def test_attributes_of_the_model_have_names(language):
    names = read_language(language)["attributes"]
    assert list(names) == list(read_language(OTHERS[0])["attributes"])
    schema = read_schema(find_export(None))
    for column in (*schema.columns, *(slot.name for slot in schema.slots)):
        assert column in names, column


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_shown_can_be_typed(language):
    """A displayed phrase that the model understands means the attribute that it is displayed for."""
    schema = read_schema(find_export(None))
    names = read_language(language)["attributes"]
    vocabulary = load_vocabulary()
    typed = 0
    for column, name in enumerate(schema.columns):
        phrase = names[name][1] if "=" in name else names[name]
        known = name in vocabulary["tags"] or name.startswith(("hair_color=", "eye_color=", "hair_style="))
        if normalize(phrase) in schema.phrase_codes or known:
            try:
                assert schema.parse(phrase)[column] == 1, (name, phrase)
            except AttributeRequestError as error:
                raise AssertionError(f"{name}: {error}") from error
            typed += 1
    assert typed >= 39
