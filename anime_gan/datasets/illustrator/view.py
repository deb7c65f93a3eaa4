"""The view of a head that turns, nods, and tilts: every layer moves by its own depth (parallax).

Coordinates are those of `drawn.canvas`: the frame is one unit wide, and the head is designed around its
center, seen from the front. A part with a positive depth lies in front of the axis of the head.
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from anime_gan.datasets.drawn.canvas import Points
from anime_gan.datasets.illustrator.parameters import Portrait

# Points at this distance from the middle, or at the crown, stay where they are: the silhouette of the head.
REACH = 0.345
CROWN, CROWN_FADE = -0.42, 0.2
# The head tilts about the base of the neck.
PIVOT = np.array([0.0, 0.34])
# The share of the tilt and of the turn that the shoulders follow.
BODY_TILT, BODY_TURN = 0.2, 0.035

# Depths of the layers, in frame units.
EYES, NOSE, MOUTH, CHEEKS = 0.215, 0.305, 0.25, 0.215
BROWS, FRINGE, GLASSES, CAP = 0.23, 0.255, 0.235, 0.09
EARS, BACK_HAIR, TAILS, HEADWEAR = -0.05, -0.1, -0.1, 0.05


@dataclasses.dataclass(frozen=True)
class View:
    """Maps points of the design to the frame.

    Attributes:
        turn, nod, tilt: Angles in degrees, before mirroring.
        zoom, shift: Scale about the center of the frame, and movement, of the mirrored figure.
        side: 1, or -1 for a mirrored picture.
    """

    turn: float = 0.0
    nod: float = 0.0
    tilt: float = 0.0
    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    side: int = 1

    @classmethod
    def of(cls, face: Portrait) -> View:
        """Returns the view of a face."""
        return cls(face.turn * face.side, face.nod, face.tilt * face.side, face.zoom, face.shift, face.side)

    @functools.cached_property
    def sine(self) -> float:
        """Sine of the turn: the sideways movement per unit of depth."""
        return math.sin(math.radians(self.turn))

    @functools.cached_property
    def cosine(self) -> float:
        """Cosine of the turn: how much narrower the front is seen."""
        return math.cos(math.radians(self.turn))

    @functools.cached_property
    def nod_sine(self) -> float:
        """Sine of the nod: the downward movement per unit of depth."""
        return math.sin(math.radians(self.nod))

    @property
    def far(self) -> int:
        """The side of the design that the head turns away to: -1 or 1; 0 if it looks straight ahead."""
        return 0 if abs(self.turn) < 1e-6 else (1 if self.turn > 0 else -1)

    def dome(self, points: Points, depth: float | np.ndarray) -> np.ndarray:
        """Moves points on the front of the head, as on a dome whose silhouette is fixed."""
        points = np.array(points, float)
        x, y = points[:, 0], points[:, 1]
        inner = np.maximum(1 - (x * (1 / REACH)) ** 2, 0)
        inner *= np.minimum(np.maximum((y - CROWN) * (1 / CROWN_FADE), 0), 1)
        x += inner * (depth * self.sine - (1 - self.cosine) * x)
        y += inner * (depth * self.nod_sine)
        return points

    def rigid(
        self, points: Points, depth: float, anchor: tuple[float, float], narrow: float = 0.0
    ) -> np.ndarray:
        """Moves a part as a whole, with the point of the head that it is fixed to.

        Args:
            points: Points [n, 2].
            depth: Depth of the part.
            anchor: Where the part is fixed, seen from the front.
            narrow: The share of the foreshortening that the part itself takes part in, 0 to 1.
        """
        points = np.array(points, float)
        x, y = anchor
        # On the near side the part comes forward with the side of the head; on the far side it stays.
        near = max(0.0, -np.sign(x) * self.sine) if x else 0.0
        move = depth * self.sine - x * near * 0.38
        squeeze = 1 - narrow * (1 - self.cosine)
        points[:, 0] = x + move + (points[:, 0] - x) * squeeze
        points[:, 1] += depth * self.nod_sine
        return points

    def behind(self, points: Points) -> np.ndarray:
        """Moves the hair behind the head, which turns the other way, except at the crown."""
        points = np.array(points, float)
        points[:, 0] += BACK_HAIR * self.sine * np.clip((points[:, 1] + 0.36) / 0.4, 0, 1)
        points[:, 1] += BACK_HAIR * self.nod_sine * np.clip((points[:, 1] + 0.36) / 0.4, 0, 1)
        return points

    def affine(self, tilt: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Returns the matrix and the offset that tilt, scale, move, and mirror a point (a row vector).

        Args:
            tilt: The share of the head's tilt.
        """
        angle = math.radians(self.tilt * tilt)
        cosine, sine = math.cos(angle), math.sin(angle)
        matrix = np.array([[cosine, sine], [-sine, cosine]])
        scale = np.array([self.side * self.zoom, self.zoom])
        return matrix * scale, (PIVOT - PIVOT @ matrix) * scale + self.shift
