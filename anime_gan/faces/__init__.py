"""Turns requests into images: drawing, sheets, animations, and GAN inversion."""
