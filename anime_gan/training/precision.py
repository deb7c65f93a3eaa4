"""Chooses the compute precision, float32 or bfloat16."""

from __future__ import annotations

from pathlib import Path

from anime_gan.common.backend import tf

# CPU features in Linux's /proc/cpuinfo: AVX-512 and AMX on x86, and bfloat16 on Arm.
CPU_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
# NVIDIA GPUs support bfloat16 from the Ampere generation on.
GPU_BFLOAT16_CAPABILITY = (8, 0)


def resolve_dtype(precision: str) -> str:
    """Returns the Keras dtype policy for a precision.

    Args:
        precision: "float32", "bfloat16", or "auto", which is bfloat16 if the hardware supports it.

    Returns:
        "float32" or "mixed_bfloat16". The latter keeps the weights in float32.
    """
    if precision == "auto":
        precision = "bfloat16" if _hardware_has_bfloat16() else "float32"
    return "mixed_bfloat16" if precision == "bfloat16" else "float32"


def _hardware_has_bfloat16() -> bool:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        return all(d.get("compute_capability", (0, 0)) >= GPU_BFLOAT16_CAPABILITY for d in details)
    info = Path("/proc/cpuinfo")
    flags = info.read_text("utf-8", errors="replace").split() if info.is_file() else []
    return not CPU_BFLOAT16_FLAGS.isdisjoint(flags)
