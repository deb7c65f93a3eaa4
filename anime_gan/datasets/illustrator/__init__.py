"""Anime faces in several styles, with heads that turn, drawn by this program."""
