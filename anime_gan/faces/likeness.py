"""What two pictures are compared by: their pixels, and what the critic sees in them."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from anime_gan.judges import critic, store

# Added to a channel's standard deviation: those that are nearly constant should not count most.
SMALLEST_DEVIATION = 1e-3
# Pixels are compared as they are, and as means of so many by so many.
POOLS = (1, 2, 4, 8)
# Of a feature's difference, beside that of a pixel in [-1, 1].
FEATURE_WEIGHT = 0.1
# Differences well above count as they are, those well below by their square.
SOFTNESS = 0.1


class CriticFeatures:
    """The maps inside a critic's network, from fine to coarse: edges first, parts of a face last.

    The critic was trained to tell real pictures from damaged ones, and lies beside every evaluated model.
    """

    def __init__(self, directory: Path) -> None:
        """Reads a critic.

        Raises:
            JudgeError: There is none, or it is damaged.
        """
        record = store.read_record(directory, critic.NAME)
        network = critic.make_network(record["side"], "float32")
        store.read_weights(directory, network, record)
        maps = [
            layer.output
            for layer in network.layers
            if isinstance(layer, keras.layers.ReLU) and len(layer.output.shape) == 4
        ]
        # Of each size the last.
        sizes = {output.shape[1]: output for output in maps}
        self._side = record["side"]
        self._network = keras.Model(network.input, list(sizes.values()))

    def __call__(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Maps of pictures, through which gradients go.

        Args:
            images: float32 [n, h, w, 3] in [-1, 1], of any size.

        Returns:
            float32 [n, side, side, channels], sides falling.
        """
        if images.shape[1:3] != (self._side, self._side):
            # Averaging areas, as the critic itself does, has no gradient.
            images = tf.image.resize(images, [self._side, self._side], antialias=True)
        return self._network(images, training=False)


class Comparison:
    """How unlike pictures are: one number for each, through which gradients go."""

    def __init__(self, features: CriticFeatures, sample: tf.Tensor, weights: tf.Tensor) -> None:
        """Sets the units.

        Args:
            features: What to look at, besides pixels.
            sample: float32 [n, h, w, 3] in [-1, 1]: a difference counts relative to those among these.
            weights: float32 [h, w], how much each place counts; 1 on average.
        """
        self._features = features
        self._scales = [
            tf.math.reduce_std(level, axis=[0, 1, 2]) + SMALLEST_DEVIATION for level in features(sample)
        ]
        self._weights = weights[tf.newaxis, :, :, tf.newaxis]

    def feature_distance(self, images: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Mean over all levels of the root of the mean squared difference, in standard deviations: [n]."""
        levels = zip(self._features(images), self._features(target), self._scales, strict=True)
        distances = [_mean(tf.square((a - b) / scale)) ** 0.5 for a, b, scale in levels]
        return tf.add_n(distances) / len(distances)

    def loss(self, images: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """What is made small: weighted differences of pixels at several sizes, and of features.

        Args:
            images: float32 [n, h, w, 3] in [-1, 1].
            target: float32 [1, h, w, 3].

        Returns:
            float32 [n].
        """
        terms = []
        for size in POOLS:
            a, b = (tf.nn.avg_pool2d(picture, size, size, "VALID") for picture in (images, target))
            terms.append(self._difference(a - b))
        levels = zip(self._features(images), self._features(target), self._scales, strict=True)
        terms += [FEATURE_WEIGHT * self._difference((a - b) / scale) for a, b, scale in levels]
        return tf.add_n(terms)

    def _difference(self, difference: tf.Tensor) -> tf.Tensor:
        weights = tf.image.resize(self._weights, difference.shape[1:3], antialias=True)
        # Nearly absolute: a background that the model cannot draw must not outweigh the eyes.
        return _mean(weights * (tf.sqrt(tf.square(difference) + SOFTNESS**2) - SOFTNESS))


def _mean(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(values, axis=[1, 2, 3])
