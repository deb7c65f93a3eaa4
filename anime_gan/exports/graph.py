"""The TensorFlow graph of an export, which turns typed requests into pictures."""

from __future__ import annotations

from collections.abc import Callable

from anime_gan.attributes.label_sampler import LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import keras, tf
from anime_gan.exports.sampling import FaceSampler
from anime_gan.models.pixels import to_uint8


class FaceModel(tf.Module):
    """The module that is saved: three signatures, and `draw_inputs` for programs that load it in Python.

    Attributes:
        weights: The generator's variables, in order.
        served: Signature name -> concrete function. `serving_default` and `png` take a request (attributes,
            seed, truncation) and return uint8 images or PNG files. `latents` takes latent vectors and labels
            and returns float32 images in [-1, 1]; an alpha channel is premultiplied.
    """

    def __init__(
        self,
        generator: keras.Model,
        schema: Schema,
        sampler: LabelSampler | None,
        latent_dim: int,
        half_precision: bool = False,
    ) -> None:
        """Traces the signatures.

        Args:
            generator: `(latents, labels) -> images`, with its final weights.
            schema: The attributes that can be requested; may be empty.
            sampler: Draws the attributes that a request leaves open; None if the schema is empty.
            latent_dim: Length of a latent vector.
            half_precision: Whether weights are stored in float16. They are cast to float32 when used.
        """
        super().__init__(name="face_model")
        # These are the variables, not the Keras model, so that loading them does not require Keras.
        self.weights = [variable.value for variable in generator.variables]
        if half_precision:
            self.weights = [tf.Variable(tf.cast(weight, tf.float16)) for weight in self.weights]
        self._face_sampler = FaceSampler(schema, sampler, latent_dim)
        request = {
            "attributes": tf.TensorSpec([None], tf.string, name="attributes"),
            "seed": tf.TensorSpec([None], tf.int64, name="seed"),
            "truncation": tf.TensorSpec([None], tf.float32, name="truncation"),
        }
        inputs = {
            "latents": tf.TensorSpec([None, latent_dim], tf.float32, name="latents"),
            "labels": tf.TensorSpec([None, schema.num_labels], tf.float32, name="labels"),
        }

        def draw_inputs(
            attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            return self._face_sampler(attributes, seed, truncation)._asdict()

        def generate(latents: tf.Tensor, labels: tf.Tensor) -> dict[str, tf.Tensor]:
            given = (latents, labels if schema.num_labels else None)
            if not half_precision:
                return {"images": generator(*given, training=False)}
            values = [tf.cast(weight, tf.float32) for weight in self.weights]
            with keras.StatelessScope(list(zip(generator.variables, values, strict=True))):
                return {"images": generator(*given, training=False)}

        def serve(attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor) -> dict[str, tf.Tensor]:
            images = generate(**draw_inputs(attributes, seed, truncation))["images"]
            return {"images": to_uint8(images)}

        def serve_png(attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor) -> dict[str, tf.Tensor]:
            images = serve(attributes, seed, truncation)["images"]
            return {"png_bytes": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}

        self.draw_inputs = tf.function(draw_inputs, input_signature=list(request.values()), autograph=False)
        self.served = {
            "serving_default": _concrete(serve, request),
            "png": _concrete(serve_png, request),
            "latents": _concrete(generate, inputs),
        }


def _concrete(
    function: Callable[..., dict[str, tf.Tensor]], specs: dict[str, tf.TensorSpec]
) -> tf.types.experimental.ConcreteFunction:
    return tf.function(function, autograph=False).get_concrete_function(**specs)
