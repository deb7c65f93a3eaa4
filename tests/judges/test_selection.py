"""Selection among candidates by two critics."""

import numpy as np
import pytest

from anime_gan.judges.critic import Critic, make_network
from anime_gan.judges.details import Details
from anime_gan.judges.selection import Selector
from anime_gan.judges.store import JudgeError, round_weights


class MeanCritic:
    """The score is the mean of all pixels."""

    def __init__(self, floor: float) -> None:
        self.floor = floor

    def score(self, images):
        return images.mean(axis=(1, 2, 3)).astype(np.float32)


class Corner(Details):
    """The mosaic is the upper left quarter."""

    def __init__(self) -> None:
        super().__init__(8, ((0, 0),), (0, 0), np.ones((16, 16), bool))

    def mosaic(self, images):
        return images[:, :8, :8]


@pytest.fixture
def selector() -> Selector:
    """Real critics with random weights."""
    critics = []
    for side, floor in ((64, -0.25), (32, 0.5)):
        network = make_network(side, 4, "float32")
        round_weights(network)
        critics.append(Critic(network, floor, {"blur": 0.75}))
    hair = np.zeros((64, 64), bool)
    hair[:20] = True
    return Selector(*critics, Details(16, ((10, 4), (10, 40)), (40, 24), hair))


def make_images(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 64, 64, 4), dtype=np.uint8)


def test_the_critic_that_likes_an_image_least_decides():
    images = np.full((3, 16, 16, 3), 100, np.uint8)
    # Each corner is a quarter of the image: 4 of 16 parts of 80 more or less.
    images[1, :8, :8] = 180
    images[2, :8, :8] = 20
    both = Selector(MeanCritic(90.0), MeanCritic(70.0), Corner())
    np.testing.assert_allclose(both.margins(images), [10.0, 30.0, -50.0])
    np.testing.assert_allclose(Selector(MeanCritic(90.0)).margins(images), [10.0, 30.0, -10.0])


def test_saved_critics_give_the_same_margins(selector, tmp_path):
    images = make_images(5)
    selector.save(tmp_path / "critic")
    again = Selector.load(tmp_path / "critic")
    np.testing.assert_array_equal(again.margins(images), selector.margins(images))
    assert again.checksum == selector.checksum
    whole = selector.whole.score(images) + 0.25
    detail = selector.detail.score(selector.crops.mosaic(images)) - 0.5
    np.testing.assert_allclose(again.margins(images), np.minimum(whole, detail), rtol=1e-6)


def test_an_older_model_has_one_critic(selector, tmp_path):
    selector.whole.save(tmp_path / "critic")
    older = Selector.load(tmp_path / "critic")
    images = make_images(3)
    np.testing.assert_allclose(older.margins(images), selector.whole.score(images) + 0.25, rtol=1e-6)
    # Pictures that it selected name it by the checksum of its only critic.
    assert older.checksum == selector.whole.checksum != selector.checksum


def test_saving_again_replaces_both_critics(selector, tmp_path):
    selector.save(tmp_path / "critic")
    Selector(selector.whole).save(tmp_path / "critic")
    assert Selector.load(tmp_path / "critic").detail is None
    assert [file.name for file in tmp_path.iterdir()] == ["critic"]


def test_damaged_crops_are_refused(selector, tmp_path):
    selector.save(tmp_path / "critic")
    file = tmp_path / "critic" / "details" / "crops.npz"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(JudgeError, match="crops.npz: cannot be read"):
        Selector.load(tmp_path / "critic")
