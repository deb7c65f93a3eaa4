"""The TensorFlow graph that an export contains: text in, images out."""

from __future__ import annotations

import keras
import tensorflow as tf

from anime_gan.attributes.label_sampler import LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.exports.sampling import FaceSampler, to_uint8


class FaceModel(tf.Module):
    """What is saved: three signatures, and `draw_inputs` for whoever loads it in Python."""

    def __init__(
        self,
        generator: keras.Model,
        schema: Schema,
        sampler: LabelSampler | None,
        latent_dim: int,
        half_precision: bool = False,
    ) -> None:
        super().__init__(name="face_model")
        # The variables, not the Keras model: a loader needs no Keras to read them.
        self.weights = [variable.value for variable in generator.variables]
        if half_precision:
            self.weights = [tf.Variable(tf.cast(weight, tf.float16)) for weight in self.weights]
        self._face_sampler = FaceSampler(schema, sampler, latent_dim)
        self._resolution = generator.resolution
        request = {
            "attributes": tf.TensorSpec([None], tf.string, name="attributes"),
            "seed": tf.TensorSpec([None], tf.int64, name="seed"),
            "truncation": tf.TensorSpec([None], tf.float32, name="truncation"),
        }
        inputs = {
            "latents": tf.TensorSpec([None, latent_dim], tf.float32, name="latents"),
            "labels": tf.TensorSpec([None, schema.num_labels], tf.float32, name="labels"),
        }

        def draw_inputs(attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor) -> dict:
            return self._face_sampler(attributes, seed, truncation)._asdict()

        def generate(latents: tf.Tensor, labels: tf.Tensor) -> dict:
            given = (latents, labels if schema.num_labels else None)
            if not half_precision:
                return {"images": generator(*given, training=False)}
            values = [tf.cast(weight, tf.float32) for weight in self.weights]
            with keras.StatelessScope(list(zip(generator.variables, values, strict=True))):
                return {"images": generator(*given, training=False)}

        def serve(attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor) -> dict:
            images = generate(**draw_inputs(attributes, seed, truncation))["images"]
            return {"images": to_uint8(images)}

        def serve_png(attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor) -> dict:
            images = serve(attributes, seed, truncation)["images"]
            return {"png_bytes": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}

        self.draw_inputs = tf.function(draw_inputs, input_signature=list(request.values()), autograph=False)
        self.served = {
            "serving_default": _concrete(serve, request),
            "png": _concrete(serve_png, request),
            "latents": _concrete(generate, inputs),
        }


def _concrete(function, specs: dict[str, tf.TensorSpec]) -> tf.types.experimental.ConcreteFunction:
    return tf.function(function, autograph=False).get_concrete_function(**specs)
