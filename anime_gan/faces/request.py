"""What a picture is made from, and how a file says so: text by which the picture can be made again."""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from anime_gan.attributes.edits import definite
from anime_gan.attributes.phrases import normalize, split_phrases
from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.faces.sheets import sides, usual_spelling

MAX_FACES = 1_000_000
MAX_CANDIDATES = 64
SEED_LIMIT = 2**63
# Of a walk.
MIN_FRAMES, MAX_FRAMES = 2, 2_000
# More than 50 a second browsers slow down to ten.
MAX_FRAMES_PER_SECOND = 50
# Between the stations of a walk.
ARROW = "->"
LATENT_DTYPE = "<f4"


@dataclasses.dataclass(frozen=True)
class Walk:
    """A way through several faces that ends where it begins.

    Attributes:
        stations: What is asked for at each, besides `FaceRequest.attributes`.
        frames: Pictures on the whole way.
        frames_per_second: How fast they are shown.
        frame: Of the whole way only this picture, counted from 0; None: all of them.
        latents: The numbers of each station's face where these come from no seeds; then
            `FaceRequest.seeds` is empty, and each station says every attribute.
    """

    stations: tuple[str, ...]
    frames: int = 48
    frames_per_second: int = 20
    frame: int | None = None
    latents: tuple[tuple[float, ...], ...] = ()

    @property
    def text(self) -> str:
        """The stations as they are typed."""
        return f" {ARROW} ".join(self.stations)


@dataclasses.dataclass(frozen=True)
class FaceRequest:
    """Everything that decides a picture, besides the model.

    Attributes:
        attributes: What was asked for, as typed.
        seeds: One face each; one for each station of a walk, or one for all.
        truncation: In (0, 1]; 1 is off.
        sheet: What varies down the sheet: an attribute, of which every value is shown, or requests separated
            by semicolons; behind " x " what varies across. None: no sheet.
        candidates: Faces drawn for each seed, of which the critic keeps one; 1 needs no critic.
        changes: What is set afterwards on the faces that the rest has decided; their latents stay.
        latent: The numbers of a face that comes from no seed; then `seeds` is empty, and `attributes` says
            every attribute.
        walk: The stations of an animation, or None.
    """

    attributes: str = ""
    seeds: tuple[int, ...] = (0,)
    truncation: float = 1.0
    sheet: str | None = None
    candidates: int = 1
    changes: str = ""
    latent: tuple[float, ...] | None = None
    walk: Walk | None = None

    @property
    def num_faces(self) -> int:
        """Pictures that it asks for, a sheet or an animation counting each of its faces once."""
        if self.walk is not None:
            return self.walk.frames if self.walk.frame is None else 1
        return 1 if self.latent is not None else len(self.seeds)


class PictureOrigin(NamedTuple):
    """What a picture says of how it was made.

    Attributes:
        request: What was asked for.
        model: `FaceGenerator.name` of the model that drew it.
        critic: `FaceGenerator.critic_name` of the critic that chose it, or None if none did.
    """

    request: FaceRequest
    model: str
    critic: str | None


def request_text(request: FaceRequest) -> dict[str, str]:
    """What a file says of a request; `origin_from_text` reads it back, to the last bit of a latent."""
    text = {"attributes": request.attributes}
    if request.latent is not None:
        text["latent"] = _latent_text(request.latent)
    elif request.walk is not None and request.walk.latents:
        text["latents"] = ",".join(map(_latent_text, request.walk.latents))
    else:
        text["seeds"] = format_seeds(request.seeds)
        text["truncation"] = repr(request.truncation)
    if request.walk is not None:
        text["interpolate"] = request.walk.text
        text["frames"] = str(request.walk.frames)
        text["fps"] = str(request.walk.frames_per_second)
        if request.walk.frame is not None:
            text["frame"] = str(request.walk.frame)
    if request.changes:
        text["set"] = request.changes
    if request.sheet is not None:
        text["sheet"] = request.sheet
    if request.candidates > 1:
        text["candidates"] = str(request.candidates)
    return text


