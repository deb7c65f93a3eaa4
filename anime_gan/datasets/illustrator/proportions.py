"""The proportions of a face by age and sex."""

from __future__ import annotations

import dataclasses

from anime_gan.datasets.illustrator.parameters import Portrait


@dataclasses.dataclass(frozen=True)
class Proportions:
    """Places and sizes of the features, in frame units or as factors.

    Attributes:
        width, jaw, cheek: Factors of the width of the head, the jaw, and the cheeks.
        chin, chin_width: Extra length and width of the chin.
        eye_x, eye_y: Center of the right eye.
        eye_width, eye_height: Half the size of an eye.
        brow_y, nose_y, mouth_y: Heights of brows, nose, and mouth.
        mouth: Factor of the size of the mouth.
        brow, nose: Factors of the size of brows and nose.
        neck, shoulders: Half the width of the neck, and a factor of the width of the shoulders.
        lash: Factor of the thickness of the lashes.
    """

    width: float
    jaw: float
    cheek: float
    chin: float
    chin_width: float
    eye_x: float
    eye_y: float
    eye_width: float
    eye_height: float
    brow_y: float
    nose_y: float
    mouth_y: float
    mouth: float
    brow: float
    nose: float
    neck: float
    shoulders: float
    lash: float


# Age -> jaw, cheek, chin, eye y, eye width, eye height, mouth y, mouth, brow, nose, neck, shoulders, lash.
_AGES: dict[str, tuple[float, ...]] = {
    "child": (1.02, 1.03, -0.024, 0.082, 1.06, 1.08, 0.205, 0.86, 0.8, 0.6, 0.062, 0.78, 1.0),
    "young": (1.0, 1.0, 0.0, 0.06, 1.0, 1.0, 0.208, 1.0, 1.0, 1.0, 0.074, 0.94, 1.0),
    "grown": (0.96, 0.97, 0.015, 0.042, 0.95, 0.82, 0.214, 1.08, 1.15, 1.5, 0.082, 1.05, 1.0),
    "old": (1.02, 0.95, 0.024, 0.045, 0.84, 0.6, 0.216, 1.0, 1.45, 1.8, 0.082, 1.0, 0.75),
}


def proportions_of(face: Portrait) -> Proportions:
    """Returns the proportions of a face."""
    jaw, cheek, chin, eye_y, wide, high, mouth_y, mouth, brow, nose, neck, shoulders, lash = _AGES[face.age]
    grown_up = {"child": 0.25, "young": 0.7}.get(face.age, 1.0)
    if face.has("male"):
        jaw += 0.09 * grown_up
        cheek -= 0.01 * grown_up
        chin += 0.01 * grown_up
        high *= 1 - 0.2 * grown_up
        wide *= 1 - 0.05 * grown_up
        brow *= 1 + 0.5 * grown_up
        nose *= 1 + 0.4 * grown_up
        neck *= 1 + 0.3 * grown_up
        shoulders *= 1 + 0.18 * grown_up
        lash *= 1 - 0.3 * grown_up
        mouth *= 1.05
    eye_height = 0.097 * high * face.eye_size
    chin += face.chin
    return Proportions(
        width=face.head_width,
        jaw=jaw * face.jaw_width,
        cheek=cheek,
        chin=chin,
        chin_width=(0.75 if face.has("male") else 0.2) * grown_up,
        eye_x=0.133 * face.eye_spacing,
        eye_y=eye_y,
        eye_width=0.079 * wide * face.eye_size,
        eye_height=eye_height,
        brow_y=eye_y - eye_height - 0.042 - face.brow_lift,
        nose_y=0.5 * (eye_y + mouth_y) + 0.018,
        mouth_y=mouth_y + chin * 0.55 - face.mouth_lift,
        mouth=mouth,
        brow=brow,
        nose=nose,
        neck=neck,
        shoulders=shoulders,
        lash=lash,
    )
