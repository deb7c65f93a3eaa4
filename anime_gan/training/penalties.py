"""Gradient penalties for the discriminator.

Every penalty has the signature `(discriminate, real, fake, noise) -> penalty`:

- `discriminate`: a function that maps images `[b, h, w, c]` to logits `[b, 1]`. It already has the labels and
  the training flag. A logit must depend only on its own image, so batch statistics are not allowed.
- `real`, `fake`: images `[b, h, w, c]` in [-1, 1], treated as constants.
- `noise`: uniform in [0, 1), `[b, *noise_shape]`; `None` for penalties that need no noise. The caller draws
  it for the global batch, so that it does not depend on how the batch is split over replicas.
- `penalty`: float32 `[b]`, unweighted, for images and logits of any float dtype.

The gradient of the penalty with respect to the weights needs second derivatives. Some TensorFlow operations
lack them. For example, bilinear `tf.image.resize` stops the gradient without a warning.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

from anime_gan.common.backend import tf
from anime_gan.common.user_code import load_object
from anime_gan.training.losses import check_per_sample

Discriminate = Callable[[tf.Tensor], tf.Tensor]
PenaltyFunction = Callable[[Discriminate, tf.Tensor, tf.Tensor, tf.Tensor | None], tf.Tensor]
ImageShape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class GradientPenalty:
    """A penalty function with the shape of its noise and its default weight.

    Attributes:
        function: `(discriminate, real, fake, noise) -> penalty [b]`, float32.
        noise_shape: Maps the image shape `(h, w, c)` to the noise shape of one sample; to `None` if the
            penalty uses no noise.
        default_weight: The usual weight, for an adversarial loss of weight 1.
    """

    function: PenaltyFunction
    noise_shape: Callable[[ImageShape], ImageShape | None]
    default_weight: float

    def weight(self, option: float) -> float:
        """Returns the weight that `--penalty_weight` selects: a negative value stands for the default."""
        return self.default_weight if option < 0 else option


def dragan(
    discriminate: Discriminate, real: tf.Tensor, fake: tf.Tensor, noise: tf.Tensor | None
) -> tf.Tensor:
    """Pulls the gradient norm toward 1 around the real images: (|grad D(x')| - 1)^2.

    Kodali et al. 2017, "On Convergence and Stability of GANs" (arXiv 1705.07215), with
    x' = x + 0.5 * std(x) * U(0, 1).

    Implementations differ: some use U - 0.5 or normal noise, and some move a random part of the way from x to
    x'. Most compute std over the whole batch. This function computes it over height, width, and channels of
    each image, so a sample's penalty does not depend on the other samples of its batch or replica.

    Args:
        discriminate: Images `[b, h, w, c]` -> logits `[b, 1]`.
        real: Real images `[b, h, w, c]`.
        fake: Not used.
        noise: Uniform in [0, 1), `[b, h, w, c]`.

    Returns:
        float32 `[b]`.

    Raises:
        ValueError: There is no noise, or the logits do not depend on the images.
    """
    del fake
    real = tf.cast(real, tf.float32)
    noise = tf.cast(_required(noise, "dragan"), tf.float32)
    deviation = tf.math.reduce_std(real, axis=[1, 2, 3], keepdims=True)
    norm = tf.sqrt(_squared_gradient_norm(discriminate, real + 0.5 * deviation * noise) + _EPSILON)
    return tf.square(norm - 1.0)


def wgan_gp(
    discriminate: Discriminate, real: tf.Tensor, fake: tf.Tensor, noise: tf.Tensor | None
) -> tf.Tensor:
    """Pulls the gradient norm toward 1 between real and generated images: (|grad D(x')| - 1)^2.

    Gulrajani et al. 2017, "Improved Training of Wasserstein GANs" (arXiv 1704.00028, equation 3), with
    x' = noise * real + (1 - noise) * fake.

    Args:
        discriminate: Images `[b, h, w, c]` -> logits `[b, 1]`.
        real: Real images `[b, h, w, c]`.
        fake: Generated images `[b, h, w, c]`.
        noise: Uniform in [0, 1), `[b, 1, 1, 1]`.

    Returns:
        float32 `[b]`.

    Raises:
        ValueError: There is no noise, or the logits do not depend on the images.
    """
    real, fake = tf.cast(real, tf.float32), tf.cast(fake, tf.float32)
    noise = tf.cast(_required(noise, "wgan_gp"), tf.float32)
    between = noise * real + (1.0 - noise) * fake
    norm = tf.sqrt(_squared_gradient_norm(discriminate, between) + _EPSILON)
    return tf.square(norm - 1.0)


def r1(discriminate: Discriminate, real: tf.Tensor, fake: tf.Tensor, noise: tf.Tensor | None) -> tf.Tensor:
    """Flattens the discriminator at the real images: |grad D(x)|^2 / 2.

    Mescheder et al. 2018, "Which Training Methods for GANs do actually Converge?" (arXiv 1801.04406, equation
    9). The factor 1/2 is included, so the weight equals the paper's gamma.

    Args:
        discriminate: Images `[b, h, w, c]` -> logits `[b, 1]`.
        real: Real images `[b, h, w, c]`.
        fake: Not used.
        noise: Not used.

    Returns:
        float32 `[b]`.

    Raises:
        ValueError: The logits do not depend on the images.
    """
    del fake, noise
    return 0.5 * _squared_gradient_norm(discriminate, tf.cast(real, tf.float32))


def none(discriminate: Discriminate, real: tf.Tensor, fake: tf.Tensor, noise: tf.Tensor | None) -> tf.Tensor:
    """Returns zeros `[b]`, without calling the discriminator."""
    del discriminate, fake, noise
    return tf.zeros(tf.shape(real)[:1])


GRADIENT_PENALTIES: Mapping[str, GradientPenalty] = MappingProxyType(
    {
        "dragan": GradientPenalty(dragan, lambda image_shape: image_shape, default_weight=10.0),
        "wgan_gp": GradientPenalty(wgan_gp, lambda image_shape: (1, 1, 1), default_weight=10.0),
        # The paper has 10; docs/ablations.md compares weights for these networks.
        "r1": GradientPenalty(r1, lambda image_shape: None, default_weight=1.0),
        "none": GradientPenalty(none, lambda image_shape: None, default_weight=0.0),
    }
)


def get_gradient_penalty(name: str) -> GradientPenalty:
    """Returns the penalty with this name, or imports the penalty that `module:NAME` refers to.

    Raises:
        InputError: The penalty does not exist, or it does not return float32 `[b]`.
    """
    if name in GRADIENT_PENALTIES:
        return GRADIENT_PENALTIES[name]
    penalty = load_object(name, GradientPenalty, "gradient_penalty")
    images, noise_shape = tf.zeros([2, 8, 8, 3]), penalty.noise_shape((8, 8, 3))
    noise = None if noise_shape is None else tf.zeros([2, *noise_shape])
    value = penalty.function(lambda x: tf.reduce_sum(x, axis=[1, 2, 3])[:, None], images, images, noise)
    check_per_sample(value, name, "gradient_penalty")
    return penalty


# This is added inside the square root, whose derivative at zero is infinite. It changes a norm of 1 by 5e-13.
_EPSILON = 1e-12


def _squared_gradient_norm(discriminate: Discriminate, images: tf.Tensor) -> tf.Tensor:
    """Returns the squared norm of each logit's gradient with respect to its own image, float32 `[b]`."""
    images = tf.stop_gradient(images)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = discriminate(images)
    # The gradient of the sum over the batch contains each sample's own gradient, because no logit depends on
    # another sample.
    gradients = tape.gradient(logits, images)
    if gradients is None:
        raise ValueError(
            "the gradient penalty has no gradient; `discriminate` must compute the logits from the images "
            "with differentiable operations"
        )
    # The gradients are float32 like the images, even if the discriminator computes in bfloat16.
    return tf.reduce_sum(tf.square(gradients), axis=[1, 2, 3])


def _required(noise: tf.Tensor | None, name: str) -> tf.Tensor:
    if noise is None:
        raise ValueError(f"the penalty {name!r} needs noise; see GRADIENT_PENALTIES[{name!r}].noise_shape")
    return noise
