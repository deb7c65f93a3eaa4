"""The critic on pictures of squares: what it lets pass, what it finds, and what is kept of it."""

import json

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.judges import corruptions, critic, training
from anime_gan.judges.corruptions import DAMAGES
from anime_gan.judges.critic import Critic, load_critic
from anime_gan.judges.store import JudgeError


def make_pictures(count, seed, side=32):
    """A square in a square on a plain ground, each in a colour of its own."""
    random = np.random.default_rng(seed)
    images = np.empty((count, side, side, 3), np.uint8)
    for image in images:
        colors = random.integers(0, 256, (3, 3))
        top, left = random.integers(3, 9, 2) * side // 32
        wide = 20 * side // 32
        image[:] = colors[0]
        image[top : top + wide, left : left + wide] = colors[1]
        image[top + wide // 4 : top + wide // 2, left + wide // 4 : left + wide // 2] = colors[2]
    return images


def make_dataset(images, name):
    schema = Schema.from_names({})
    return Dataset("squares", images, np.zeros((len(images), 0), np.int8), schema, "", f"{name:0<64}")


def few_kinds(patch: pytest.MonkeyPatch) -> None:
    """The graph of all kinds takes seconds to build."""
    for module in (corruptions, critic):
        patch.setattr(module, "DAMAGES", {kind: DAMAGES[kind] for kind in ("noise", "fade")})


@pytest.fixture(scope="module")
def dataset():
    return make_dataset(make_pictures(900, seed=1), "8a")


@pytest.fixture(scope="module")
def trained(dataset):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(critic, "STEPS", 400)
        yield load_critic(dataset)


def damaged(kind, images, severities):
    values = tf.constant(images / np.float32(127.5) - 1)
    strengths = tf.constant(np.broadcast_to(np.float32(severities), [len(images)]))
    found = DAMAGES[kind](values, tf.roll(values, 1, axis=0), strengths, tf.constant([3, 3]))
    return np.clip(np.rint((found.numpy() + 1) * 127.5), 0, 255).astype(np.uint8)


def test_damaged_pictures_score_lower(trained):
    images = make_pictures(200, seed=2)
    passing = np.mean(trained.score(images) >= trained.floor)
    assert passing > 0.85
    for kind in ("warp", "blur", "noise", "ragged", "fade"):
        strong = np.mean(trained.score(damaged(kind, images, 1.0)) >= trained.floor)
        assert strong < 0.5, kind


def test_the_floor_lets_95_of_100_held_out_pictures_pass(trained, dataset):
    scores = trained.score(dataset.images[9::10])
    assert len(scores) == 90
    assert np.sort(scores)[4] <= trained.floor <= np.sort(scores)[5]


def test_detection_is_of_each_kind(trained, dataset):
    assert list(trained.detection) == list(DAMAGES)
    images = dataset.images[9::10]
    for kind in ("noise", "ragged", "blur"):
        # Faint to strong, over and over.
        severities = np.resize(np.linspace(0.2, 1.0, 7), len(images))
        share = np.mean(trained.score(damaged(kind, images, severities)) < trained.floor)
        assert trained.detection[kind] == pytest.approx(share, abs=0.2)
        # Of intact ones 5% are.
        assert share > 0.15
    assert all(0 <= share <= 1 for share in trained.detection.values())


def test_a_score_is_of_each_picture_alone(trained):
    images = make_pictures(training.JUDGE_BATCH + 9, seed=3)
    together = trained.score(images)
    assert together.shape == (len(images),) and together.dtype == np.float32
    np.testing.assert_allclose(trained.score(images[-3:]), together[-3:], atol=1e-3)
    np.testing.assert_allclose(
        trained.score(images[:9].repeat(2, axis=1).repeat(2, axis=2)), together[:9], atol=1e-3
    )
    assert trained.score(images[:0]).shape == (0,)


def test_it_is_kept_whole(trained, tmp_path):
    trained.save(tmp_path / "critic")
    again = Critic.load(tmp_path / "critic")
    images = make_pictures(20, seed=4)
    np.testing.assert_array_equal(again.score(images), trained.score(images))
    assert (again.checksum, again.floor) == (trained.checksum, trained.floor)
    assert again.detection == trained.detection
    files = {file.name: file.stat().st_size for file in (tmp_path / "critic").iterdir()}
    assert set(files) == {"weights.npz", "critic.json"}
    assert sum(files.values()) < 500_000
    # Saved over an older one.
    again.floor = 9.0
    again.save(tmp_path / "critic")
    assert json.loads((tmp_path / "critic" / "critic.json").read_text())["floor"] == 9.0


def test_a_kill_while_saving_leaves_the_old_one(trained, tmp_path, monkeypatch):
    def die(*arguments):
        raise KeyboardInterrupt

    trained.save(tmp_path / "critic")
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", die)
        for name in ("critic", "other"):
            with pytest.raises(KeyboardInterrupt):
                trained.save(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == ["critic"]
    assert Critic.load(tmp_path / "critic").checksum == trained.checksum


def test_what_is_no_critic_is_refused(trained, tmp_path):
    with pytest.raises(JudgeError, match="critic.json: cannot be read"):
        Critic.load(tmp_path)
    trained.save(tmp_path / "critic")
    weights = tmp_path / "critic" / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(JudgeError, match="the weights cannot be read .*delete the folder"):
        Critic.load(tmp_path / "critic")


def test_smaller_pictures_are_refused(trained):
    with pytest.raises(ValueError, match="images of 16x16"):
        trained.score(np.zeros((1, 16, 16, 3), np.uint8))


def test_it_is_trained_once_a_dataset(trained, dataset, monkeypatch):
    monkeypatch.setattr(training, "fit", None)
    assert load_critic(dataset).checksum == trained.checksum


def test_the_test_split_has_no_part_in_training_and_the_rest_decides_all(monkeypatch):
    monkeypatch.setattr(critic, "STEPS", 8)
    few_kinds(monkeypatch)
    images = make_pictures(150, seed=5)
    others = images.copy()
    others[9::10] = np.random.default_rng(0).integers(0, 256, others[9::10].shape)
    here, there = load_critic(make_dataset(images, "8b")), load_critic(make_dataset(others, "8c"))
    assert here.checksum == there.checksum
    assert here.floor != there.floor


def test_too_few_pictures():
    with pytest.raises(DataError, match="only 29 images"):
        load_critic(make_dataset(make_pictures(29, seed=6), "8d"))
