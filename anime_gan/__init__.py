"""Anime faces under control: a conditional GAN in TensorFlow and Keras.

Importing this package imports nothing else; take what is needed from its modules.
"""