def origin_from_text(text: Mapping[str, str]) -> PictureOrigin:
    """Reads what a file says of how it was made.

    Raises:
        KeyError, ValueError: Something is missing, or cannot be read.
    """
    latent = _latent_from_text(text["latent"]) if "latent" in text else None
    seeded = latent is None and "latents" not in text
    request = FaceRequest(
        text["attributes"],
        parse_seeds(text["seeds"]) if seeded else (),
        float(text["truncation"]) if seeded else 1.0,
        text.get("sheet"),
        int(text.get("candidates", 1)),
        text.get("set", ""),
        latent,
        _walk_from_text(text) if "interpolate" in text else None,
    )
    # Names come from a file that anybody may have written, and are shown.
    for name in (text["model"], text.get("critic", "0")):
        if not re.fullmatch("[0-9a-f]{1,64}", name):
            raise ValueError("not the name of a model")
    return PictureOrigin(request, text["model"], text.get("critic"))


def _latent_text(latent: tuple[float, ...]) -> str:
    return base64.b64encode(np.array(latent, LATENT_DTYPE).tobytes()).decode("ascii")


def _latent_from_text(text: str) -> tuple[float, ...]:
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), LATENT_DTYPE)
    except binascii.Error as error:
        raise ValueError(f"not a latent: {error}") from error
    if not np.all(np.isfinite(values)):
        raise ValueError("not a latent: its numbers are not finite")
    return tuple(values.tolist())


def _walk_from_text(text: Mapping[str, str]) -> Walk:
    frame = int(text["frame"]) if "frame" in text else None
    latents = tuple(map(_latent_from_text, text["latents"].split(","))) if "latents" in text else ()
    return Walk(parse_stations(text["interpolate"]), int(text["frames"]), int(text["fps"]), frame, latents)


def checked(request: FaceRequest, schema: Schema) -> FaceRequest:
    """The request with everything in its usual spelling.

    Raises:
        ValueError: Something in it is not allowed or not known; the message names the flag.
    """
    if not 0 < request.truncation <= 1:
        raise ValueError(f"--truncation={request.truncation}: must be above 0 and at most 1")
    if not 1 <= request.candidates <= MAX_CANDIDATES:
        raise ValueError(f"--candidates={request.candidates}: must be 1 to {MAX_CANDIDATES}")
    unseeded = request.latent is not None or (request.walk is not None and request.walk.latents)
    if unseeded and (request.candidates > 1 or (request.latent is not None and request.walk)):
        raise ValueError("a face without a seed: has no candidates, and is no station of a walk")
    with _explained():
        attributes = _spelled(request.attributes, schema)
        sheet = usual_spelling(request.sheet, schema) if request.sheet else None
        walk = _checked_walk(request, schema) if request.walk else None
        changes = _spelled(request.changes, schema)
        definite(schema.parse(changes), schema, changes, "--set")
    if sheet and walk and walk.frame is None:
        raise ValueError("--sheet: goes not with --interpolate; a frame of its folder can have one")
    if sheet and sides(sheet)[1] and request.num_faces > 1:
        raise ValueError(f"--sheet={sheet}: shows one face, so give one seed, not {request.num_faces}")
    return dataclasses.replace(request, attributes=attributes, sheet=sheet, changes=changes, walk=walk)


