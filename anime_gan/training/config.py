"""One dataclass a run: every option with its range, its default, and the presets.

The same table makes the command line's flags, checks their values, and is saved as `config.json`.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping
from typing import Any

from anime_gan.common.errors import InputError
from anime_gan.common.suggestions import nearest
from anime_gan.models import ARCHITECTURES, get_architecture

ADVERSARIAL_LOSSES = ("non_saturating", "hinge", "wasserstein")
GRADIENT_PENALTIES = ("dragan", "wgan_gp", "r1", "none")
AUGMENTATIONS = ("none", "always", "adaptive")
PRECISIONS = ("auto", "float32", "bfloat16")


class ConfigError(InputError):
    """An option has a value that is not allowed; the message names the flag and what is allowed."""


def option(default: Any, help_text: str, **limits: Any) -> Any:
    """A configuration field: default, help text, and `minimum`, `maximum` or `choices`."""
    return dataclasses.field(default=default, metadata={"help": help_text, **limits})


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything that decides how a run goes. See each option's help text.

    Raises:
        ConfigError: A value is out of range, or two values do not go together.
    """

    data: str = option(
        "drawn",
        "training data: drawn (built-in), sutemo:DIR, sutemo-white:DIR, or a folder of images or TFRecords",
    )
    architecture: str = option(
        "published", "generator and discriminator architecture", choices=tuple(ARCHITECTURES)
    )
    discriminator: str = option(
        "same",
        "architecture of the discriminator, if another one is wanted; same = as --architecture",
        choices=("same", *ARCHITECTURES),
    )
    resolution: int = option(
        64, "image width and height, in pixels; must suit the architecture", minimum=8, maximum=1024
    )
    num_images: int = option(
        0,
        "maximum number of images; 0 = all of a folder, or 16,000 drawn faces",
        minimum=0,
        maximum=10_000_000,
    )
    test_every: int = option(
        10, "hold out every k-th image for evaluation; 0 = none", minimum=0, maximum=10**9
    )
    hold_out: str = option(
        "", "combinations to hold out for evaluation: 'blue hair, green eyes; red hair, glasses'"
    )
    augment: str = option(
        "none",
        "differentiable augmentation of the discriminator's inputs (color, translation, cutout); adaptive "
        "adjusts its strength to prevent overfitting (ADA)",
        choices=AUGMENTATIONS,
    )
    flip: bool = option(False, "mirror each real image with probability 0.5")
    init_from: str = option(
        "",
        "fine-tune: start from the generator in this run or export, with its architecture and resolution",
    )
    discriminator_steps: int = option(
        0,
        "initial steps that train the discriminator alone; 100 by default with --init_from",
        minimum=0,
        maximum=10**9,
    )
    steps: int = option(5_000, "number of training steps", minimum=1, maximum=100_000_000)
    batch_size: int = option(32, "batch size, over all replicas", minimum=2, maximum=4_096)
    seed: int = option(0, "random seed for data, initial weights and sampling", minimum=0, maximum=2**31 - 1)
    latent_dim: int = option(100, "size of the latent vector", minimum=1, maximum=4_096)
    learning_rate: float = option(2e-4, "Adam learning rate of both networks", minimum=1e-8, maximum=1.0)
    generator_learning_rate: float = option(
        0.0, "Adam learning rate of the generator; 0 = use --learning_rate", minimum=0.0, maximum=1.0
    )
    learning_rate_halving: int = option(
        0,
        "half-life, in steps, of the exponential learning-rate decay; 0 = constant learning rate",
        minimum=0,
        maximum=10**9,
    )
    adversarial_loss: str = option("non_saturating", "adversarial loss", choices=ADVERSARIAL_LOSSES)
    gradient_penalty: str = option("dragan", "gradient penalty", choices=GRADIENT_PENALTIES)
    penalty_weight: float = option(
        -1.0,
        "weight of the gradient penalty; -1 = the default of the chosen penalty",
        minimum=-1.0,
        maximum=1e4,
    )
    penalty_interval: int = option(
        2,
        "lazy regularization: apply the gradient penalty every k steps, scaled by k",
        minimum=1,
        maximum=1_000,
    )
    attribute_weight: float = option(
        1.0, "weight of the attribute loss, relative to the adversarial loss", minimum=0.0, maximum=1e4
    )
    attribute_head: bool = option(True, "train an attribute classifier on the discriminator's features")
    projection: bool = option(True, "condition the discriminator by projection on a label embedding")
    ema_decay: float = option(
        0.999,
        "decay rate of the exponential moving average (EMA) of the generator's weights",
        minimum=0.0,
        maximum=0.999999,
    )
    precision: str = option(
        "auto",
        "compute precision; auto uses bfloat16 if the hardware supports it, else float32",
        choices=PRECISIONS,
    )
    log_interval: int = option(
        50, "steps between entries in stats.jsonl and TensorBoard", minimum=1, maximum=10**9
    )
    sample_interval: int = option(500, "steps between sample images", minimum=1, maximum=10**9)
    evaluation_interval: int = option(
        0, "steps between evaluations of FID, texture and attributes; 0 = none", minimum=0, maximum=10**9
    )
    checkpoint_interval: int = option(500, "steps between checkpoints", minimum=1, maximum=10**9)
    keep_checkpoints: int = option(2, "number of newest checkpoints to keep", minimum=1, maximum=10**6)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        for name, does in (
            (self.architecture, f"--architecture={self.architecture} draws"),
            (self.discriminator_name, f"--discriminator={self.discriminator} judges"),
        ):
            if self.resolution not in (allowed := get_architecture(name).resolutions):
                sizes = " or ".join(map(str, allowed))
                raise ConfigError(f"--resolution={self.resolution}: {does} {sizes} pixels")
        discriminator = get_architecture(self.discriminator_name)
        if discriminator.batch_statistics_in_discriminator and self.gradient_penalty != "none":
            raise ConfigError(
                f"--gradient_penalty={self.gradient_penalty}: the discriminator of {discriminator.name} has "
                "batch statistics, which make a per-image gradient meaningless; use --gradient_penalty=none "
                "or another architecture"
            )

    @property
    def discriminator_name(self) -> str:
        """The architecture whose discriminator is trained."""
        return self.architecture if self.discriminator == "same" else self.discriminator

    def to_json(self) -> str:
        """Returns the text of a `config.json`."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        """Reads what `to_json` wrote.

        Raises:
            ConfigError: A value is not allowed, or an option is not known to this version.
        """
        values = json.loads(text)
        unknown = set(values) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise ConfigError(f"unknown options: {', '.join(sorted(unknown))}")
        return cls(**values)


# What a resumed run may change: how long it goes on and what it reports, not what it computes.
RESUMABLE = frozenset(
    {
        "steps",
        "log_interval",
        "sample_interval",
        "evaluation_interval",
        "checkpoint_interval",
        "keep_checkpoints",
    }
)


@dataclasses.dataclass(frozen=True)
class Preset:
    """Named values for several options.

    Attributes:
        description: What it is for, what it costs and what it reaches, as measured.
        options: Values that differ from the defaults of `TrainConfig`.
    """

    description: str
    options: Mapping[str, Any]


PRESETS: dict[str, Preset] = {
    "default": Preset(
        "12 minutes on two CPU cores (219 images/s). Built-in faces: grainy, with the right hair and style.",
        {},
    ),
    "hour": Preset(
        "49 minutes at the same speed. On layered character art: clear faces with the right hair color.",
        {"steps": 20_000},
    ),
    "flagship": Preset(
        "76 minutes on two CPU cores (113 images/s). The bundled model sutemo-64 was trained with it.",
        {
            "architecture": "compact",
            "gradient_penalty": "r1",
            "penalty_weight": 1.0,
            "penalty_interval": 8,
            "learning_rate": 1.2e-3,
            "learning_rate_halving": 5_000,
            "attribute_weight": 5.0,
            "steps": 16_000,
        },
    ),
    # The rates of the flagship, so that the fresh discriminator soon knows what to teach, and half of them
    # for the generator, which already knows how to draw; see docs/tuning.md.
    "tune": Preset(
        "With --init_from: fine-tunes a trained generator, in about an hour on two CPU cores at 128x128.",
        {
            "discriminator": "compact",
            "gradient_penalty": "r1",
            "penalty_weight": 1.0,
            "penalty_interval": 8,
            "learning_rate": 1.2e-3,
            "generator_learning_rate": 6e-4,
            "learning_rate_halving": 2_000,
            "attribute_weight": 5.0,
            "batch_size": 16,
        },
    ),
    "exact": Preset(
        "The networks of the published example, unchanged; no label reaches the discriminator.",
        {
            "architecture": "published-exact",
            "gradient_penalty": "none",
            "attribute_head": False,
            "projection": False,
            "batch_size": 64,
        },
    ),
    # Jin et al. 2017 (arXiv 1708.05509). Divided by the paper's lambda_adv = 34, its other weights are 1 for
    # the mean attribute loss and 0.5 / 34 for the penalty; see `attribute_loss`. What differs: the paper's
    # rate is constant for 50,000 steps and decays from there, here it has decayed to half by then; its labels
    # for generated pictures are drawn at random, here they are those of the training set. docs/paper.md shows
    # how a run begins.
    # The estimate: to draw an image takes 1.36 billion multiply-adds (G), to judge it 0.9 (D). A step takes
    # 3 G to draw and learn, 6 D to judge a real and a generated image and learn, 2 D to tell the generator,
    # and 6 D for the penalty, whose gradient is itself differentiated: 16.7 billion an image, of which there
    # are 6.4 million.
    "paper": Preset(
        "The networks and losses of arXiv 1708.05509 at 128x128, without a moving average. Needs a GPU: 33 "
        "GFLOP an image, so by estimate 3 hours where convolutions run at 20 TFLOP/s.",
        {
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


def resolve_config(preset: str, given: Mapping[str, Any]) -> TrainConfig:
    """Defaults, then the preset, then what was given.

    Args:
        preset: A name in `PRESETS`.
        given: Option name -> value, only those that were given.

    Raises:
        ConfigError: The preset is unknown or a value is not allowed.
    """
    if preset not in PRESETS:
        raise ConfigError(f"--preset={preset}: one of {', '.join(PRESETS)}{nearest(preset, PRESETS)}")
    return TrainConfig(**{**PRESETS[preset].options, **given})


def resume_config(saved: TrainConfig, given: Mapping[str, Any]) -> TrainConfig:
    """The configuration of a resumed run.

    Raises:
        ConfigError: An option that may not change was given with another value.
    """
    for name, value in given.items():
        if name not in RESUMABLE and value != getattr(saved, name):
            raise ConfigError(
                f"--{name}={value}: this run has {name}={getattr(saved, name)}, and a resumed run may change "
                f"only {', '.join(sorted(RESUMABLE))}"
            )
    return dataclasses.replace(saved, **given)


def command_line(options: Mapping[str, Any]) -> str:
    """The command that trains with these options: names those that matter and are not at their defaults."""
    given = [
        f"--{field.name}={options[field.name]}"
        for field in dataclasses.fields(TrainConfig)
        if options.get(field.name, field.default) != field.default
        and (field.name not in RESUMABLE or field.name == "steps")
    ]
    return shlex.join(["python", "train.py", *given])


def describe_range(field: dataclasses.Field[Any]) -> str:
    """What a field allows, in words, for help texts and errors."""
    limits = field.metadata
    if "choices" in limits:
        return "one of " + ", ".join(limits["choices"])
    if "minimum" in limits:
        return f"{limits['minimum']:g} to {limits['maximum']:g}"
    return "true or false" if isinstance(field.default, bool) else "text"


def _check(field: dataclasses.Field[Any], value: Any) -> None:
    limits = field.metadata
    kind = type(field.default)
    right_type = isinstance(value, (int, float) if kind is float else kind)
    if not right_type or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"--{field.name}={value}: must be {describe_range(field)}")
    if "choices" in limits and value not in limits["choices"]:
        hint = nearest(value, limits["choices"])
        raise ConfigError(f"--{field.name}={value}: must be {describe_range(field)}{hint}")
    # Written so that NaN, for which every comparison is false, is refused.
    if "minimum" in limits and not limits["minimum"] <= value <= limits["maximum"]:
        raise ConfigError(f"--{field.name}={value}: must be {describe_range(field)}")
