"""TensorFlow and Keras, with the same settings on every machine.

A user's `~/.keras/keras.json` and `KERAS_BACKEND` may select another backend, precision, or axis order.
Importing TensorFlow imports Keras, and Keras chooses its backend only once. Therefore every module imports
both with `from anime_gan.common.backend import keras, tf`.

Raises:
    ImportError: Keras already runs on another backend.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402, TID251
import tensorflow as tf  # noqa: E402, TID251

if keras.config.backend() != "tensorflow":
    raise ImportError(
        f"Keras was imported earlier in this process and uses {keras.config.backend()}, but anime_gan needs "
        "the TensorFlow backend. Restart Python and import anime_gan's modules first, "
        "or set KERAS_BACKEND=tensorflow"
    )
# These are Keras's own defaults.
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")

__all__ = ["keras", "tf"]