def changed(request: FaceRequest, changes: str, schema: Schema) -> FaceRequest:
    """The same faces with something set; what was set before stays, unless it is the same attribute.

    Args:
        request: From `checked`.
        changes: One value of each attribute that it names, as typed.
        schema: What can be asked for.

    Raises:
        ValueError: The changes cannot be understood.
    """
    with _explained():
        wanted = schema.parse(expanded(changes, schema))
        definite(wanted, schema, changes, "--set")
        merged = schema.parse(request.changes)
    for slot in schema.slots:
        if wanted[slot.columns].any():
            merged[slot.columns] = wanted[slot.columns]
    return dataclasses.replace(request, changes=schema.describe(merged))


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Adds to what is not understood where to look."""
    try:
        yield
    except AttributeRequestError as error:
        raise ValueError(f"{error}; --list_attrs shows what there is") from error


def _checked_walk(request: FaceRequest, schema: Schema) -> Walk:
    walk = request.walk
    assert walk is not None
    if len(walk.stations) == 1 and not walk.latents:
        walk = dataclasses.replace(walk, stations=walk.stations * len(request.seeds))
    count = len(walk.stations)
    if count < 2:
        raise ValueError(
            f"--interpolate={walk.text}: one station is no walk: write 'blonde hair {ARROW} black hair', or "
            "give several seeds"
        )
    if walk.latents:
        if len(walk.latents) != count or request.seeds:
            raise ValueError(
                f"a walk through faces without seeds: has {count} stations and {len(walk.latents)} faces"
            )
    elif len(request.seeds) not in (1, count):
        raise ValueError(
            f"--interpolate={walk.text}: has {count} stations, so give {count} seeds, or one for all, not "
            f"{len(request.seeds)}"
        )
    if not max(MIN_FRAMES, count) <= walk.frames <= MAX_FRAMES:
        raise ValueError(
            f"--frames={walk.frames}: must be {max(MIN_FRAMES, count)} (one a station) to {MAX_FRAMES}"
        )
    if not 1 <= walk.frames_per_second <= MAX_FRAMES_PER_SECOND:
        raise ValueError(f"--fps={walk.frames_per_second}: must be 1 to {MAX_FRAMES_PER_SECOND}")
    if walk.frame is not None and not 0 <= walk.frame < walk.frames:
        raise ValueError(f"frame {walk.frame}: the walk has {walk.frames}, counted from 0")
    stations = tuple(_spelled(station, schema) for station in walk.stations)
    for station in stations:
        # Both together: what all stations share must not contradict one of them.
        both = schema.parse(", ".join((_spelled(request.attributes, schema), station)))
        if len(request.seeds) == 1:
            definite(both, schema, station, "a station of one face")
    return dataclasses.replace(walk, stations=stations)


def _spelled(text: str, schema: Schema) -> str:
    return schema.describe(schema.parse(expanded(text, schema)))


def expanded(text: str, schema: Schema) -> str:
    """A request in which `hair=silver` is `hair_color=silver`: a part of a group's name is enough.

    Args:
        text: Phrases separated by commas; those that are not understood stay as they are.
        schema: What can be asked for.
    """
    return ", ".join(_full_name(phrase, schema) for phrase in split_phrases(text))


def _full_name(phrase: str, schema: Schema) -> str:
    name, _, value = phrase.partition("=")
    if not value or phrase in schema.phrase_codes:
        return phrase
    found = [
        f"{group.name}={term.name}"
        for group in schema.groups
        if {name, name.removesuffix("s")} & set(normalize(group.name).split())
        for term in group.values
        if value in map(normalize, term.phrases)
    ]
    return found[0] if len(found) == 1 else phrase


def parse_stations(text: str) -> tuple[str, ...]:
    """Reads the stations of a walk as in `blonde hair -> black hair`; a station may be empty."""
    return tuple(station.strip() for station in text.split(ARROW))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads seeds as in `0-7,12`.

    Raises:
        ValueError: The text is not a list of seeds, or too long a one.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part, re.ASCII)
        if not match:
            raise ValueError(
                f"--seeds={text}: {part.strip()!r} is not a seed or a range; write for example 0-7,12"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last >= SEED_LIMIT or last < first or last - first + len(seeds) >= MAX_FACES:
            raise ValueError(
                f"--seeds={text}: {part.strip()!r} must be rising and below 2^63, at most {MAX_FACES} seeds"
            )
        seeds += range(first, last + 1)
    return tuple(seeds)


def format_seeds(seeds: Sequence[int]) -> str:
    """Writes seeds so that `parse_seeds` reads them back: runs as ranges."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][1] + 1:
            parts[-1][1] = seed
        else:
            parts.append([seed, seed])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
