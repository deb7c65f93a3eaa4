"""Controllable anime face generation with a conditional GAN in TensorFlow and Keras.

Importing this package loads none of its modules. Import the modules that you need.
"""

__version__ = "0.2.0"
