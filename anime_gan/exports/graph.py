"""The TensorFlow graph of an export, which turns typed requests into pictures."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from anime_gan.attributes.label_sampler import LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import keras, tf
from anime_gan.exports.sampling import Checked, FaceSampler, check_inputs, fitted, refuse_errors
from anime_gan.models.pixels import to_uint8


class FaceModel(tf.Module):
    """The module that is saved: six signatures, and two functions for programs that load it in Python.

    Attributes:
        weights: The generator's variables, in order.
        served: Signature name -> function. `serving_default` and `png` take a request (attributes, seed,
            truncation) and return uint8 images or PNG files. `latents` takes latent vectors and labels and
            returns float32 images in [-1, 1]; an alpha channel is premultiplied. They fail if one row is
            wrong. `checked`, `checked_png`, and `checked_latents` take the same inputs. They return an error
            for each row, which is empty if the row is right, and a blank image for each row that is wrong.
        draw_inputs: Takes a request; returns latent vectors and labels.
        serving_default: Takes a request as a dictionary, for `keras.layers.TFSMLayer`.
    """

    def __init__(
        self,
        generator: keras.Model,
        schema: Schema,
        sampler: LabelSampler | None,
        latent_dim: int,
        half_precision: bool = False,
    ) -> None:
        """Defines the functions.

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
        request = [
            tf.TensorSpec([None], tf.string, name="attributes"),
            tf.TensorSpec([None], tf.int64, name="seed"),
            tf.TensorSpec([None], tf.float32, name="truncation"),
        ]
        inputs = [
            tf.TensorSpec([None, latent_dim], tf.float32, name="latents"),
            tf.TensorSpec([None, schema.num_labels], tf.float32, name="labels"),
        ]

        # The signatures share these functions, so that their constants are stored once.
        sample = _traced(request)(self._face_sampler.__call__)
        check = _traced(inputs)(check_inputs)

        # A request for one face may leave these out. TensorFlow stores such defaults in the signature, and
        # TF Serving uses them over gRPC.
        anything, whole = tf.constant([""]), tf.constant([1.0])

        @_traced(inputs)
        def generate(latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
            count = tf.shape(latents)[0]
            # TensorFlow's transposed convolution fails without rows.
            latents, labels = (fitted(rows, tf.maximum(count, 1), 0.0) for rows in (latents, labels))
            given = (latents, labels if schema.num_labels else None)
            if half_precision:
                values = [tf.cast(weight, tf.float32) for weight in self.weights]
                with keras.StatelessScope(list(zip(generator.variables, values, strict=True))):
                    images = generator(*given, training=False)
            else:
                images = generator(*given, training=False)
            return images[:count]

        def strict(drawn: Checked) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            return generate(*refuse_errors(drawn)), {}

        def lenient(drawn: Checked) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            right = (drawn.errors == "")[:, tf.newaxis, tf.newaxis, tf.newaxis]
            return tf.where(right, generate(*drawn.values), -1.0), {"error": drawn.errors}

        def to_png(images: tf.Tensor) -> tf.Tensor:
            return tf.map_fn(tf.io.encode_png, to_uint8(images), fn_output_signature=tf.string)

        def from_request(
            draw: Callable[..., Any], name: str, encode: Callable[..., Any]
        ) -> tf.types.experimental.PolymorphicFunction:
            @_traced(request)
            def serve(
                attributes: tf.Tensor = anything, seed: tf.Tensor = None, truncation: tf.Tensor = whole
            ) -> dict[str, tf.Tensor]:
                images, errors = draw(sample(attributes, seed, truncation))
                return {name: encode(images), **errors}

            return serve

        def from_inputs(draw: Callable[..., Any]) -> tf.types.experimental.PolymorphicFunction:
            @_traced(inputs)
            def serve(latents: tf.Tensor, labels: tf.Tensor) -> dict[str, tf.Tensor]:
                images, errors = draw(check(latents, labels))
                return {"images": images, **errors}

            return serve

        @_traced(request)
        def draw_inputs(
            attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor
        ) -> dict[str, tf.Tensor]:
            return refuse_errors(sample(attributes, seed, truncation))._asdict()

        self.served = {
            "serving_default": from_request(strict, "images", to_uint8),
            "png": from_request(strict, "png_bytes", to_png),
            "latents": from_inputs(strict),
            "checked": from_request(lenient, "images", to_uint8),
            "checked_png": from_request(lenient, "png_bytes", to_png),
            "checked_latents": from_inputs(lenient),
        }
        self.draw_inputs = draw_inputs
        self.serving_default = tf.function(
            lambda request: self.served["serving_default"](**request),
            input_signature=[{spec.name: spec for spec in request}],
            autograph=False,
        )


def _traced(
    specs: list[tf.TensorSpec],
) -> Callable[[Callable[..., Any]], tf.types.experimental.PolymorphicFunction]:
    """Returns a decorator that makes a `tf.function` with these inputs."""
    return functools.partial(tf.function, input_signature=specs, autograph=False)
