# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lowerings to linalg alone, which other compilers get, run on our CPU: against float64 and transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from import_toys import pack
from safetensors.numpy import save_file
from test_experts import MIXTURES, ROUTE, TOLERANCE, Mixture, build, expected, hidden_states
from test_experts import run as run_block
from test_fold_equivalence import opt
from test_lowering_numeric import ATTENTION, UNIT, Array, arguments, attend, run

pytestmark = pytest.mark.tools

PORTABLE = "-convert-decoder-to-linalg=portable"


def lowered(text: str, folder: Path, flag: str) -> str:
    program = folder / "before.mlir"
    program.write_text(text)
    return opt(program, flag)


@pytest.mark.parametrize(
    ("hq", "hkv", "d", "dv", "window", "cap"),
    [(4, 2, 16, 16, 0, 0.0), (6, 2, 20, 40, 5, 0.0), (3, 3, 64, 64, 0, 30.0), (2, 1, 8, 6, 1, 5.0)],
)
@pytest.mark.parametrize(("rows", "position"), [(1, 0), (1, 33), (5, 7)])
def test_attention(
    tmp_path: Path, hq: int, hkv: int, d: int, dv: int, window: int, cap: float, rows: int, position: int
) -> None:
    random = np.random.default_rng([hq, d, rows, position])
    shapes = [(rows, hq, d), (rows, hkv, d), (rows, hkv, dv)]
    q, k, v = (random.standard_normal(shape, dtype=np.float32) for shape in shapes)
    # Rows that no token has written yet are no numbers.
    keys, values = (np.full((position + rows + 3, hkv, width), np.nan, np.float32) for width in (d, dv))
    for cache in (keys, values):
        cache[:position] = random.standard_normal(cache[:position].shape)
    sizes = {"hq": hq, "hkv": hkv, "d": d, "dv": dv, "scale": d**-0.5, "window": window, "cap": cap}
    text = lowered(ATTENTION.format(t="1" if rows == 1 else "?", **sizes), tmp_path, PORTABLE)
    inputs = arguments([q, k, v, keys.copy(), values.copy(), np.array(position, dtype=np.int64)])
    found = run(tmp_path / "f.mlir", text, inputs)["result0"]
    keys[position : position + rows], values[position : position + rows] = k, v
    np.testing.assert_allclose(found, attend(q, keys, values, position, window, cap), rtol=0, atol=4e-6)


@pytest.mark.parametrize("mixture", MIXTURES, ids=lambda mixture: mixture.name)
def test_experts(mixture: Mixture, tmp_path: Path) -> None:
    block = mixture.make()
    program, file = build(mixture, block), tmp_path / "weights.safetensors"
    save_file(program.weights, file)
    for tokens, counts in (("?", (1, 29)), ("1", (1,))):
        module = tmp_path / f"block{len(counts)}.mlir"
        module.write_text(lowered(program.text(file, tokens), tmp_path, PORTABLE))
        for rows in counts:
            x = hidden_states(rows)
            found, exact = run_block(module, x), expected(block, x)
            assert np.max(np.abs(found - exact)) <= TOLERANCE * np.max(np.abs(exact))


def test_ties_extremes_and_nan(tmp_path: Path) -> None:
    """The choice of the other lowering, where scores are equal, infinite or no numbers."""
    rng = np.random.default_rng(8)
    values = np.array([-np.inf, -1.0, 0.0, 1.0, np.inf, np.nan], np.float32)
    logits = rng.choice(values, (200, 4))
    given = run(tmp_path / "given.mlir", ROUTE, {"l": logits})
    found = run(tmp_path / "f.mlir", lowered(ROUTE, tmp_path, PORTABLE), {"l": logits})
    np.testing.assert_array_equal(found["result1"], given["result1"])
    np.testing.assert_allclose(found["result0"], given["result0"], rtol=1e-6)


@pytest.mark.parametrize("group", [16, 0])
@pytest.mark.parametrize("zero", ["asymmetric", "symmetric"])
@pytest.mark.parametrize("packed", [False, True])
def test_quantized_linear(packed: bool, zero: str, group: int, tmp_path: Path) -> None:
    """Plain codes and AutoAWQ's words, as contractions."""
    rows, n, k = 5, 24, 48
    groups = k // group if group else 1
    rng = np.random.default_rng([packed, group])
    x = rng.standard_normal((rows, k), dtype=np.float32)
    codes = rng.integers(0, 16, (n, k)).astype(np.uint8)
    zeros = rng.integers(0, 16, (n, groups)).astype(np.uint8)
    if zero == "symmetric":
        zeros[:] = 8
    scales = (rng.random((n, groups)) / 16).astype(np.float16)
    words = ", #awq.layout<autoawq_gemm>"
    if packed:
        values: list[Array] = [x, pack(codes.T), np.ascontiguousarray(scales.T), pack(zeros.T)]
        types = [f"{k}x{n // 8}xi32{words}", f"{groups}x{n}xf16", f"{groups}x{n // 8}xi32{words}"]
    else:
        values = [x, codes.view(np.int8), scales, zeros.view(np.int8)]
        types = [f"{n}x{k}xi8", f"{n}x{groups}xf16", f"{n}x{groups}xi8"]
    names, clause = ["%x", "%q", "%s", "%z"], " zeros %z"
    if zero == "symmetric":
        names, clause = names[:3], ""
    kinds = [f"tensor<{kind}>" for kind in [f"?x{k}xf32", *types]][: len(names)]
    text = f"""
func.func @f({", ".join(f"{name}: {kind}" for name, kind in zip(names, kinds, strict=True))}) -> tensor<?x{n}xf32> {{
  %y = awq.quantized_linear %x, %q, %s{clause}
    {{scheme = #awq.scheme<bits = 4, group = {group}, zero = {zero}, scale = f16>}}
    : ({", ".join(kinds)}) -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}"""
    # Our runtime's arguments have no encodings.
    text = lowered(text, tmp_path, "-convert-awq-to-linalg").replace(words, "")
    found = run(tmp_path / "f.mlir", text, arguments(values[: len(names)]))["result0"]
    wide = k // groups
    weight = (codes.astype(float) - np.repeat(zeros, wide, 1)) * np.repeat(scales.astype(float), wide, 1)
    bound = (k + 4) * UNIT * (np.abs(x).astype(float) @ np.abs(weight).T)
    assert (np.abs(found - x.astype(float) @ weight.T) <= bound).all()
