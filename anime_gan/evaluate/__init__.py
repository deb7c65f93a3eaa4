"""Evaluation of exported models (`python -m anime_gan.evaluate`)."""
