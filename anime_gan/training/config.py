"""Defines the options of a training run.

`train.py` makes its flags from the fields of `TrainConfig`. A run stores its options in `config.json`.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from anime_gan.common.alpha import TRANSPARENT, TRANSPARENT_HELP
from anime_gan.common.errors import InputError
from anime_gan.common.json_files import parse_json
from anime_gan.common.labels_from import LABELS_FROM, LABELS_FROM_HELP
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.source_names import split_sources
from anime_gan.common.suggestions import nearest
from anime_gan.common.user_code import is_reference
from anime_gan.models import ARCHITECTURES, REMOVED_ARCHITECTURES, get_architecture
from anime_gan.training.presets import PRESETS

ADVERSARIAL_LOSSES = ("non_saturating", "hinge", "wasserstein")
GRADIENT_PENALTIES = ("dragan", "wgan_gp", "r1", "none")
AUGMENTATIONS = ("none", "always", "adaptive")
PRECISIONS = ("auto", "float32", "bfloat16")
# Name of a removed option -> its default and the last version that has it.
REMOVED_OPTIONS: Mapping[str, tuple[Any, str]] = {}


class ConfigError(InputError):
    """An option has a value that is not allowed."""


def option(default: Any, help_text: str, **limits: Any) -> Any:
    """Returns a field of a configuration.

    Args:
        default: The default value.
        help_text: The help text, a noun phrase.
        **limits: `minimum` and `maximum`, or `choices`. With `takes_code`, `module:NAME` is allowed too. With
            `path`, the value may be a path.
    """
    return dataclasses.field(default=default, metadata={"help": help_text, **limits})


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """All options of a training run. Each field has its own help text.

    Raises:
        ConfigError: A value is not allowed, or two values cannot be combined.
    """

    data: str = option(
        "drawn",
        "training data: drawn (built-in), drawn:all or drawn:STYLE,..., sutemo:DIR, sutemo-white:DIR, "
        "pixel:DIR, a folder or zip archive of images, a folder of TFRecords, or module:NAME; given several "
        "times, the model learns several styles",
        path=True,
    )
    data_shares: str = option(
        "", "how often each of several sources is used, e.g. 3,1; empty = as often as it has images"
    )
    transparent: str = option(
        "auto",
        TRANSPARENT_HELP,
        choices=tuple(TRANSPARENT),
    )
    labels_from: str = option("auto", LABELS_FROM_HELP, choices=LABELS_FROM)
    architecture: str = option(
        "compact",
        "generator and discriminator architecture",
        choices=tuple(ARCHITECTURES),
        takes_code=True,
    )
    discriminator: str = option(
        "same",
        "architecture of the discriminator; same = use --architecture",
        choices=("same", *ARCHITECTURES),
        takes_code=True,
    )
    resolution: int = option(
        64, "image width and height, in pixels; the architecture must support it", minimum=8, maximum=1024
    )
    base_resolution: int = option(
        16,
        "resolution of the first image output, in pixels: 0 (= --resolution) or a power of two from 16 to "
        "--resolution; levels above it have image outputs too and smooth their upsampling; taken from "
        "--init_from; compact only",
        minimum=0,
        maximum=1024,
    )
    num_images: int = option(
        0,
        "maximum number of images; 0 = all images in a folder, or 16,000 drawn faces",
        minimum=0,
        maximum=10_000_000,
    )
    test_every: int = option(
        10,
        "hold out every k-th image for evaluation; 0 = none",
        minimum=0,
        maximum=10**9,
    )
    hold_out: str = option(
        "",
        "attribute combinations to hold out for evaluation, e.g. 'blue hair, green eyes; red hair, glasses'",
    )
    augment: str = option(
        "none",
        "differentiable augmentation of the discriminator's inputs (color, translation, and cutout); "
        "adaptive adjusts its strength to prevent overfitting (ADA)",
        choices=AUGMENTATIONS,
    )
    flip: bool = option(False, "random mirroring of real images with probability 0.5")
    init_from: str = option(
        "",
        "run or export to start from; its architecture and resolution are used; a run can also grow to twice "
        "its --resolution",
        path=True,
    )
    discriminator_steps: int = option(
        0,
        "number of initial steps that train only the discriminator; 100 if --init_from names an export",
        minimum=0,
        maximum=10**9,
    )
    steps: int = option(4_000, "number of training steps", minimum=1, maximum=100_000_000)
    batch_size: int = option(32, "batch size over all replicas", minimum=2, maximum=4_096)
    seed: int = option(0, "random seed for data, initial weights, and sampling", minimum=0, maximum=2**31 - 1)
    latent_dim: int = option(100, "size of the latent vector", minimum=1, maximum=4_096)
    learning_rate: float = option(1.2e-3, "Adam learning rate of both networks", minimum=1e-8, maximum=1.0)
    generator_learning_rate: float = option(
        0.0, "Adam learning rate of the generator; 0 = use --learning_rate", minimum=0.0, maximum=1.0
    )
    learning_rate_halving: int = option(
        1_250,
        "half-life of the exponential learning-rate decay, in steps; 0 = constant learning rate",
        minimum=0,
        maximum=10**9,
    )
    adversarial_loss: str = option(
        "non_saturating", "adversarial loss", choices=ADVERSARIAL_LOSSES, takes_code=True
    )
    gradient_penalty: str = option("r1", "gradient penalty", choices=GRADIENT_PENALTIES, takes_code=True)
    penalty_weight: float = option(
        -1.0,
        "weight of the gradient penalty; -1 = the default of the chosen penalty (1 for r1, else 10)",
        minimum=-1.0,
        maximum=1e4,
    )
    penalty_interval: int = option(
        8,
        "lazy regularization: apply the gradient penalty every k steps, scaled by k",
        minimum=1,
        maximum=1_000,
    )
    attribute_weight: float = option(
        5.0, "weight of the attribute loss, relative to the adversarial loss", minimum=0.0, maximum=1e4
    )
    attribute_head: bool = option(True, "attribute classifier in the discriminator")
    projection: bool = option(True, "conditioning of the discriminator on the labels by projection")
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
        50, "number of steps between entries in stats.jsonl and TensorBoard", minimum=1, maximum=10**9
    )
    sample_interval: int = option(500, "number of steps between sample images", minimum=1, maximum=10**9)
    evaluation_interval: int = option(
        0,
        "number of steps between evaluations of FID, texture, and attributes; 0 = none",
        minimum=0,
        maximum=10**9,
    )
    checkpoint_interval: int = option(500, "number of steps between checkpoints", minimum=1, maximum=10**9)
    keep_checkpoints: int = option(2, "number of checkpoints to keep", minimum=1, maximum=10**6)
    export_interval: int = option(
        0, "number of steps between exported snapshots; 0 = none", minimum=0, maximum=10**9
    )
    keep_exports: int = option(
        2,
        "number of exported snapshots to keep: the best by FID with --evaluation_interval, else the newest",
        minimum=1,
        maximum=10**6,
    )

    def __post_init__(self) -> None:
        """Checks all values."""
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        self._check_code()
        for name in (self.architecture, self.discriminator_name):
            if self.resolution not in (allowed := get_architecture(name).resolutions):
                sizes = " or ".join(map(str, sorted(allowed)))
                reason = f"must be {sizes} for the architecture {name}"
                raise ConfigError(reason, "resolution", self.resolution)
            self._check_base_resolution(name)
        discriminator = get_architecture(self.discriminator_name)
        if discriminator.batch_statistics_in_discriminator and self.gradient_penalty != "none":
            raise ConfigError(
                f"must be none for the discriminator of {discriminator.name}, because batch normalization "
                "makes each logit depend on all images of the batch",
                "gradient_penalty",
                self.gradient_penalty,
            )

    def _check_base_resolution(self, architecture: str) -> None:
        """Checks that levels that double the size lead from the base to the resolution."""
        base, resolution = self.base_resolution, self.resolution
        allowed = [side for side in (0, 16, 32, 64, 128, 256, 512, 1024) if side <= resolution]
        if get_architecture(architecture).grows and base not in allowed:
            *first, last = map(str, allowed)
            reason = f"must be {', '.join(first)}, or {last} at {resolution} pixels"
            raise ConfigError(reason, "base_resolution", base)

    def _check_code(self) -> None:
        """Imports code from outside the package, so that its errors appear before training."""
        if is_reference(self.discriminator):
            get_architecture(self.discriminator, "discriminator")
        if is_reference(self.adversarial_loss):
            import_tensorflow()
            from anime_gan.training.losses import get_adversarial_loss

            get_adversarial_loss(self.adversarial_loss)
        if is_reference(self.gradient_penalty):
            import_tensorflow()
            from anime_gan.training.penalties import get_gradient_penalty

            get_gradient_penalty(self.gradient_penalty)

    @property
    def discriminator_name(self) -> str:
        """Name of the discriminator's architecture."""
        return self.architecture if self.discriminator == "same" else self.discriminator

    @property
    def generator_rate(self) -> float:
        """Adam learning rate of the generator."""
        return self.generator_learning_rate or self.learning_rate

    def to_json(self) -> str:
        """Returns all options as a JSON object."""
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        """Reads the options from the JSON object that `to_json` wrote in this or an earlier version.

        Raises:
            JsonError: The text is not a JSON object.
            ConfigError: As for `from_options`.
        """
        return cls.from_options(parse_json(text, dict[str, Any]))

    @classmethod
    def from_options(cls, options: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> TrainConfig:
        """Returns the options that this or an earlier version saved.

        Args:
            options: Name -> value.
            given: Options that the user typed. Only code that they name is imported, because somebody else
                may have saved the options.

        Raises:
            ConfigError: A value is not allowed, or an option does not exist in this version. A removed option
                is allowed if it has its default value.
        """
        values = dict(options)
        # Runs from before version 0.2.0 have no alpha channel, and their default weight of R1 is 10.
        if "transparent" not in values:
            values["transparent"] = "no"
            if values.get("gradient_penalty") == "r1" and values.get("penalty_weight") == -1.0:
                values["penalty_weight"] = 10.0
        # In earlier runs, only networks that grew have this option.
        values.setdefault("base_resolution", 0)
        for name, (default, version) in REMOVED_OPTIONS.items():
            if (value := values.pop(name, default)) != default:
                raise ConfigError(_removed(version), name, value)
        unknown = set(values) - {field.name for field in dataclasses.fields(cls)}
        if unknown:
            raise ConfigError(f"this version does not have these options: {', '.join(sorted(unknown))}")
        refuse_unnamed_code(values, given or {})
        return cls(**values)


def refuse_unnamed_code(saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Checks that the command names all Python code that saved options name.

    Raises:
        ConfigError: It does not. The message says which options to add.
    """
    repeated = {name: value for name, value in given.items() if saved.get(name) == value}
    if missing := code_options(saved).items() - repeated.items():
        flags = " ".join(f"--{name}={value}" for name, value in sorted(missing))
        raise ConfigError(f"Python code is imported only if the command names it: add {flags}")


def code_options(options: Mapping[str, Any]) -> dict[str, str]:
    """Returns the options that name code outside the package as `module:NAME`."""
    return {
        field.name: options[field.name]
        for field in dataclasses.fields(TrainConfig)
        if (field.name == "data" or "takes_code" in field.metadata)
        and any(map(_names_code, split_sources(str(options.get(field.name, "")))))
    }


def resume_command(run: object, options: Mapping[str, Any], more: Sequence[str] = ()) -> str:
    """Returns the command that resumes a run.

    Args:
        run: The place of the run directory.
        options: The options of the run. The command repeats those that name code, as resuming requires.
        more: Further arguments.
    """
    code = [f"--{name}={value}" for name, value in code_options(options).items()]
    return shlex.join(["python", "train.py", "--resume", f"--run_dir={run}", *code, *more])


def _names_code(value: str) -> bool:
    return is_reference(value) and not value.startswith(("sutemo:", "drawn:", "pixel:"))


# A resumed run may change these options. They determine its length and its reports, not what a step computes.
RESUMABLE = frozenset(
    {
        "steps",
        "log_interval",
        "sample_interval",
        "evaluation_interval",
        "checkpoint_interval",
        "keep_checkpoints",
        "export_interval",
        "keep_exports",
    }
)
# A resumed run may lower these options, which helps after training diverged.
LEARNING_RATES = ("learning_rate", "generator_learning_rate")


def resolve_config(preset: str, given: Mapping[str, Any]) -> TrainConfig:
    """Returns the configuration of a new run. The user's options override the preset's.

    Args:
        preset: A name in `PRESETS`.
        given: Option name -> value, for the options that the user set.

    Raises:
        ConfigError: The preset is unknown or a value is not allowed.
    """
    if preset not in PRESETS:
        reason = f"must be one of {', '.join(PRESETS)}{nearest(preset, PRESETS)}"
        raise ConfigError(reason, "preset", preset)
    return TrainConfig(**{**PRESETS[preset].options, **given})


def resume_config(saved: TrainConfig, given: Mapping[str, Any]) -> TrainConfig:
    """Returns the configuration of a resumed run.

    Args:
        saved: The saved configuration of the run.
        given: Option name -> value, for the options that the user set.

    Raises:
        ConfigError: The user changes an option that a resumed run cannot change.
    """
    resumed = dataclasses.replace(saved, **given)
    lower = resumed.learning_rate <= saved.learning_rate and resumed.generator_rate <= saved.generator_rate
    for name, value in given.items():
        allowed = name in RESUMABLE or value == getattr(saved, name) or (name in LEARNING_RATES and lower)
        # The data may have moved; its checksum is compared later. Code is not data that can move.
        moved = name == "data" and not any(code_options({name: data}) for data in (value, saved.data))
        if not (allowed or moved):
            reason = (
                f"the run was started with {getattr(saved, name)!r}; resuming can only lower learning_rate "
                f"and generator_learning_rate, change {', '.join(sorted(RESUMABLE))}, and read the same data "
                "from another place"
            )
            raise ConfigError(reason, name, value)
    return resumed


def command_line(options: Mapping[str, Any]) -> str:
    """Returns the command that trains with these options, without defaults and reporting intervals."""
    given = [
        f"--{field.name}={value}"
        for field in dataclasses.fields(TrainConfig)
        if options.get(field.name, field.default) != field.default
        and (field.name not in RESUMABLE or field.name == "steps")
        for value in (split_sources(options["data"]) if field.name == "data" else [options[field.name]])
    ]
    return shlex.join(["python", "train.py", *given])


def describe_range(field: dataclasses.Field[Any]) -> str:
    """Describes the values that a field allows, for help and errors."""
    limits = field.metadata
    if "choices" in limits:
        return "one of " + ", ".join(limits["choices"]) + ", or module:NAME" * ("takes_code" in limits)
    if "minimum" in limits:
        number = "{:,g}" if isinstance(field.default, float) else "{:,}"
        return " to ".join(number.format(limits[bound]) for bound in ("minimum", "maximum"))
    return "true or false" if isinstance(field.default, bool) else "text"


def _removed(version: str) -> str:
    return f"was removed; the last version that has it is {version}"


def _check(field: dataclasses.Field[Any], value: Any) -> None:
    limits = field.metadata
    kind = type(field.default)
    hint = ""
    allowed = isinstance(value, (int, float) if kind is float else kind)
    allowed = allowed and (kind is bool or not isinstance(value, bool))
    if allowed and "choices" in limits:
        if value in REMOVED_ARCHITECTURES:
            raise ConfigError(_removed(REMOVED_ARCHITECTURES[value]), field.name, value)
        allowed = value in limits["choices"] or ("takes_code" in limits and is_reference(value))
        hint = nearest(value, limits["choices"])
    elif allowed and "minimum" in limits:
        # NaN is not allowed, because all comparisons with it are false.
        allowed = limits["minimum"] <= value <= limits["maximum"]
    if not allowed:
        raise ConfigError(f"must be {describe_range(field)}{hint}", field.name, value)
