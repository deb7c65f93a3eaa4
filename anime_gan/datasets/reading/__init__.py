"""Reads images and folders, local or remote."""
