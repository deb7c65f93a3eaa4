"""Options: presets, ranges, and what a resumed run may change."""

from __future__ import annotations

import dataclasses
import json
import shlex
import subprocess
import sys

import pytest

from anime_gan.training.config import (
    PRESETS,
    ConfigError,
    TrainConfig,
    command_line,
    resolve_config,
    resume_config,
)
from anime_gan.training.losses import ADVERSARIAL_LOSSES
from anime_gan.training.penalties import GRADIENT_PENALTIES


def test_flags_beat_presets_beat_defaults(monkeypatch):
    from anime_gan.training import config

    preset = config.Preset("", {"steps": 7, "batch_size": 16})
    monkeypatch.setattr(config, "PRESETS", {"small": preset})
    resolved = resolve_config("small", {"batch_size": 32})
    assert (resolved.steps, resolved.batch_size, resolved.seed) == (7, 32, TrainConfig().seed)


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_are_valid(name):
    resolve_config(name, {})


def test_the_papers_losses_are_weighed_as_the_paper_does():
    """lambda_adv is 34, lambda_gp 0.5, and the attribute loss is a sum of 34 there, a mean here."""
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
        ({"steps": 0}, "--steps=0: must be 1 to"),
        ({"learning_rate": float("nan")}, "--learning_rate=nan: must be 1e-08 to 1"),
        ({"batch_size": True}, "--batch_size=True"),
        ({"adversarial_loss": "hing"}, "did you mean 'hinge'"),
        ({"architecture": "publishd"}, "did you mean 'published'"),
        ({"resolution": 128}, "--architecture=published draws 64 pixels"),
        (
            {"architecture": "srresnet", "resolution": 128, "discriminator": "published"},
            "--resolution=128: --discriminator=published judges 64 pixels",
        ),
        ({"discriminator": "published-exact"}, "published-exact has batch statistics"),
        ({"discriminator": "compct"}, "did you mean 'compact'"),
        ({"architecture": "published-exact"}, "use --gradient_penalty=none"),
    ],
)
def test_wrong_values_say_what_is_allowed(given, said):
    with pytest.raises(ConfigError) as error:
        resolve_config("default", given)
    assert said in str(error.value)


def test_unknown_preset_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'default'"):
        resolve_config("defualt", {})


def test_json_keeps_everything_and_refuses_what_it_does_not_know():
    config = TrainConfig(steps=9, learning_rate=1e-3, projection=False)
    assert TrainConfig.from_json(config.to_json()) == config
    with pytest.raises(ConfigError, match="unknown options: colour"):
        TrainConfig.from_json('{"colour": 1}')


def test_removed_option_is_ignored_at_its_default_only(monkeypatch):
    from anime_gan.training import config

    monkeypatch.setattr(config, "REMOVED_OPTIONS", {"blur": (0.0, "0.1.0")})
    values = {**json.loads(TrainConfig(steps=9).to_json()), "blur": 0.0}
    assert TrainConfig.from_json(json.dumps(values)) == TrainConfig(steps=9)
    with pytest.raises(ConfigError) as error:
        TrainConfig.from_json(json.dumps({**values, "blur": 0.5}))
    assert error.value.as_flag() == "--blur=0.5: was removed; the last version that has it is 0.1.0"


def test_a_command_line_gives_the_same_options(monkeypatch):
    from anime_gan.commands import train

    config = TrainConfig(hold_out="blue hair, green eyes; red hair", flip=True, penalty_weight=2.5, steps=7)
    # How often it reports is nothing that the model depends on.
    line = shlex.split(command_line({**dataclasses.asdict(config), "log_interval": 7}))
    assert line[:2] == ["python", "train.py"] and len(line) == 6
    resolved = []
    monkeypatch.setattr(train, "load_dataset", lambda *_: pytest.fail("only the options are of interest"))
    monkeypatch.setattr(train, "resolve_config", lambda *given: resolved.append(resolve_config(*given)))
    with pytest.raises(AttributeError):
        train.main(line[2:])
    assert resolved == [config]


def test_resuming():
    saved = TrainConfig()
    assert resume_config(saved, {"steps": 10**5, "sample_interval": 7}).steps == 10**5
    assert resume_config(saved, {"seed": saved.seed}) == saved
    with pytest.raises(ConfigError, match="--seed=4"):
        resume_config(saved, {"seed": 4})


def test_importing_the_package_imports_no_tensorflow():
    """Nor do the options and the data: a typing error should be answered at once."""
    code = (
        "import sys, anime_gan, anime_gan.attributes.schema, anime_gan.training.config,"
        "anime_gan.datasets.illustrated, anime_gan.exports.read, anime_gan.faces.request,"
        "anime_gan.commands.train, anime_gan.commands.generate;"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
