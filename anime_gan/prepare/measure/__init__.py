"""Measurements of the preparation: face detection, hair colors and near-duplicates."""
