"""Checks that OpenCV is installed."""

from __future__ import annotations


def require_opencv() -> None:
    """Checks that OpenCV is installed and can run cascades.

    Raises:
        ValueError: OpenCV is missing or cannot run cascades. The message names the command to run.
    """
    try:
        import cv2
    except ImportError as error:
        raise ValueError("OpenCV is missing: pip install 'anime_gan[prepare]'") from error
    if not hasattr(cv2, "CascadeClassifier"):
        raise ValueError("this version of OpenCV cannot run cascades: pip install 'opencv-python-headless<5'")
