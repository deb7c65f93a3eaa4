"""The machine that is measured."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from anime_gan.benchmark.measure import Numbers
from anime_gan.common.backend import tf
from anime_gan.common.workers import available_cores
from anime_gan.training.precision import resolve_dtype


def describe_machine() -> Numbers:
    """Returns what the results depend on: hardware, precision, TensorFlow version, and load."""
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return {
        "cpu": _cpu_model(),
        "cores": available_cores(),
        "gpus": [details.get("device_name", "GPU") for details in gpus],
        "tensorflow": version("tensorflow"),
        "precision": resolve_dtype("auto").removeprefix("mixed_"),
        # Windows has no load average.
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def report(machine: Numbers) -> str:
    """Returns a description of the machine in one line."""
    load = machine["load_average"]
    devices = "".join(f", {gpu}" for gpu in machine["gpus"])
    return (
        f"Machine: {machine['cpu']}, {machine['cores']} cores{devices}; TensorFlow {machine['tensorflow']}; "
        f"precision: {machine['precision']}"
        + ("." if load is None else f"; load average at the start: {load:.1f}.")
    )


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text("utf-8", errors="replace").splitlines() if info.is_file() else []:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
