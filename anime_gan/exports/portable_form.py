"""Names of the files of the portable form, which `python -m anime_gan.portable` writes beside an export."""

from __future__ import annotations

FOLDER = "portable"
MODEL = "model.onnx"
SCHEMA = "schema.json"
# The critic of whole images, and the critic of details, if the model has one.
CRITIC_FILE = "critic.onnx"
DETAILS_FILE = "critic_details.onnx"
FORMAT = "anime_gan portable"
