"""The labels of a face: what its picture shows. What is hidden is unknown."""

from __future__ import annotations

from collections.abc import Sequence

from anime_gan.attributes.scales import Scale
from anime_gan.attributes.schema import known_scale
from anime_gan.datasets.illustrator import parameters
from anime_gan.datasets.illustrator.expressions import expression_of
from anime_gan.datasets.illustrator.eyes import closed_sides
from anime_gan.datasets.illustrator.hair import covers_ears
from anime_gan.datasets.illustrator.parameters import Portrait

Labels = dict[str, str | bool | float | None]

# Angle -> its largest value in degrees.
ANGLES = {"turn": parameters.MAX_TURN, "nod": parameters.MAX_NOD, "tilt": parameters.MAX_TILT}
_DERIVED_TAGS = ("smile", "open_mouth", "closed_eyes")


def attributes_of(styles: Sequence[str]) -> dict[str, tuple[str, ...] | Scale | None]:
    """Returns the attributes of faces in these styles: group -> values, scale -> the scale, tag -> None."""
    return {
        **({"style": tuple(styles)} if len(styles) > 1 else {}),
        "hair_color": parameters.HAIR_COLORS,
        "eye_color": parameters.EYE_COLORS,
        "eye_shape": parameters.EYE_SHAPES,
        "hair_style": tuple(parameters.HAIR_STYLES),
        "hair_pattern": tuple(parameters.HAIR_PATTERNS),
        "skin": tuple(parameters.SKINS),
        "age": tuple(parameters.AGES),
        "expression": tuple(parameters.EXPRESSIONS),
        "animal_ears": tuple(parameters.ANIMAL_EARS),
        "glasses_shape": parameters.GLASSES,
        "outfit": parameters.OUTFITS,
        **{name: known_scale(name, -limit, limit) for name, limit in ANGLES.items()},
        **dict.fromkeys((*_DERIVED_TAGS, *parameters.TAGS)),
    }


def labels_of(face: Portrait) -> Labels:
    """Returns all labels of a face: a value per group, True or False per tag, None for what is hidden."""
    mood, closed = expression_of(face), closed_sides(face)
    tags: Labels = {name: face.has(name) for name in parameters.TAGS}
    groups: Labels = {
        name: getattr(face, name)
        for name in attributes_of(parameters.STYLES)
        if hasattr(face, name) and name not in tags
    }
    labels = {
        **groups,
        "smile": mood.smile,
        "open_mouth": mood.open_mouth,
        "closed_eyes": len(closed) == 2,
        **tags,
    }
    labels.update(dict.fromkeys(hidden_by(face)))
    return {name: labels[name] for name in attributes_of(parameters.STYLES)}


def hidden_by(face: Portrait) -> set[str]:
    """Returns the attributes that cannot be seen in the picture."""
    hidden: set[str] = set()
    sunglasses = wears_sunglasses(face)
    patched = (face.patch_side,) if face.has("eye_patch") else ()
    closed = closed_sides(face)
    visible = [side for side in (-1, 1) if side not in patched and not sunglasses]
    if not [side for side in visible if side not in closed]:
        hidden |= {"eye_color", "eye_shape"}
    if sunglasses:
        hidden |= {"closed_eyes", "expression"}
    if sunglasses and face.has("eye_patch"):
        hidden.add("eye_patch")
    if expression_of(face).eyes == "wink" and patched:
        # With one eye, a wink is either hidden or looks like closed eyes.
        hidden |= {"expression", "closed_eyes"}
    if not face.has("glasses"):
        hidden.add("glasses_shape")
    if face.hair_style == "bald":
        hidden |= {"hair_color", "hair_pattern", "ahoge"}
    elif face.hair_style == "shaved":
        hidden |= {"hair_pattern", "ahoge"}
    if face.has("hood"):
        hidden |= {
            "hair_style",
            "animal_ears",
            "horns",
            "pointed_ears",
            "earrings",
            "outfit",
            "ahoge",
            "headphones",
            "ribbon",
            "flower",
            "hat",
        }
    if face.has("hat"):
        hidden.add("ahoge")
    if face.has("headphones"):
        hidden |= {"earrings", "pointed_ears"}
    if covers_ears(face):
        hidden.add("earrings")
    if face.has("scarf"):
        hidden |= {"outfit", "choker"}
    return hidden


def wears_sunglasses(face: Portrait) -> bool:
    """Whether dark glasses hide the eyes."""
    return face.has("glasses") and face.glasses_shape == "sunglasses"


def shows_ears(face: Portrait) -> bool:
    """Whether the ears are not under a hood or headphones; hair may cover them."""
    return not (face.has("hood") or face.has("headphones"))


def shows_earrings(face: Portrait) -> bool:
    """Whether the face has earrings that can be seen."""
    return face.has("earrings") and "earrings" not in hidden_by(face)


def shows_ahoge(face: Portrait) -> bool:
    """Whether the face has an ahoge that can be seen."""
    return face.has("ahoge") and "ahoge" not in hidden_by(face)
