"""The precision that each kind of hardware gets."""

from __future__ import annotations

import pytest
import tensorflow as tf

from anime_gan.training import precision
from anime_gan.training.precision import resolve_dtype


def test_a_precision_that_is_named_is_used():
    assert resolve_dtype("float32") == "float32"
    assert resolve_dtype("bfloat16") == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ([(8, 0)], "mixed_bfloat16"),
        ([(9, 0), (8, 6)], "mixed_bfloat16"),
        ([(7, 5)], "float32"),
        ([(8, 0), (7, 5)], "float32"),
        ([None], "float32"),
    ],
)
def test_auto_uses_bfloat16_if_all_gpus_multiply_in_it(monkeypatch, capabilities, dtype):
    monkeypatch.setattr(tf.config, "list_physical_devices", {"GPU": capabilities}.__getitem__)
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda capability: {"compute_capability": capability} if capability else {},
    )
    assert resolve_dtype("auto") == dtype


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ("flags : fpu avx512f avx512_bf16 amx_tile", "mixed_bfloat16"),
        ("flags : fpu amx_bf16", "mixed_bfloat16"),
        ("Features : fp asimd bf16", "mixed_bfloat16"),
        ("flags : fpu avx512f avx512_vnni", "float32"),
        (None, "float32"),
    ],
)
def test_auto_uses_bfloat16_if_the_processor_multiplies_in_it(monkeypatch, tmp_path, flags, dtype):
    info = tmp_path / "cpuinfo"
    if flags is not None:
        info.write_text(f"processor : 0\n{flags}\n")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(precision, "Path", {"/proc/cpuinfo": info}.__getitem__)
    assert resolve_dtype("auto") == dtype
