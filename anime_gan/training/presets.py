"""The presets of `train.py`: named values for several options."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


@dataclasses.dataclass(frozen=True)
class Preset:
    """Named values for several options.

    Attributes:
        description: Its purpose, measured duration, and result.
        options: Values that differ from the defaults of `TrainConfig`.
        after: The preset of half the resolution from whose run it grows; empty for random initial weights.
    """

    description: str
    options: Mapping[str, Any]
    after: str = ""


# The networks of the published example, with labels and a gradient penalty.
_PUBLISHED: Mapping[str, Any] = MappingProxyType(
    {
        "architecture": "published",
        "gradient_penalty": "dragan",
        "penalty_interval": 2,
        "learning_rate": 2e-4,
        "learning_rate_halving": 0,
        "attribute_weight": 1.0,
        "steps": 5_000,
    }
)
_FLAGSHIP: Mapping[str, Any] = MappingProxyType(
    {"steps": 16_000, "learning_rate_halving": 5_000, "penalty_weight": 1.0, "base_resolution": 0}
)


PRESETS: dict[str, Preset] = {
    "default": Preset(
        "18 minutes on two CPU cores. Draws the built-in faces with the requested attributes.",
        {},
    ),
    "published": Preset(
        "12 minutes on two CPU cores (219 images/s). Trains the networks of the published example; the faces "
        "are grainy.",
        _PUBLISHED,
    ),
    "hour": Preset(
        "49 minutes on two CPU cores. Trains the networks of the published example longer. With layered art "
        "(--data=sutemo:DIR), faces are clear and have the right hair color.",
        {**_PUBLISHED, "steps": 20_000},
    ),
    "flagship": Preset(
        "54 minutes on two CPU cores (158 images/s). The bundled model sutemo-64 was trained with it.",
        _FLAGSHIP,
    ),
    "flagship-128": Preset(
        "Trains flagship, then grows it to 128x128 pixels in another 61 minutes, as for sutemo-128, but with "
        "smoothed upsampling.",
        {**_FLAGSHIP, "resolution": 128, "learning_rate_halving": 2_500, "steps": 8_000},
        after="flagship",
    ),
    "flagship-256": Preset(
        "Trains flagship-128, then grows it to 256x256 pixels.",
        {
            **_FLAGSHIP,
            "resolution": 256,
            "learning_rate": 5e-4,
            "learning_rate_halving": 1_100,
            "steps": 3_500,
        },
        after="flagship-128",
    ),
    # The new discriminator has the learning rate of flagship, so that it learns fast. The trained generator
    # has half of that rate; see docs/tuning.md.
    "tune": Preset(
        "About an hour on two CPU cores at 128x128. Fine-tunes the generator of --init_from.",
        {
            "discriminator": "compact",
            "penalty_weight": 1.0,
            "generator_learning_rate": 6e-4,
            "learning_rate_halving": 2_000,
            "batch_size": 16,
            "steps": 5_000,
        },
    ),
    "exact": Preset(
        "Trains the unchanged networks of the published example. Only the generator gets labels.",
        {
            **_PUBLISHED,
            "architecture": "published-exact",
            "gradient_penalty": "none",
            "attribute_head": False,
            "projection": False,
            "batch_size": 64,
        },
    ),
    # Jin et al. 2017 (arXiv 1708.05509). The paper's weights are divided by its lambda_adv = 34: the mean
    # attribute loss has weight 1, and the penalty has 0.5 / 34; see `attribute_loss`.
    # There are two differences. The paper's learning rate is constant for 50,000 steps and then decays, while
    # ours has decayed to half by then. The paper draws the labels of generated images at random, while ours
    # come from the training set. docs/paper.md shows the first steps of a run.
    # The estimate of the cost: per image, the generator needs G = 1.36 billion multiply-adds, and the
    # discriminator needs D = 0.9 billion. A step needs
    # - 3 G for the forward and backward passes of the generator,
    # - 6 D for the forward and backward passes of the discriminator on a real and a generated image,
    # - 2 D for the gradient that the generator gets,
    # - 6 D for the penalty, whose gradient is differentiated again.
    # That is 16.7 billion multiply-adds per image, and there are 6.4 million images.
    "paper": Preset(
        "Trains the networks of arXiv 1708.05509 at 128x128 with its losses, without a moving average. Needs "
        "a GPU; takes an estimated 3 hours at 20 TFLOP/s (33 GFLOP per image).",
        {
            **_PUBLISHED,
            "architecture": "srresnet",
            "resolution": 128,
            "latent_dim": 128,
            "batch_size": 64,
            "steps": 100_000,
            "learning_rate_halving": 50_000,
            "penalty_weight": 0.5 / 34,
            "penalty_interval": 1,
            "projection": False,
            "ema_decay": 0.0,
        },
    ),
}


def stages_of(preset: str) -> list[str]:
    """Returns the presets of all stages that a preset trains, itself last."""
    stages = [preset]
    while preset in PRESETS and (preset := PRESETS[preset].after):
        stages.insert(0, preset)
    return stages
