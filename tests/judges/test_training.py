"""What the judges share, and the command that trains them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from anime_gan.judges import __main__ as command
from anime_gan.judges import corruptions, critic, tagger, training
from anime_gan.judges.corruptions import DAMAGES
from anime_gan.judges.training import augment, fit, scheduled_rate


def one_weight():
    inputs = keras.Input((1,))
    return keras.Model(inputs, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inputs))


@pytest.mark.parametrize(
    ("checks", "best", "made"),
    # The last is no better than the second; four in a row without a better one end it.
    [([5, 3, 4, 3, 9, 8, 1, 0], 2, 6), ([9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 5, 5], 10, 12)],
)
def test_the_best_weights_are_kept_and_patience_ends(checks, best, made):
    network, seen, weights = one_weight(), [], []

    def batch(step):
        seen.append(step)
        return np.zeros((1, 1), np.float32), np.zeros(0, np.int8)

    def validation_loss():
        weights.append(network.get_weights()[0].copy())
        return checks[len(weights) - 1]

    # The gradient is 1 whatever the weight: each step moves it further.
    # (The last rates are small, but none is 0.)
    fit(
        network, lambda *_: tf.reduce_sum(network.trainable_variables[0]), batch, validation_loss, 24, 0.1, ""
    )
    assert seen == list(range(2 * made))
    assert len(np.unique(weights)) == made
    np.testing.assert_array_equal(network.get_weights()[0], weights[best - 1])


def test_the_rate_rises_for_a_twentieth_and_falls_along_a_cosine():
    rates = [scheduled_rate(step, 100, 8.0) for step in range(100)]
    assert rates[:6] == pytest.approx([1.6, 3.2, 4.8, 6.4, 8.0, 8.0])
    # Warm for 4 of 80 steps, so that half of the way down is step 42.
    assert scheduled_rate(42, 80, 8.0) == pytest.approx(4.0)
    assert scheduled_rate(4 + 19, 80, 8.0) == pytest.approx(4.0 * (1 + 0.5**0.5))
    assert rates[-1] == pytest.approx(8.0 * (1 - np.cos(np.pi / 95)) / 2)
    assert [scheduled_rate(0, 1, 8.0), scheduled_rate(1, 2, 8.0)] == [8.0, 8.0]


def test_an_augmented_picture_is_the_same_but_moved_mirrored_and_relit():
    random = np.random.default_rng(0)
    images = random.uniform(-0.5, 0.5, (32, 16, 16, 3)).astype(np.float32)
    found = augment(tf.constant(images), tf.constant([0, 1]), shift=0.2, color=0.0, whole_pixels=True).numpy()
    mirrored = set()
    moves = set()
    for image, changed in zip(images, found, strict=True):
        fits = [
            (flip, dy, dx)
            for flip in (False, True)
            for dy in range(-3, 4)
            for dx in range(-3, 4)
            if np.allclose(
                changed[3:-3, 3:-3],
                np.roll(image[:, ::-1] if flip else image, (dy, dx), axis=(0, 1))[3:-3, 3:-3],
                atol=1e-5,
            )
        ]
        assert len(fits) == 1
        mirrored.add(fits[0][0])
        moves.add(fits[0][1:])
    assert mirrored == {False, True}
    assert {max(abs(dy), abs(dx)) for dy, dx in moves} >= {2, 3}


def test_augmented_light_stays_within_bounds():
    grey = np.full((200, 4, 4, 3), 0.5, np.float32)
    found = augment(tf.constant(grey), tf.constant([0, 1]), shift=0.0, color=0.1).numpy()
    changes = found[:, 0, 0] - 0.5
    # Contrast 0.1 of 0.5, brightness 0.1, and 0.025 a channel.
    assert 0.1 < np.abs(changes).max() <= 0.05 + 0.1 + 0.025 + 1e-6
    # Hues hardly change: no channel parts from another by more than twice its share.
    assert 0.02 < np.ptp(changes, axis=1).max() <= 0.05 + 1e-6
    assert np.ptp(found, axis=(1, 2)).max() < 1e-6


@pytest.mark.parametrize("side", [32, 48])
def test_larger_pictures_are_averaged_over_areas(side):
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), np.uint8)
    times = 96 // side
    means = images.reshape(2, side, times, side, times, 3).mean(axis=(2, 4)) / 127.5 - 1
    np.testing.assert_allclose(training.to_input(tf.constant(images), side), means, atol=1e-5)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tagger, "STEPS", 4)
    monkeypatch.setattr(critic, "STEPS", 4)
    # The graph of all kinds takes seconds to build.
    for module in (corruptions, critic):
        monkeypatch.setattr(module, "DAMAGES", {kind: DAMAGES[kind] for kind in ("noise", "ghost")})
    folder = tmp_path / "faces"
    folder.mkdir()
    lines = ["filename,hair_color,smile"]
    for i in range(40):
        color = ("red", "blue")[i % 2]
        Image.new("RGB", (32, 32), color).save(folder / f"{i:02}.png")
        lines.append(f"{i:02}.png,{color},{int(i % 3 == 0)}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


def test_the_command_trains_once_and_prints_both(elsewhere, capsys, monkeypatch):
    assert command.main(["--data=faces", "--resolution=32"]) == 0
    first = capsys.readouterr()
    lines = first.out.splitlines()
    assert lines[0].startswith("tagger: ")
    # The four held-out pictures are 09, 19, 29 and 39: no red one is among them.
    hair = next(line.split() for line in lines if line.startswith("  hair_color "))
    assert hair[hair.index("red") + 1].strip(",") == "-"
    assert hair[hair.index("blue") + 1].strip(",").endswith("%")
    assert sum(line.startswith("  checksum ") for line in lines) == 2
    assert any(line.startswith("critic: 95% of held-out ") for line in lines)
    assert any(line.split()[0] == "ghost" and line.endswith("%") for line in lines)
    # What was kept is read, and nothing is trained.
    monkeypatch.setattr(training, "fit", None)
    assert command.main(["--data=faces", "--resolution=32"]) == 0
    assert capsys.readouterr().out == first.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data=faces", "--num_images=20", "--resolution=32"], "only 20 images"),
        (["--data=faecs"], "--data=faecs: no such folder"),
        (["--data=faces", "--resolution=16"], "--resolution=16"),
        (["--dta=faces"], "unknown option --dta; did you mean --data?"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(elsewhere, capsys, arguments, said):
    assert command.main(arguments) == 2
    told = capsys.readouterr()
    error = told.err.splitlines()[-1]
    assert error.startswith("anime_gan.metrics: ") and said in error
    assert "Traceback" not in told.err and told.out == ""
