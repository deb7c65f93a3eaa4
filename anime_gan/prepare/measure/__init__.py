"""Measures the accuracy of face detection, hair colors, and near-duplicate detection."""
