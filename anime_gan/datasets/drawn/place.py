"""Where the eyes and the chin of drawn faces are when they are mixed with layered art."""

from __future__ import annotations

# Height of the eyes in layered art, as a share of the picture.
EYES = 0.58
# In layered art, eyes and chin are further apart.
CLOSER = 1.1


def placed(zoom: float, shift: tuple[float, float], usual_eyes: float) -> tuple[float, tuple[float, float]]:
    """Returns the zoom and the movement of a face for mixtures.

    Args:
        zoom: Scale about the center of the frame.
        shift: Movement in frame units.
        usual_eyes: Mean height of the eyes of such faces, as a share of the picture.
    """
    down = CLOSER * (shift[1] + 0.5 - usual_eyes) + EYES - 0.5
    return CLOSER * zoom, (CLOSER * shift[0], down)
