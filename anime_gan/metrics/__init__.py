"""Metrics of generated images, as pure functions on arrays."""
