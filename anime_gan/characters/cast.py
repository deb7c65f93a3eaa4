"""Makes a cast: people whose faces pass all checks, each with all expressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from anime_gan.characters.checks import TOO_SIMILAR, Checker, Looks
from anime_gan.characters.expressions import Expressions, Frame
from anime_gan.characters.person import Face, Person, draw_faces, draw_turned, sampled_person
from anime_gan.faces.generator import FaceGenerator

# People that are drawn until one passes, and faces that are drawn until one of the person's does.
MAX_TRIES = 8


class Member(NamedTuple):
    """A person of a cast with all faces.

    Attributes:
        person: Who it is.
        faces: One for each frame of the expressions, the neutral one first.
        tries: Number of people that were drawn.
        redrawn: Number of faces that were drawn again from a latent vector close by.
        nearest: Distance to the nearest other character before it; None if not measured.
    """

    person: Person
    faces: tuple[Face, ...]
    tries: int
    redrawn: int
    nearest: float | None

    @property
    def is_complete(self) -> bool:
        """Whether all faces pass all checks."""
        return not any(face.faults for face in self.faces)


class _Draft(NamedTuple):
    """A person that is considered: its faces so far, and what the judges see in the neutral one."""

    person: Person
    faces: list[Face]
    neutral: Looks
    nearest: float | None
    redrawn: int = 0

    @property
    def num_faults(self) -> int:
        return sum(len(face.faults) for face in self.faces)


class CastMaker:
    """Draws the people of a cast one after the other, each different from those before."""

    def __init__(
        self,
        generator: FaceGenerator,
        checker: Checker,
        expressions: Expressions,
        tries: int,
        truncation: float,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Remembers what all people share.

        Args:
            generator: The model.
            checker: Its judges.
            expressions: The faces of each person.
            tries: Up to so many people are drawn for each place in the cast; also for each face.
            truncation: In (0, 1]; 1 is off.
            progress: Called after each face, drawn or judged.
        """
        self._generator, self._checker, self._progress = generator, checker, progress
        self._frames = expressions.frames
        self._tries, self._truncation = tries, truncation
        self._others: list[Looks] = []

    def sampled(self, attributes: str, seed: int) -> Member:
        """Draws people with these attributes until the faces of one pass; returns the best one.

        If none passes, their faults are mended, beginning with the person who has the fewest.
        """
        drafts: list[_Draft] = []
        for number in range(self._tries):
            person = sampled_person(self._generator, attributes, seed, number, self._truncation)
            last = number + 1 == self._tries
            draft = self._draft(person, self._frames[:1])
            # All expressions are drawn only for people that are worth it.
            if not draft.num_faults or (last and not drafts):
                drafts.append(self._completed(draft))
                if not drafts[-1].num_faults:
                    break
        mended: list[_Draft] = []
        for draft in sorted(drafts, key=lambda draft: draft.num_faults):
            mended.append(self._mended(draft))
            if not mended[-1].num_faults:
                break
        return self._accepted(min(mended, key=lambda draft: draft.num_faults), number + 1)

    def given(self, person: Person) -> Member:
        """Draws the faces of a person that was found before."""
        draft = self._completed(self._draft(person, self._frames[:1]))
        return self._accepted(self._mended(draft), 1)

    def _draft(self, person: Person, frames: Sequence[Frame]) -> _Draft:
        (face,) = draw_faces(self._generator, person, frames)
        neutral = self._checker.look(face.image[np.newaxis])
        (faults,) = self._checker.faults(neutral, face.labels[np.newaxis])
        nearest = self._checker.nearest(neutral, self._others)
        if not self._checker.is_distinct(nearest):
            faults.append(TOO_SIMILAR)
        return _Draft(person, [dataclasses.replace(face, faults=tuple(faults))], neutral, nearest)

    def _completed(self, draft: _Draft) -> _Draft:
        """Draws the other faces of a person."""
        frames = self._frames[1:]
        if not frames:
            return draft
        faces = []
        for frame in frames:
            faces += draw_faces(self._generator, draft.person, [frame])
            self._progress()
        return draft._replace(faces=[draft.faces[0], *self._checked(faces, draft)])

    def _checked(self, faces: Sequence[Face], draft: _Draft) -> list[Face]:
        looks = self._checker.look(np.stack([face.image for face in faces]))
        self._progress()
        labels = np.stack([face.labels for face in faces])
        found = self._checker.faults(looks, labels, draft.neutral, draft.faces[0].labels[np.newaxis])
        return [
            dataclasses.replace(face, faults=tuple(faults)) for face, faults in zip(faces, found, strict=True)
        ]

    def _mended(self, draft: _Draft) -> _Draft:
        """Draws the faces that failed once more, close by."""
        faces, redrawn = list(draft.faces), 0
        for place, face in enumerate(faces[1:], 1):
            best = face
            for number in range(1, self._tries):
                if not best.faults:
                    break
                (other,) = self._checked(
                    [draw_turned(self._generator, draft.person, face.frame, number)], draft
                )
                if len(other.faults) < len(best.faults):
                    best = other
            redrawn += best is not face
            faces[place] = best
        return draft._replace(faces=faces, redrawn=redrawn)

    def _accepted(self, draft: _Draft, tries: int) -> Member:
        """Remembers the person, so that later ones differ from it."""
        self._others.append(draft.neutral)
        return Member(draft.person, tuple(draft.faces), tries, draft.redrawn, draft.nearest)
