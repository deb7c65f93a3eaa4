"""Options: presets, ranges, and what a resumed run may change."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from anime_gan.training.config import (
    RESUMABLE,
    ConfigError,
    TrainConfig,
    command_line,
    resolve_config,
    resume_config,
)
from anime_gan.training.losses import ADVERSARIAL_LOSSES
from anime_gan.training.penalties import GRADIENT_PENALTIES
from anime_gan.training.presets import PRESETS, Preset, stages_of

REPOSITORY = Path(__file__).parents[2]


def test_flags_beat_presets_beat_defaults(monkeypatch):
    from anime_gan.training import config

    preset = Preset("", {"steps": 7, "batch_size": 16})
    monkeypatch.setattr(config, "PRESETS", {"small": preset})
    resolved = resolve_config("small", {"batch_size": 32})
    assert (resolved.steps, resolved.batch_size, resolved.seed) == (7, 32, TrainConfig().seed)


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_are_valid(name):
    resolve_config(name, {})


def test_the_papers_losses_are_weighed_as_the_paper_does():
    """The paper has lambda_adv = 34, lambda_gp = 0.5, and a sum of 34 attribute losses; ours is a mean."""
    config = resolve_config("paper", {})
    assert (config.adversarial_loss, config.gradient_penalty) == ("non_saturating", "dragan")
    assert 34 * config.penalty_weight == 0.5 and config.penalty_interval == 1
    assert config.attribute_weight == 1.0 and config.attribute_head and not config.projection


def test_every_loss_and_penalty_can_be_chosen():
    choices = {f.name: f.metadata.get("choices") for f in dataclasses.fields(TrainConfig)}
    assert set(choices["adversarial_loss"]) == set(ADVERSARIAL_LOSSES)
    assert set(choices["gradient_penalty"]) == set(GRADIENT_PENALTIES)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 0}, "steps=0: must be 1 to 100,000,000"),
        ({"learning_rate": float("nan")}, "learning_rate=nan: must be 1e-08 to 1"),
        ({"batch_size": True}, "batch_size=True: must be 2 to 4,096"),
        ({"flip": 1}, "flip=1: must be true or false"),
        ({"base_resolution": 48}, "base_resolution=48: must be 0, 16, 32, or 64 at 64 pixels"),
        ({"base_resolution": 128}, "base_resolution=128: must be 0, 16, 32, or 64 at 64 pixels"),
        ({"adversarial_loss": "hing"}, "did you mean 'hinge'"),
        ({"architecture": "publishd"}, "did you mean 'published'"),
        (
            {"resolution": 100},
            "resolution=100: must be 32 or 64 or 128 or 256 or 512 for the architecture compact",
        ),
        (
            {"architecture": "srresnet", "resolution": 128, "discriminator": "published"},
            "resolution=128: must be 64 for the architecture published",
        ),
        (
            {"architecture": "published", "resolution": 128},
            "resolution=128: must be 64 for the architecture published",
        ),
        (
            {"discriminator": "published-exact"},
            "gradient_penalty=r1: must be none for the discriminator of published-exact",
        ),
        ({"discriminator": "compct"}, "did you mean 'compact'"),
    ],
)
def test_wrong_values_say_what_is_allowed(given, said):
    with pytest.raises(ConfigError) as error:
        resolve_config("default", given)
    assert said in str(error.value)
    # The field is named without the dashes of a command line, which adds its own.
    assert "--" not in str(error.value) and error.value.as_flag() == f"--{error.value}"


def test_unknown_preset_names_the_nearest():
    with pytest.raises(ConfigError, match="preset=defualt: must be one of .*; did you mean 'default'"):
        resolve_config("defualt", {})


def test_json_keeps_everything_and_refuses_what_it_does_not_know():
    config = TrainConfig(steps=9, learning_rate=1e-3, projection=False)
    assert TrainConfig.from_json(config.to_json()) == config
    with pytest.raises(ConfigError, match="does not have these options: color, size"):
        TrainConfig.from_json('{"size": 64, "steps": 9, "color": 1}')


def test_r1_keeps_its_weight_of_older_runs():
    """Before version 0.2.0 the default weight of R1 was 10; such a run has no option `transparent`."""
    values = json.loads(TrainConfig(gradient_penalty="r1").to_json())
    assert TrainConfig.from_json(json.dumps(values)).penalty_weight == -1.0
    del values["transparent"]
    assert TrainConfig.from_json(json.dumps(values)).penalty_weight == 10.0
    for changes in ({"penalty_weight": 0.5}, {"gradient_penalty": "dragan"}):
        weight = {**values, **changes}["penalty_weight"]
        assert TrainConfig.from_json(json.dumps({**values, **changes})).penalty_weight == weight


def test_removed_option_is_ignored_at_its_default_only(monkeypatch):
    from anime_gan.training import config

    monkeypatch.setattr(config, "REMOVED_OPTIONS", {"blur": (0.0, "0.1.0")})
    values = {**json.loads(TrainConfig(steps=9).to_json()), "blur": 0.0}
    assert TrainConfig.from_json(json.dumps(values)) == TrainConfig(steps=9)
    with pytest.raises(ConfigError) as error:
        TrainConfig.from_json(json.dumps({**values, "blur": 0.5}))
    assert error.value.as_flag() == "--blur=0.5: was removed; the last version that has it is 0.1.0"


@pytest.fixture
def parsed(monkeypatch) -> Callable[[list[str]], TrainConfig]:
    """The options that `train.py` gets from arguments."""
    from anime_gan.commands import train
    from anime_gan.runs import launch

    class Resolved(Exception):
        pass

    def stop(preset: str, given: Mapping[str, Any]) -> TrainConfig:
        raise Resolved(resolve_config(preset, given))

    def parse(arguments: list[str]) -> TrainConfig:
        with pytest.raises(Resolved) as resolved:
            train.main(arguments)
        return resolved.value.args[0]

    monkeypatch.setattr(launch, "resolve_config", stop)
    return parse


def test_runs_from_before_the_option_keep_their_networks():
    saved = {"transparent": "yes", "steps": 7}
    assert TrainConfig.from_options(saved).base_resolution == 0
    assert TrainConfig.from_options({**saved, "base_resolution": 32}).base_resolution == 32
    assert resolve_config("default", {}).base_resolution == 16
    assert resolve_config("flagship", {}).base_resolution == 0


def test_a_command_line_gives_the_same_options(parsed):
    config = TrainConfig(hold_out="blue hair, green eyes; red hair", flip=True, penalty_weight=2.5, steps=7)
    # The model does not depend on how often the run reports.
    line = shlex.split(command_line({**dataclasses.asdict(config), "log_interval": 7}))
    assert line[:2] == ["python", "train.py"] and len(line) == 6
    assert parsed(line[2:]) == config


# The run that a stage grows from determines these options.
GROWN = {"init_from": "sutemo-64", "base_resolution": 64, "penalty_weight": 4.0, "transparent": "yes"}


def test_the_documented_command_trains_like_the_bundled_models(parsed):
    """Compares the options with those that were recorded when the models were trained."""
    page = (REPOSITORY / "docs" / "training.md").read_text("utf-8")
    (command,) = re.findall(r"^python train\.py (--data=sutemo:.*)$", page, re.MULTILINE)
    assert f"python train.py {command}\n" in (REPOSITORY / "docs" / "models.md").read_text("utf-8")
    arguments = shlex.split(command)
    stages = stages_of("flagship-128")
    assert stages == ["flagship", "flagship-128"] and "--preset=flagship-128" in arguments
    arguments.remove("--preset=flagship-128")
    for stage, model, grown in zip(stages, ["sutemo-64", "sutemo-128"], [{}, GROWN], strict=True):
        options = dataclasses.asdict(parsed([*arguments, "--preset=flagship"]))
        expected = {**options, **PRESETS[stage].options, **grown}
        record = REPOSITORY / "anime_gan" / "pretrained" / model / "1" / "training.json"
        for name, value in json.loads(record.read_text("utf-8"))["config"].items():
            if name != "channels" and (name not in RESUMABLE or name == "steps"):
                assert expected[name] == value, (model, name)


def test_the_published_pair_is_one_flag_away(parsed):
    """Its options are those of the default run before version 0.2.0."""
    config = parsed(["--preset=published"])
    assert (config.architecture, config.gradient_penalty, config.penalty_interval) == (
        "published",
        "dragan",
        2,
    )
    assert (config.learning_rate, config.learning_rate_halving, config.attribute_weight) == (2e-4, 0, 1.0)
    assert config.steps * config.batch_size == 160_000


def test_resuming():
    saved = TrainConfig()
    assert resume_config(saved, {"steps": 10**5, "sample_interval": 7}).steps == 10**5
    assert resume_config(saved, {"seed": saved.seed}) == saved
    with pytest.raises(ConfigError, match="seed=4: the run was started with 0; resuming can .*steps"):
        resume_config(saved, {"steps": 10**5, "seed": 4})


def test_importing_the_package_imports_no_tensorflow():
    """Options and data do not import it either, so that a typing error is reported at once."""
    code = (
        "import sys, anime_gan, anime_gan.attributes.schema, anime_gan.training.config,"
        "anime_gan.datasets.illustrated, anime_gan.exports.read, anime_gan.faces.request,"
        "anime_gan.commands.train, anime_gan.commands.generate;"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "accepted", "refused"),
    [
        ("seed", (0, 2**31 - 1), (-1, 2**31)),
        ("num_images", (0, 1_000_000), (-1,)),
        ("test_every", (0, 1_000), (-1,)),
        ("discriminator_steps", (0, 100_000), (-1,)),
        ("steps", (1, 10_000_000), (0,)),
        ("batch_size", (2, 1_024), (1,)),
        ("latent_dim", (1, 512), (0,)),
        ("learning_rate", (1e-7, 0.1), (0.0, 2.0)),
        ("generator_learning_rate", (0.0, 0.1), (-1e-4, 2.0)),
        ("learning_rate_halving", (0, 1, 1_000_000), (-1,)),
        ("penalty_weight", (-1.0, 0.0, 1_000.0), (-2.0,)),
        ("penalty_interval", (1, 100), (0,)),
        ("attribute_weight", (0.0, 100.0), (-1.0,)),
        ("ema_decay", (0.0, 0.9999), (-0.1, 1.0)),
        ("log_interval", (1, 100_000), (0,)),
        ("sample_interval", (1, 100_000), (0,)),
        ("checkpoint_interval", (1, 100_000), (0,)),
        ("evaluation_interval", (0, 1, 100_000), (-1,)),
        ("keep_checkpoints", (1, 1_000), (0,)),
    ],
)
def test_every_useful_value_is_accepted_and_others_are_not(name, accepted, refused):
    for value in accepted:
        assert getattr(TrainConfig(**{name: value}), name) == value
    for value in refused:
        with pytest.raises(ConfigError) as error:
            TrainConfig(**{name: value})
        assert error.value.field == name


def test_the_documented_runs_are_those_of_the_presets():
    evaluating, tuning = (
        (REPOSITORY / "docs" / f"{page}.md").read_text("utf-8") for page in ("evaluating", "tuning")
    )
    default, tune = TrainConfig(), resolve_config("tune", {})
    (measured,) = re.findall(r"default run: (\S+ steps of \S+ images)", evaluating)
    assert measured == f"{default.steps:,} steps of {default.batch_size} images"
    (measured,) = re.findall(r"The (\S+ steps of \S+ images) take", tuning)
    assert measured == f"{tune.steps:,} steps of {tune.batch_size} images"
    # | learning rates (discriminator, generator) | R1 weight | attribute weight | augmentation | ...
    (row,) = re.findall(r"^\| (.*`--preset=tune`) \|$", tuning, re.MULTILINE)
    rates, penalty, attributes, augment = row.replace("*", "").split(" | ")[:4]
    assert [float(rate) for rate in rates.split(", ")] == [tune.learning_rate, tune.generator_learning_rate]
    assert (float(penalty), float(attributes), augment) == (
        tune.penalty_weight,
        tune.attribute_weight,
        tune.augment,
    )


def test_the_discriminator_may_be_of_another_architecture():
    assert TrainConfig(architecture="published").discriminator_name == "published"
    assert TrainConfig(architecture="published", discriminator="compact").discriminator_name == "compact"
    config = TrainConfig(architecture="compact", resolution=128, discriminator="srresnet")
    assert config.discriminator_name == "srresnet"
