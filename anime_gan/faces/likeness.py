"""Compares pictures by their pixels and by the features of a critic, for GAN inversion."""

from __future__ import annotations

from pathlib import Path

from anime_gan.common.backend import keras, tf
from anime_gan.judges import critic

# The critic of the bundled model of version 0.1.0, whose faces were opaque.
OPAQUE_CRITIC = Path(critic.__file__).parent / "opaque_critic"
# Added to the standard deviation of a channel, so that nearly constant channels do not dominate.
SMALLEST_DEVIATION = 1e-3
# Side lengths of the pixel blocks whose means are compared; 1 compares the pixels themselves.
POOLS = (1, 2, 4, 8)
# Weight of a feature difference relative to a pixel difference in [-1, 1].
FEATURE_WEIGHT = 0.1
# The loss is linear for differences well above this and quadratic for differences well below it.
SOFTNESS = 0.1


class CriticFeatures:
    """Feature maps of a critic, from fine to coarse: edges first, parts of a face last.

    The critic was trained to tell real pictures from damaged ones. Every evaluated model has a critic.
    """

    def __init__(self, directory: Path) -> None:
        """Loads a critic.

        Raises:
            JudgeError: It is missing or damaged.
        """
        record, network = critic.read_critic(directory)
        maps = [
            layer.output
            for layer in network.layers
            if isinstance(layer, keras.layers.ReLU) and len(layer.output.shape) == 4
        ]
        # Only the last map of each size is kept.
        sizes = {output.shape[1]: output for output in maps}
        self._side = record.side
        self._network = keras.Model(network.input, list(sizes.values()))

    def __call__(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Computes the feature maps of pictures, differentiably.

        Args:
            images: float32 [n, h, w, channels] in [-1, 1], of any size.

        Returns:
            A list of feature maps, float32 [n, side, side, channels], largest first.
        """
        if images.shape[1:3] != (self._side, self._side):
            # The critic itself resizes by area averaging, which has no gradient.
            images = tf.image.resize(images, [self._side, self._side], antialias=True)
        return self._network(images, training=False)


class Comparison:
    """Differentiable distances between pictures, one number per picture."""

    def __init__(self, features: CriticFeatures, sample: tf.Tensor, weights: tf.Tensor) -> None:
        """Computes the scale of each feature channel.

        Args:
            features: The features to compare, in addition to pixels.
            sample: float32 [n, h, w, channels] in [-1, 1], pictures whose standard deviations are the units.
            weights: float32 [h, w], the weight of each pixel; 1 on average.
        """
        self._features = features
        self._scales = [
            tf.math.reduce_std(level, axis=[0, 1, 2]) + SMALLEST_DEVIATION for level in features(sample)
        ]
        self._weights = weights[tf.newaxis, :, :, tf.newaxis]

    def feature_distance(self, images: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Returns the RMS feature difference in standard deviations, averaged over all levels: [n]."""
        levels = zip(self._features(images), self._features(target), self._scales, strict=True)
        distances = [_mean(tf.square((a - b) / scale)) ** 0.5 for a, b, scale in levels]
        return tf.add_n(distances) / len(distances)

    def loss(self, images: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        """Returns the loss to minimize: weighted differences of features, and of pixels at several scales.

        Args:
            images: float32 [n, h, w, channels] in [-1, 1].
            target: float32 [1, h, w, channels].

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
        # This is nearly the absolute value, so that a background that the model cannot draw does not outweigh
        # the eyes.
        return _mean(weights * (tf.sqrt(tf.square(difference) + SOFTNESS**2) - SOFTNESS))


def _mean(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(values, axis=[1, 2, 3])
