"""Anime faces under control: a conditional GAN in TensorFlow and Keras.

Importing this package imports nothing else; import what you need from its modules.
"""

__version__ = "0.2.0"
