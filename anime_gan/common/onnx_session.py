"""Runs an ONNX file with onnxruntime on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.common.errors import InputError

EXTRA = 'the ONNX engine needs the package "onnxruntime": pip install "anime_gan[onnx]"'
# Entry of an ONNX file's metadata with the checksum of the weights that it was made from.
CHECKSUM = "weights_sha256"


class OnnxSession:
    """A loaded network with one output."""

    def __init__(self, path: Path, checksum: str, error: type[InputError]) -> None:
        """Loads a network.

        Args:
            path: The file.
            checksum: The expected entry `CHECKSUM` of its metadata.
            error: The error to raise.

        Raises:
            InputError: `error` is raised. onnxruntime is missing, the file is missing or damaged, or it was
                made from other weights.
        """
        advice = "run python -m anime_gan.portable for this model"
        onnxruntime = _runtime(error)
        options = onnxruntime.SessionOptions()
        # Its own messages would repeat the error.
        options.log_severity_level = 4
        # Faces are drawn one at a time, so reserved memory and threads that wait actively gain nothing.
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            path.open("rb").close()
        except OSError as reason:
            raise error(f"{path}: cannot be read ({reason.strerror or reason}); {advice}") from reason
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as reason:  # onnxruntime has its own exceptions for damaged files.
            first = str(reason).strip().splitlines()[0][:200]
            raise error(f"{path}: is damaged ({first}); {advice}") from reason
        if self._session.get_modelmeta().custom_metadata_map.get(CHECKSUM) != checksum:
            raise error(f"{path}: was made from another model; delete it and {advice}")

    def run(self, **inputs: np.ndarray) -> np.ndarray:
        """Runs the network on inputs by name; inputs that it does not have are left out."""
        names = {value.name for value in self._session.get_inputs()}
        output: np.ndarray = self._session.run(None, {k: v for k, v in inputs.items() if k in names})[0]
        return output


def _runtime(error: type[InputError]) -> Any:
    try:
        import onnxruntime
    except ImportError as reason:
        raise error(EXTRA) from reason
    return onnxruntime
