# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Codes, scales and zero points against transcriptions in numpy.

AutoAWQ works in fp16, operation by operation; numpy's float16 rounds each operation in the same way.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin")).resolve().parent / "unittests" / "awq-test-quantize"

pytestmark = pytest.mark.tools

Floats = npt.NDArray[np.float32]
Result = tuple[npt.NDArray[np.uint8], Floats, npt.NDArray[np.uint8]]


def autoawq(weights: Floats, group: int) -> Result:
    """AutoAWQ's pseudo_quantize_tensor with zero points, in float16."""
    half = np.float16
    w = weights.astype(half).reshape(-1, group)
    low = w.min(axis=1, keepdims=True)
    high = w.max(axis=1, keepdims=True)
    scales = np.maximum(high - low, half(1e-5)) / half(15)
    with np.errstate(over="ignore"):  # a quotient may overflow float16; it is clamped then
        zeros = np.clip(-np.round(low / scales), half(0), half(15))
        codes = np.clip(np.round(w / scales) + zeros, half(0), half(15))
    assert codes.dtype == half and scales.dtype == half
    shape = (weights.shape[0], -1)
    return (
        codes.astype(np.uint8).reshape(weights.shape),
        scales.astype(np.float32).reshape(shape),
        zeros.astype(np.uint8).reshape(shape),
    )


def best(weights: Floats, group: int) -> Result:
    """The default arithmetic: float32, the scale rounded to float16 first, zero inside the range."""
    w = weights.reshape(-1, group)
    low = np.minimum(w.min(axis=1, keepdims=True), np.float32(0))
    high = np.maximum(w.max(axis=1, keepdims=True), np.float32(0))
    scales = ((high - low) / np.float32(15)).astype(np.float16).astype(np.float32)
    empty = (low == 0) & (high == 0)
    scales = np.where(scales == 0, np.float32(2.0**-24), scales)
    scales = np.where(empty, np.float32(2.0**-14), scales)
    zeros = np.clip(-np.rint(low / scales), 0, 15)
    codes = np.clip(np.rint(w / scales) + zeros, 0, 15)
    shape = (weights.shape[0], -1)
    return codes.astype(np.uint8).reshape(weights.shape), scales.reshape(shape), zeros.astype(np.uint8).reshape(shape)


def outlier_weights(amplitude: float, seed: int) -> Floats:
    """Normal weights with a few channels four times as large, and groups of special values."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, amplitude, (256, 512)).astype(np.float32)
    weights[:, ::37] *= 4
    weights[0, :128] = 0
    weights[1, :128] = amplitude
    weights[2, :128] = np.abs(weights[2, :128]) + amplitude
    weights[3, :128] = -np.abs(weights[3, :128]) - amplitude
    return weights


@pytest.mark.parametrize("group", [32, 64, 128])
@pytest.mark.parametrize("amplitude", [1e-6, 1e-4, 2e-2, 3.0, 1000.0])
@pytest.mark.parametrize("mode", ["best", "autoawq"])
def test_equals_numpy(tmp_path: Path, mode: str, amplitude: float, group: int) -> None:
    weights = outlier_weights(amplitude, seed=group)
    save_file({"weights": weights}, tmp_path / "in.safetensors")
    command = [str(TOOL), mode, str(group), str(tmp_path / "in.safetensors"), str(tmp_path / "out.safetensors")]
    subprocess.run(command, check=True)
    found = load_file(tmp_path / "out.safetensors")
    codes, scales, zeros = (autoawq if mode == "autoawq" else best)(weights, group)
    np.testing.assert_array_equal(found["scales"], scales)
    np.testing.assert_array_equal(found["zeros"], zeros)
    np.testing.assert_array_equal(found["codes"], codes)
    # The packed words, by the definition: nibble i of column c is output 8c + order[i].
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    columns = codes.T.reshape(512, -1, 8).astype(np.uint32)
    words = sum(columns[:, :, order[i]] << np.uint32(4 * i) for i in range(8))
    np.testing.assert_array_equal(found["qweight"].view(np.uint32), words)


def test_the_two_arithmetics_differ() -> None:
    """Otherwise the test above would not tell them apart."""
    weights = outlier_weights(2e-2, seed=1)
    assert (autoawq(weights, 64)[0] != best(weights, 64)[0]).any()
