"""Test vectors for implementations of docs/portable_format.md: requests, latent vectors, and labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from anime_gan.attributes.scales import PLACE
from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.faces.request import expanded

# Texts, seeds, and a truncation -> latent vectors and labels; see `Engine.draw_inputs`.
DrawInputs = Callable[[Sequence[str], Sequence[int], float], tuple[np.ndarray, np.ndarray]]
# Seeds at the limits of words and of the numbers of JavaScript.
SEEDS = (0, 1, 2**31, 2**32 - 1, 2**32, 2**53 - 1, 2**53 + 1, 2**63 - 1)
TRUNCATIONS = (1.0, 0.7, 0.1)
MOST_PHRASES = 6
# Share of the requests that contain a number, and its range; those that are too large are drawn again.
WITH_NUMBER = 0.6
NUMBERS = (-45.0, 120.0)


def make_vectors(schema: Schema, draw_inputs: DrawInputs, count: int) -> list[dict[str, Any]]:
    """Draws requests and computes what the reference makes of them.

    Args:
        schema: The attributes that can be requested.
        draw_inputs: The reference.
        count: Number of vectors.

    Returns:
        For each request: `attributes`, `seed` as text, `truncation`, `latents`, and `labels`.
    """
    random = np.random.default_rng(0)
    requests = _requests(schema, random)
    vectors = []
    for number in range(count):
        seed = SEEDS[number] if number < len(SEEDS) else int(random.integers(2**63))
        text, truncation = next(requests), TRUNCATIONS[number % len(TRUNCATIONS)]
        # In the schema's own words, as generate.py passes them: an older SavedModel knows fewer spellings.
        plain = schema.describe(schema.parse(expanded(text, schema)))
        (latent,), (labels,) = draw_inputs([plain], [seed], truncation)
        vectors.append(
            {
                "attributes": text,
                "seed": str(seed),
                "truncation": truncation,
                # Nine digits determine a float32.
                "latents": [float(f"{value:.9g}") for value in latent],
                "labels": [float(f"{value:.9g}") for value in labels],
            }
        )
    return vectors


def _requests(schema: Schema, random: np.random.Generator) -> Iterator[str]:
    """Yields requests that do not contradict themselves: every spelling, any case, signs, and languages."""
    known = sorted(phrase for phrase, code in schema.phrase_codes.items() if phrase and code >= 0)
    forms = sorted(schema.number_forms)
    separators = (", ", ",", "，", " 、 ")
    while True:
        chosen = random.choice(known, random.integers(MOST_PHRASES + 1)) if known else np.array([], str)
        if forms and random.random() < WITH_NUMBER:
            number = str(round(random.uniform(*NUMBERS), int(random.integers(4))))
            chosen = np.append(chosen, str(random.choice(forms)).replace(PLACE, number))
        changed = [str(word).upper() if random.random() < 0.2 else str(word) for word in chosen]
        text = separators[random.integers(len(separators))].join(changed)
        try:
            schema.parse(text)
        except AttributeRequestError:
            continue
        yield text
