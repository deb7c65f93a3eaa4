"""Face requests: their checks, and their text form."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anime_gan.faces.request import (
    FaceRequest,
    Interpolation,
    changed,
    checked,
    expanded,
    origin_from_text,
    parse_keyframes,
    request_text,
)

REQUESTS = [
    FaceRequest("blue hair", (3, 4, 9), 0.7, None, 4, "glasses"),
    FaceRequest("", (0,), 1.0, "hair_color x eye_color"),
    FaceRequest("smile", (1, 2), 0.1 + 0.2, interpolation=Interpolation(("blue hair", ""), 12, 25, 7)),
    FaceRequest("red hair", (), latent=tuple(np.float32([0.1, -3e-39, 1e30]).tolist()), changes="smile"),
    FaceRequest(
        "", (), interpolation=Interpolation(("red hair", "blue hair"), 9, latents=((0.5, -2.0), (1.0, 3.0)))
    ),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_text_says_everything(request_):
    text = {**request_text(request_), "model": "a" * 16}
    origin = origin_from_text(text)
    assert origin.request == request_
    assert (origin.model, origin.critic) == ("a" * 16, None)


@pytest.mark.parametrize(
    "change",
    [
        {"latent": "AAAA*"},
        {"latent": "AAA="},  # Two bytes: half a number.
        {"latent": "AADAfw=="},  # Not a number.
        {"seeds": "x"},
        {"interpolate": "a -> b", "frames": "many", "fps": "20"},
        {"interpolate": "a -> b"},
        {"latents": "AAAAAA=="},
        {"columns": "many"},
        {"candidates": "1.5"},
    ],
)
def test_text_that_is_wrong_is_refused(change):
    text = {**request_text(FaceRequest("blue hair")), "model": "a"}
    origin_from_text(text)
    with pytest.raises((KeyError, ValueError)):
        origin_from_text({**text, **change})


def test_a_part_of_a_groups_name_is_enough(schema):
    assert expanded("hair=blonde, smile, Eyes=Green", schema) == "hair_color=blonde, smile, eye_color=green"
    # Two groups of hair, but only one has each value.
    assert expanded("hair=twin tails", schema) == "hair_style=twin_tails"
    # Ambiguous and unknown phrases stay as they are, for the error message.
    assert expanded("hair=nothing, blue=hair", schema) == "hair=nothing, blue=hair"


def test_what_is_set_again_replaces_what_was_set(schema):
    request = checked(FaceRequest("red hair", changes="blonde hair, smile"), schema)
    request = changed(request, "hair=black, glasses", schema)
    assert set(request.changes.split(", ")) == {"black hair", "smile", "glasses"}
    with pytest.raises(ValueError, match="'no blue hair' only rules out values of hair_color"):
        changed(request, "no blue hair", schema)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (
            FaceRequest(seeds=(1, 2), interpolation=Interpolation(("", "", ""))),
            "has 3 keyframes; give 3 seeds or one",
        ),
        (FaceRequest(interpolation=Interpolation(("", "", ""), frames=2)), "frames=2: must be 3"),
        (FaceRequest(interpolation=Interpolation(("", ""), frames=10**9)), "frames=1000000000: must be"),
        (FaceRequest(interpolation=Interpolation(("", ""), frames_per_second=51)), "fps=51"),
        (
            FaceRequest(interpolation=Interpolation(("", ""), frame=48)),
            "frame 48 does not exist: the frames are 0 to 47",
        ),
        (FaceRequest("smile", interpolation=Interpolation(("", "no smile"))), "contradicts"),
        (
            FaceRequest(interpolation=Interpolation(("", "no blue hair"))),
            "'no blue hair' only rules out values of hair_color",
        ),
        (
            FaceRequest(interpolation=Interpolation(("", "")), sheet="smile"),
            "sheet=smile: a sheet cannot show an animation",
        ),
        (FaceRequest(sheet="smile x glasses x hair_color"), "at most two parts"),
        (FaceRequest(seeds=(), latent=(0.0,), candidates=2), "a face without a seed can be neither"),
        (
            FaceRequest(seeds=(), interpolation=Interpolation(("", ""), latents=((0.0,),))),
            "2 keyframes and 1 latent",
        ),
        (
            FaceRequest(seeds=(1,), interpolation=Interpolation(("", ""), latents=((0.0,), (1.0,)))),
            "and no seed",
        ),
        (
            FaceRequest(seeds=(), interpolation=Interpolation(("", ""), latents=((0.0,),) * 2), candidates=2),
            "a face without a seed can be neither",
        ),
    ],
)
def test_what_is_refused(schema, request_, said):
    with pytest.raises(ValueError, match=said):
        checked(request_, schema)


def test_spelling(schema):
    request = FaceRequest(
        "Blue_Hair",
        (1, 2, 3),
        sheet=None,
        interpolation=Interpolation(parse_keyframes("SMILE->> glasses")[:1]),
    )
    interpolation = checked(request, schema).interpolation
    assert interpolation is not None
    assert interpolation.keyframes == ("smile",) * 3
    sheet = dataclasses.replace(
        request, interpolation=None, seeds=(1,), sheet="Hair Color  ×  smile; glasses"
    )
    assert checked(sheet, schema).sheet == "hair_color x smile; glasses"
