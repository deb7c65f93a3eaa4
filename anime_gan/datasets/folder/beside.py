"""Finds and reads the label file beside an image: tags, a caption, or the JSON of a downloader."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from anime_gan.datasets.folder.tag_lines import MIN_SCORE
from anime_gan.datasets.folder.tag_text import TagItem, read_items, tag_name

TEXT_ENDINGS = (".txt", ".TXT", ".caption", ".CAPTION", ".tags")
JSON_ENDINGS = (".json", ".JSON")
# Keys of Danbooru, Gelbooru, e621, and gallery-dl that contain all tags, best first.
_TAG_KEYS = ("tag_string", "tags")
_PARTIAL_KEYS = ("tag_string_", "tags_")
_NAME_KEYS = ("name", "tag", "label", "name_en")
_SCORE_KEYS = ("score", "confidence", "probability", "prob", "weight")


def label_file(picture: str, is_file: Callable[[str], bool], is_shared: bool) -> str | None:
    """Returns the label file beside an image, such as `face.txt` or `face.png.txt` for `face.png`.

    Args:
        picture: The image file.
        is_file: Whether a file exists.
        is_shared: Whether another image has the same name with another ending, so that `face.txt` could
            belong to either.
    """
    return next((name for name in label_file_names(picture, is_shared) if is_file(name)), None)


def label_file_names(picture: str, is_shared: bool = False) -> Iterator[str]:
    """Yields the possible names of an image's label file, best first."""
    for endings in (TEXT_ENDINGS, JSON_ENDINGS):
        for ending in endings:
            if not is_shared:
                yield stem_of(picture) + ending
            yield picture + ending


def stem_of(picture: str) -> str:
    """Returns an image's name without its ending."""
    return str(PurePosixPath(picture).with_suffix(""))


def shared_stems(pictures: Iterable[str]) -> frozenset[str]:
    """Returns the stems that several images have."""
    # Hashes take less memory than the names of a million files.
    seen: set[int] = set()
    shared: set[str] = set()
    for stem in map(stem_of, pictures):
        if hash(stem) in seen:
            shared.add(stem)
        seen.add(hash(stem))
    return frozenset(shared)


def read_label_file(name: str, text: str) -> list[TagItem] | None:
    """Returns the items of a label file; None if it is JSON without tags."""
    return _json_items(text) if name.lower().endswith(".json") else read_items(text)


def _json_items(text: str) -> list[TagItem] | None:
    try:
        data = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    for key in _TAG_KEYS:
        if data.get(key):
            return _items(data[key])
    partial = [value for key, value in data.items() if key.startswith(_PARTIAL_KEYS) and value]
    return [item for value in partial for item in _items(value)] if partial else None


def _scored(tag: str, score: bool | float) -> list[TagItem]:
    """Returns a tag with the score of a tagger, or with whether the picture has it."""
    if isinstance(score, bool):
        return read_items(tag if score else f"-{tag}")
    is_sure = isinstance(score, (int, float)) and score >= MIN_SCORE
    return [item._replace(is_sure=item.is_sure and is_sure) for item in read_items(tag)]


def _items(value: Any) -> list[TagItem]:
    """Returns the tags in a text, a list, or an object of lists by kind."""
    if isinstance(value, str):
        # Boorus separate tags by spaces, also those without an underscore.
        if "," in value:
            return read_items(value)
        return [TagItem(name) for word in html.unescape(value).split() if (name := tag_name(word))]
    if isinstance(value, dict):
        named = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
        if named:
            return _scored(named, next((value[key] for key in _SCORE_KEYS if key in value), True))
        return [
            item
            for key, part in value.items()
            for item in (_scored(key, part) if isinstance(part, (bool, float)) else _items(part))
        ]
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], (bool, float)):
            return _scored(*value)
        # Each entry is one tag, even if it has a space.
        return [
            item for part in value for item in (read_items(part) if isinstance(part, str) else _items(part))
        ]
    return []
