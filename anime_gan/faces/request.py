"""Face requests: everything that determines a picture, its checks, and its text form in picture files."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from anime_gan.attributes.edits import definite
from anime_gan.attributes.free_phrases import read_phrases
from anime_gan.attributes.phrases import SIGN, normalize, split_phrases
from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.common.errors import InputError
from anime_gan.faces.resizing import Scaling
from anime_gan.faces.sheets import sides, usual_spelling

MAX_FACES = 1_000_000
MAX_CANDIDATES = 64
SEED_LIMIT = 2**63
# Limits of the number of frames of an animation.
MIN_FRAMES, MAX_FRAMES = 2, 2_000
# Browsers play anything faster at ten frames per second.
MAX_FRAMES_PER_SECOND = 50
# Separates keyframes.
ARROW = "->"
LATENT_DTYPE = "<f4"
UNLABELED = "this model was trained without labels, so attributes cannot be requested"
TRUNCATION_HELP = (
    "truncation factor; lower values give fewer broken faces and less variety (above 0, up to 1; "
    "default 1 = off)"
)


class RequestError(InputError):
    """A face request that cannot be drawn."""


class UnlabeledError(AttributeRequestError):
    """Attributes are requested from a model that was trained without labels."""


@dataclasses.dataclass(frozen=True)
class Interpolation:
    """An animation through several keyframes that ends where it starts.

    Attributes:
        keyframes: What each keyframe shows, in addition to `FaceRequest.attributes`.
        frames: Number of frames.
        frames_per_second: Playback speed.
        frame: Index of the only frame to draw, from 0; None draws all of them.
        latents: The latent vector of each keyframe if the faces do not come from seeds. Then
            `FaceRequest.seeds` is empty, and each keyframe names every attribute.
    """

    keyframes: tuple[str, ...]
    frames: int = 48
    frames_per_second: int = 20
    frame: int | None = None
    latents: tuple[tuple[float, ...], ...] = ()

    @property
    def text(self) -> str:
        """The keyframes as they are typed."""
        return f" {ARROW} ".join(self.keyframes)


@dataclasses.dataclass(frozen=True)
class FaceRequest:
    """Everything that determines a picture, except the model.

    Attributes:
        attributes: The requested attributes, as typed.
        seeds: One per face; for an animation, one per keyframe or a single one for all keyframes.
        truncation: In (0, 1]; 1 is off.
        sheet: What varies from row to row: all values of an attribute, or requests separated by semicolons.
            The part after " x " varies from column to column. None means no sheet.
        candidates: Number of faces drawn per seed. The critic selects one of them; 1 needs no critic.
        changes: Attributes that are set after everything else is determined; the latent vectors stay.
        latent: The latent vector of a face without a seed. Then `seeds` is empty, and `attributes` names
            every attribute.
        interpolation: The animation, or None.
        columns: Faces per row if the picture is a grid; 0 for about as many as rows.
        scaling: The size of the pictures.
    """

    attributes: str = ""
    seeds: tuple[int, ...] = (0,)
    truncation: float = 1.0
    sheet: str | None = None
    candidates: int = 1
    changes: str = ""
    latent: tuple[float, ...] | None = None
    interpolation: Interpolation | None = None
    columns: int = 0
    scaling: Scaling = Scaling()

    @property
    def num_faces(self) -> int:
        """Number of faces or frames to draw; for a sheet, the number of faces that it varies."""
        if self.interpolation is not None:
            return self.interpolation.frames if self.interpolation.frame is None else 1
        return 1 if self.latent is not None else len(self.seeds)

    def singles(self) -> list[FaceRequest]:
        """Returns a request for each face or frame."""
        interpolation = self.interpolation
        if interpolation is not None and interpolation.frame is None:
            frames = (dataclasses.replace(interpolation, frame=n) for n in range(interpolation.frames))
            return [dataclasses.replace(self, interpolation=frame) for frame in frames]
        if interpolation is not None or self.latent is not None:
            return [self]
        return [dataclasses.replace(self, seeds=(seed,)) for seed in self.seeds]


class PictureOrigin(NamedTuple):
    """How a picture was made, read from its file.

    Attributes:
        request: The face request.
        model: Name of the model; see `Export.name`.
        critic: Name of the critic that selected the face; see `FaceGenerator.critic_name`. None if the face
            was not selected among candidates.
    """

    request: FaceRequest
    model: str
    critic: str | None


def request_text(request: FaceRequest) -> dict[str, str]:
    """Returns a request as text fields. `origin_from_text` restores it; latent vectors stay bit-identical."""
    text = {"attributes": request.attributes}
    if request.latent is not None:
        text["latent"] = _latent_text(request.latent)
    elif request.interpolation is not None and request.interpolation.latents:
        text["latents"] = ",".join(map(_latent_text, request.interpolation.latents))
    else:
        text["seeds"] = format_seeds(request.seeds)
        text["truncation"] = repr(request.truncation)
    if request.interpolation is not None:
        text["interpolate"] = request.interpolation.text
        text["frames"] = str(request.interpolation.frames)
        text["fps"] = str(request.interpolation.frames_per_second)
        if request.interpolation.frame is not None:
            text["frame"] = str(request.interpolation.frame)
    if request.changes:
        text["set"] = request.changes
    if request.sheet is not None:
        text["sheet"] = request.sheet
    if request.columns:
        text["columns"] = str(request.columns)
    if request.scaling.size:
        text["size"] = str(request.scaling.size)
    if request.scaling.pixel:
        text["pixel"] = str(request.scaling.pixel)
    if request.scaling.palette:
        text["palette"] = str(request.scaling.palette)
    if request.candidates > 1:
        text["candidates"] = str(request.candidates)
    return text


def origin_from_text(text: Mapping[str, str]) -> PictureOrigin:
    """Reads how a picture was made from the text fields in its file.

    Raises:
        KeyError, ValueError: A field is missing or damaged.
    """
    if "latents" in text and "interpolate" not in text:
        raise ValueError("latent vectors of keyframes without an animation")
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
        _interpolation_from_text(text) if "interpolate" in text else None,
        int(text.get("columns", 0)),
        Scaling(*(int(text.get(name, 0)) for name in ("size", "pixel", "palette"))),
    )
    # Anyone may have written the file, and these names are shown to the user.
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
        raise ValueError(f"not a latent vector: {error}") from error
    if not np.all(np.isfinite(values)):
        raise ValueError("not a latent vector: some values are not finite")
    return tuple(values.tolist())


def _interpolation_from_text(text: Mapping[str, str]) -> Interpolation:
    frame = int(text["frame"]) if "frame" in text else None
    latents = tuple(map(_latent_from_text, text["latents"].split(","))) if "latents" in text else ()
    keyframes = parse_keyframes(text["interpolate"])
    return Interpolation(keyframes, int(text["frames"]), int(text["fps"]), frame, latents)


def checked(request: FaceRequest, schema: Schema) -> FaceRequest:
    """Checks a request and returns it with all attributes in the schema's own spelling.

    Raises:
        RequestError: A value is out of range, or values contradict each other.
        AttributeRequestError: An attribute is unknown or contradicts another one.
    """
    if not 0 < request.truncation <= 1:
        raise RequestError("must be above 0 and at most 1", "truncation", request.truncation)
    if not 1 <= request.candidates <= MAX_CANDIDATES:
        raise RequestError(f"must be 1 to {MAX_CANDIDATES}", "candidates", request.candidates)
    if not 0 <= request.columns <= MAX_FACES:
        raise RequestError(f"must be 1 to {MAX_FACES:,}", "columns", request.columns)
    request.scaling.checked()
    interpolation = request.interpolation
    unseeded = request.latent is not None or (interpolation is not None and interpolation.latents)
    if unseeded and (request.candidates > 1 or (request.latent is not None and interpolation)):
        raise RequestError("a face without a seed can be neither one of several candidates nor a keyframe")
    attributes = _spelled(request.attributes, schema)
    if request.sheet and not schema.slots:
        raise UnlabeledError(UNLABELED)
    sheet = usual_spelling(request.sheet, schema) if request.sheet else None
    if interpolation:
        interpolation = _checked_interpolation(request, interpolation, schema)
    changes = _spelled(request.changes, schema)
    definite(schema.parse(changes), schema, changes, "set")
    if sheet and interpolation and interpolation.frame is None:
        raise RequestError("a sheet cannot show an animation; use one frame", "sheet", sheet)
    if sheet and sides(sheet)[1] and request.num_faces > 1:
        raise RequestError(
            f"this sheet shows one face, but {request.num_faces} were requested; give one seed",
            "sheet",
            sheet,
        )
    return dataclasses.replace(
        request, attributes=attributes, sheet=sheet, changes=changes, interpolation=interpolation
    )


def changed(request: FaceRequest, changes: str, schema: Schema) -> FaceRequest:
    """Returns the same faces with some attributes set; earlier changes of other attributes stay.

    Args:
        request: From `checked`.
        changes: One value for each attribute to change, as typed.
        schema: The attributes of the model.

    Raises:
        AttributeRequestError: An attribute is unknown, or no value is named for it.
    """
    wanted = schema.parse(expanded(changes, schema))
    definite(wanted, schema, changes, "set")
    merged = schema.parse(request.changes)
    for slot in schema.slots:
        if wanted[slot.columns].any():
            merged[slot.columns] = wanted[slot.columns]
    return dataclasses.replace(request, changes=schema.describe(merged))


def _checked_interpolation(
    request: FaceRequest, interpolation: Interpolation, schema: Schema
) -> Interpolation:
    keyframes, seeds = interpolation.keyframes, request.seeds
    if len(keyframes) == 1 and not interpolation.latents:
        keyframes *= len(seeds)
    count, text, frames = len(keyframes), interpolation.text, interpolation.frames
    if count < 2:
        reason = (
            f"an animation needs at least two keyframes, such as 'blonde hair {ARROW} black hair', or "
            "several seeds"
        )
        raise RequestError(reason, "interpolate", text)
    if interpolation.latents:
        if len(interpolation.latents) != count or seeds:
            raise RequestError(
                f"has {count} keyframes and {len(interpolation.latents)} latent vectors; each keyframe needs "
                "one latent vector and no seed",
                "interpolate",
            )
    elif len(seeds) not in (1, count):
        reason = f"has {count} keyframes; give {count} seeds or one seed for all, not {len(seeds)}"
        raise RequestError(reason, "interpolate", text)
    least = max(MIN_FRAMES, count)
    if not least <= frames <= MAX_FRAMES:
        raise RequestError(f"must be {least} (one per keyframe) to {MAX_FRAMES}", "frames", frames)
    if not 1 <= interpolation.frames_per_second <= MAX_FRAMES_PER_SECOND:
        raise RequestError(f"must be 1 to {MAX_FRAMES_PER_SECOND}", "fps", interpolation.frames_per_second)
    if interpolation.frame is not None and not 0 <= interpolation.frame < frames:
        raise RequestError(f"frame {interpolation.frame} does not exist: the frames are 0 to {frames - 1}")
    keyframes = tuple(_spelled(keyframe, schema) for keyframe in keyframes)
    for keyframe in keyframes:
        # Parsed together, because the shared attributes must not contradict the keyframe.
        both = schema.parse(", ".join((_spelled(request.attributes, schema), keyframe)))
        if len(seeds) == 1:
            definite(both, schema, keyframe, "interpolate")
    return dataclasses.replace(interpolation, keyframes=keyframes)


def _spelled(text: str, schema: Schema) -> str:
    return schema.describe(schema.parse(expanded(text, schema)))


def expanded(text: str, schema: Schema) -> str:
    """Puts commas between phrases, and completes shortened group names: `hair=silver` -> `hair_color=silver`.

    Args:
        text: A request as typed; see `read_phrases`. Unknown phrases stay as they are.
        schema: The attributes of the model.

    Raises:
        UnlabeledError: The model has no attributes at all.
    """
    phrases = split_phrases(text)
    if phrases and not schema.slots:
        raise UnlabeledError(UNLABELED)
    return ", ".join(
        _full_name(phrase, schema)
        if "=" in phrase
        else ", ".join(part.text for part in read_phrases(phrase, schema))
        for phrase in phrases
    )


def _full_name(phrase: str, schema: Schema) -> str:
    name, _, value = phrase.partition("=")
    if not value or phrase in schema.phrase_codes:
        return phrase
    # Two signs are left for the schema to refuse.
    sign = SIGN if name.startswith(SIGN) != value.startswith(SIGN) else ""
    if sign:
        name, value = name.removeprefix(SIGN), value.removeprefix(SIGN)
    found = [
        f"{sign}{group.name}={term.name}"
        for group in schema.groups
        if {name, name.removesuffix("s")} & set(normalize(group.name).split())
        for term in group.values
        if value in map(normalize, term.phrases)
    ]
    return found[0] if len(found) == 1 else phrase


def parse_keyframes(text: str) -> tuple[str, ...]:
    """Reads keyframes such as `blonde hair -> black hair`; a keyframe may be empty."""
    return tuple(keyframe.strip() for keyframe in text.split(ARROW))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Reads seeds such as `0-7,12`.

    Raises:
        RequestError: The text is not a list of seeds, or the list is too long.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part, re.ASCII)
        if not match:
            reason = f"{part.strip()!r} is not a seed or a range of seeds; write, for example, 0-7,12"
            raise RequestError(reason, "seeds", text)
        first, last = int(match[1]), int(match[2] or match[1])
        if last >= SEED_LIMIT or last < first or last - first + len(seeds) >= MAX_FACES:
            reason = (
                f"{part.strip()!r} must be ascending and below 2^63, with at most {MAX_FACES:,} seeds in all"
            )
            raise RequestError(reason, "seeds", text)
        seeds += range(first, last + 1)
    return tuple(seeds)


def format_seeds(seeds: Sequence[int]) -> str:
    """Writes seeds so that `parse_seeds` reads them back; consecutive seeds become ranges."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][1] + 1:
            parts[-1][1] = seed
        else:
            parts.append([seed, seed])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)
