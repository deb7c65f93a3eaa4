"""The portable form of an export, for programs without TensorFlow."""
