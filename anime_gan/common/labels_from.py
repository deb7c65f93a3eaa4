"""The values of `--labels_from`: where the labels of a folder of images come from."""

from __future__ import annotations

LABELS_FROM = ("auto", "folders")
LABELS_FROM_HELP = (
    "source of the labels of a folder: auto = a label table or files beside the images; folders = the names "
    "of the folders, such as hair/blue/1.png"
)
