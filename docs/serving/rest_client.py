"""Draws faces with TF Serving over REST; needs only Python.

python docs/serving/rest_client.py "blue hair, smile" 7 "red hair" 9007199254740993
"""

from __future__ import annotations

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

SERVER = os.environ.get("SERVER", "http://localhost:8501")
MODEL = os.environ.get("MODEL", "sutemo-64")


def draw(attributes: list[str], seeds: list[int]) -> tuple[list[bytes], list[str]]:
    """Returns a PNG file and an error for each face; an error is empty if the face was drawn."""
    inputs = {"attributes": attributes, "seed": seeds, "truncation": [1.0] * len(seeds)}
    body = json.dumps({"signature_name": "checked_png", "inputs": inputs}).encode()
    url = f"{SERVER}/v1/models/{MODEL}/labels/stable:predict"
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as response:
        outputs = json.load(response)["outputs"]
    return [base64.b64decode(file["b64"]) for file in outputs["png_bytes"]], outputs["error"]


def main() -> int:
    """Draws one face for each pair of arguments; returns the exit status."""
    attributes, seeds = sys.argv[1::2], [int(seed) for seed in sys.argv[2::2]]
    try:
        files, errors = draw(attributes, seeds)
    except urllib.error.HTTPError as error:
        print(json.load(error)["error"], file=sys.stderr)
        return 1
    for seed, file, error in zip(seeds, files, errors, strict=True):
        if error:
            print(f"seed {seed}: {error}", file=sys.stderr)
        else:
            Path(f"{seed}.png").write_bytes(file)
            print(f"{seed}.png")
    return 1 if any(errors) else 0


if __name__ == "__main__":
    sys.exit(main())
