# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The lowerings of linear layers and attention against float64, on odd shapes.

Bounds: a sum of n products in f32, in any order, is off by at most n u sum |x w|, with u = 2^-24.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from import_toys import BIN
from safetensors.numpy import load_file, save_file

pytestmark = pytest.mark.tools

Array = np.ndarray[Any, Any]
UNIT = 2.0**-24
ROWS = [0, 1, 2, 3, 4, 5, 17]


def run(program: Path, text: str, inputs: dict[str, Array]) -> dict[str, Array]:
    """Runs the one function of `text` on named arguments."""
    program.write_text(text)
    source, target = program.with_suffix(".in"), program.with_suffix(".out")
    save_file(inputs, source)
    done = subprocess.run(
        [BIN / "awq-run", program, "--input", source, "--output", target],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return load_file(target)


def arguments(values: list[Array]) -> dict[str, Array]:
    return {f"arg{i}": value for i, value in enumerate(values)}


@pytest.mark.parametrize(("n", "k", "bias"), [(37, 53, True), (130, 64, False), (3, 7, True)])
@pytest.mark.parametrize("rows", [*ROWS, 300])
def test_linear(tmp_path: Path, n: int, k: int, bias: bool, rows: int) -> None:
    random = np.random.default_rng([n, k, rows])
    x, w = (random.standard_normal(shape, dtype=np.float32) for shape in ((rows, k), (n, k)))
    b = random.standard_normal(n, dtype=np.float32)
    for lead in ["?"] if rows != 1 else ["?", "1"]:
        types = [f"tensor<{lead}x{k}xf32>", f"tensor<{n}x{k}xf32>", f"tensor<{n}xf32>"][: 3 if bias else 2]
        names = ["%x", "%w", "%b"][: len(types)]
        text = f"""
func.func @f({", ".join(f"{a}: {t}" for a, t in zip(names, types, strict=True))}) -> tensor<{lead}x{n}xf32> {{
  %y = awq.linear %x, %w {"bias %b" if bias else ""} : ({", ".join(types)}) -> tensor<{lead}x{n}xf32>
  return %y : tensor<{lead}x{n}xf32>
}}"""
        found = run(tmp_path / "f.mlir", text, arguments([x, w, b][: len(types)]))["result0"]
        exact = x.astype(np.float64) @ w.T.astype(np.float64) + (b if bias else 0)
        size = np.abs(x).astype(np.float64) @ np.abs(w).T.astype(np.float64) + np.abs(b)
        assert found.shape == (rows, n)
        assert (np.abs(found - exact) <= (k + 2) * UNIT * size).all()


@dataclass(frozen=True)
class Quantized:
    """A layer in the numbers of its scheme."""

    n: int
    k: int
    bits: int
    group: int
    symmetric: bool
    bias: bool

    @property
    def groups(self) -> int:
        return self.k // self.group if self.group else 1

    def pack_codes(self, codes: Array) -> Array:
        """The words of cpu_n16 or cpu_n16b8."""
        slot = 4 if self.bits <= 4 else 8
        per_word = 32 // slot
        padded = np.zeros((-(-self.n // 16) * 16, self.k), np.uint32)
        padded[: self.n] = codes
        parts = padded.reshape(-1, 16, self.k // per_word, per_word)
        words = np.zeros(parts.shape[:3], np.uint32)
        for i in range(per_word):
            words |= parts[..., i] << np.uint32(slot * i)
        return np.ascontiguousarray(words.transpose(0, 2, 1)).view(np.int32)

    def pack_groups(self, values: Array) -> Array:
        padded = np.zeros((-(-self.n // 16) * 16, self.groups), np.float32)
        padded[: self.n] = values
        return np.ascontiguousarray(padded.reshape(-1, 16, self.groups).transpose(0, 2, 1))

    def text(self, lead: str) -> str:
        blocks = -(-self.n // 16)
        layout, per_word = ("cpu_n16", 8) if self.bits <= 4 else ("cpu_n16b8", 4)
        codes = f"tensor<{blocks}x{self.k // per_word}x16xi32, #awq.layout<{layout}>>"
        scales = f"tensor<{blocks}x{self.groups}x16xf32>"
        types = [f"tensor<{lead}x{self.k}xf32>", codes, scales]
        names = ["%x", "%q", "%s"]
        clauses = ""
        if not self.symmetric:
            types, names, clauses = [*types, scales], [*names, "%z"], clauses + " zeros %z"
        if self.bias:
            types, names, clauses = [*types, f"tensor<{self.n}xf32>"], [*names, "%b"], clauses + " bias %b"
        kind = "symmetric" if self.symmetric else "asymmetric"
        result = f"tensor<{lead}x{self.n}xf32>"
        return f"""
func.func @f({", ".join(f"{a}: {t}" for a, t in zip(names, types, strict=True))}) -> {result} {{
  %y = awq.quantized_linear %x, %q, %s{clauses}
    {{scheme = #awq.scheme<bits = {self.bits}, group = {self.group}, zero = {kind}, scale = f32>}}
    : ({", ".join(types)}) -> {result}
  return %y : {result}
}}"""


LAYERS = [
    Quantized(48, 128, 4, 64, symmetric=False, bias=False),
    Quantized(37, 96, 3, 32, symmetric=True, bias=True),
    Quantized(19, 40, 8, 0, symmetric=False, bias=True),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: f"w{layer.bits}g{layer.group}")
@pytest.mark.parametrize("rows", ROWS)
def test_quantized_linear(tmp_path: Path, layer: Quantized, rows: int) -> None:
    random = np.random.default_rng([layer.n, layer.k, rows])
    shape = (layer.n, layer.groups)
    x = random.standard_normal((rows, layer.k), dtype=np.float32)
    codes = random.integers(0, 2**layer.bits, (layer.n, layer.k))
    scales = (random.random(shape) / 16).astype(np.float32)
    zeros = random.integers(0, 2**layer.bits, shape)
    if layer.symmetric:
        zeros[:] = 2 ** (layer.bits - 1)
    b = random.standard_normal(layer.n).astype(np.float32)

    values = [x, layer.pack_codes(codes), layer.pack_groups(scales), layer.pack_groups(zeros)]
    inputs = values[:3] if layer.symmetric else values
    if layer.bias:
        inputs = [*inputs, b]

    wide, size = layer.k // layer.groups, np.abs(x).astype(np.float64)
    weight = (codes - np.repeat(zeros, wide, 1)) * np.repeat(scales, wide, 1).astype(np.float64)
    exact = x.astype(np.float64) @ weight.T + (b if layer.bias else 0)
    # The kernel sums q x and z x apart before it subtracts.
    parts = (codes + np.repeat(zeros, wide, 1)) * np.repeat(scales, wide, 1).astype(np.float64)
    bound = (layer.k + 8) * UNIT * (size @ parts.T + np.abs(b))
    for lead in ["?"] if rows != 1 else ["?", "1"]:
        found = run(tmp_path / "f.mlir", layer.text(lead), arguments(inputs))["result0"]
        assert found.shape == (rows, layer.n)
        assert (np.abs(found - exact) <= bound).all()


ATTENTION = """
func.func @f(%q: tensor<{t}x{hq}x{d}xf32>, %k: tensor<{t}x{hkv}x{d}xf32>, %v: tensor<{t}x{hkv}x{dv}xf32>,
    %kc: tensor<?x{hkv}x{d}xf32>, %vc: tensor<?x{hkv}x{dv}xf32>, %p: index) -> tensor<{t}x{hq}x{dv}xf32> {{
  %o, %k1, %v1 = decoder.attention %q, %k, %v, %kc, %vc, %p
    {{scale = {scale} : f64, window = {window} : i64, softcap = {cap} : f64}}
    : (tensor<{t}x{hq}x{d}xf32>, tensor<{t}x{hkv}x{d}xf32>, tensor<{t}x{hkv}x{dv}xf32>,
       tensor<?x{hkv}x{d}xf32>, tensor<?x{hkv}x{dv}xf32>)
    -> (tensor<{t}x{hq}x{dv}xf32>, tensor<?x{hkv}x{d}xf32>, tensor<?x{hkv}x{dv}xf32>)
  return %o : tensor<{t}x{hq}x{dv}xf32>
}}"""


def attend(q: Array, keys: Array, values: Array, position: int, window: int, cap: float) -> Array:
    """Softmax attention in f64, one head and token at a time."""
    out = np.zeros((*q.shape[:2], values.shape[2]))
    ratio = q.shape[1] // keys.shape[1]
    for t in range(q.shape[0]):
        last = position + t
        seen = slice(max(0, last - window + 1) if window else 0, last + 1)
        for h in range(q.shape[1]):
            scores = keys[seen, h // ratio].astype(np.float64) @ q[t, h] * q.shape[2] ** -0.5
            if cap:
                scores = cap * np.tanh(scores / cap)
            weights = np.exp(scores - scores.max())
            out[t, h] = weights / weights.sum() @ values[seen, h // ratio]
    return out


@pytest.mark.parametrize(
    ("hq", "hkv", "d", "dv", "window", "cap"),
    [(4, 2, 16, 16, 0, 0.0), (6, 2, 20, 40, 5, 0.0), (3, 3, 64, 64, 0, 30.0), (2, 1, 8, 6, 1, 5.0)],
)
@pytest.mark.parametrize(("rows", "position"), [(1, 0), (1, 33), (5, 7), (40, 0)])
def test_attention(
    tmp_path: Path, hq: int, hkv: int, d: int, dv: int, window: int, cap: float, rows: int, position: int
) -> None:
    random = np.random.default_rng([hq, d, rows, position])
    capacity = position + rows + 3
    shapes = [(rows, hq, d), (rows, hkv, d), (rows, hkv, dv), (capacity, hkv, d), (capacity, hkv, dv)]
    q, k, v, keys, values = (random.standard_normal(shape, dtype=np.float32) for shape in shapes)
    text = ATTENTION.format(
        t="1" if rows == 1 else "?", hq=hq, hkv=hkv, d=d, dv=dv, scale=d**-0.5, window=window, cap=cap
    )
    inputs = arguments([q, k, v])
    inputs |= {"k_cache.0": keys.copy(), "v_cache.0": values.copy(), "position": np.array(position, dtype=np.int64)}
    found = run(tmp_path / "f.mlir", text, inputs)["result0"]
    keys[position : position + rows], values[position : position + rows] = k, v
    exact = attend(q, keys, values, position, window, cap)
    # Scores below 8 in size and weights that sum to 1: a few dozen roundings of numbers near 4.
    np.testing.assert_allclose(found, exact, rtol=0, atol=4e-6)


ALIBI = """
func.func @f(%q: tensor<{t}x{hq}x{d}xf32>, %k: tensor<{t}x{hkv}x{d}xf32>, %v: tensor<{t}x{hkv}x{d}xf32>,
    %kc: tensor<?x{hkv}x{d}xf32>, %vc: tensor<?x{hkv}x{d}xf32>, %p: index, %m: tensor<{hq}xf32> {{awq.name = "m"}})
    -> tensor<{t}x{hq}x{d}xf32> {{
  %o, %k1, %v1 = decoder.attention %q, %k, %v, %kc, %vc, %p slopes %m {{scale = {scale} : f64, softcap = {cap} : f64}}
    : (tensor<{t}x{hq}x{d}xf32>, tensor<{t}x{hkv}x{d}xf32>, tensor<{t}x{hkv}x{d}xf32>,
       tensor<?x{hkv}x{d}xf32>, tensor<?x{hkv}x{d}xf32>, tensor<{hq}xf32>)
    -> (tensor<{t}x{hq}x{d}xf32>, tensor<?x{hkv}x{d}xf32>, tensor<?x{hkv}x{d}xf32>)
  return %o : tensor<{t}x{hq}x{d}xf32>
}}"""


@pytest.mark.parametrize(("hq", "hkv", "cap"), [(8, 8, 0.0), (6, 2, 4.0)])
@pytest.mark.parametrize(("rows", "position"), [(1, 0), (1, 33), (5, 7), (40, 0)])
def test_attention_with_linear_biases(tmp_path: Path, hq: int, hkv: int, cap: float, rows: int, position: int) -> None:
    """ALiBi (arXiv 2108.12409): -m (p - j) is added to the score of row j for the query at position p."""
    random = np.random.default_rng([hq, rows, position])
    d, capacity = 20, position + rows + 2
    shapes = [(rows, hq, d), (rows, hkv, d), (rows, hkv, d), (capacity, hkv, d), (capacity, hkv, d)]
    q, k, v, keys, values = (random.standard_normal(shape, dtype=np.float32) for shape in shapes)
    slopes = (2.0 ** (-8.0 * np.arange(1, hq + 1) / hq)).astype(np.float32)
    text = ALIBI.format(t="1" if rows == 1 else "?", hq=hq, hkv=hkv, d=d, scale=d**-0.5, cap=cap)
    inputs = arguments([q, k, v])
    inputs |= {"k_cache.0": keys.copy(), "v_cache.0": values.copy(), "position": np.array(position, dtype=np.int64)}
    found = run(tmp_path / "f.mlir", text, {**inputs, "m": slopes})["result0"]

    keys[position : position + rows], values[position : position + rows] = k, v
    seen = position + rows
    wide_keys, wide_values = (np.repeat(x[:seen], hq // hkv, 1).astype(np.float64) for x in (keys, values))
    scores = np.einsum("thd,jhd->htj", q, wide_keys) * d**-0.5
    if cap:
        scores = cap * np.tanh(scores / cap)
    distance = (position + np.arange(rows))[:, None] - np.arange(seen)
    scores = np.where(distance < 0, -np.inf, scores - slopes[:, None, None] * distance)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    exact = np.einsum("htj,jhd->thd", weights / weights.sum(-1, keepdims=True), wide_values)
    np.testing.assert_allclose(found, exact, rtol=0, atol=4e-6)


FACTORS = """
func.func @f(%x: tensor<{t}x48xf32>, %w: tensor<48x48xf32>, %v: tensor<48x48xf32>) -> tensor<{t}x48xf32> {{
  %r = arith.constant 0.21875 : f32
  %l = arith.constant 0.0625 : f32
  {size}
  %a = awq.linear %x, %w : (tensor<{t}x48xf32>, tensor<48x48xf32>) -> tensor<{t}x48xf32>
  %rs = tensor.splat %r{dynamic} : tensor<{t}x48xf32>
  %b = arith.mulf %a, %rs : tensor<{t}x48xf32>
  %h = arith.addf %x, %b : tensor<{t}x48xf32>
  %c = awq.linear %h, %v : (tensor<{t}x48xf32>, tensor<48x48xf32>) -> tensor<{t}x48xf32>
  %ls = tensor.splat %l{dynamic} : tensor<{t}x48xf32>
  %y = arith.mulf %c, %ls : tensor<{t}x48xf32>
  return %y : tensor<{t}x48xf32>
}}"""


@pytest.mark.parametrize("rows", [0, 1, 6])
def test_factors_of_residual_and_logits(tmp_path: Path, rows: int) -> None:
    random = np.random.default_rng(rows)
    x, w, v = (random.standard_normal(shape, dtype=np.float32) for shape in ((rows, 48), (48, 48), (48, 48)))
    dimension = "%z = arith.constant 0 : index\n  %n = tensor.dim %x, %z : tensor<?x48xf32>"
    for text in [FACTORS.format(t="?", size=dimension, dynamic="[%n]")] + (
        [FACTORS.format(t="1", size="", dynamic="")] if rows == 1 else []
    ):
        found = run(tmp_path / "f.mlir", text, arguments([x, w, v]))["result0"]
        wide = x.astype(np.float64)
        exact = (wide + wide @ w.T * 0.21875) @ v.T * 0.0625
        size = (np.abs(wide) + np.abs(wide) @ np.abs(w.T) * 0.21875) @ np.abs(v.T) * 0.0625
        assert found.shape == (rows, 48)
        assert (np.abs(found - exact) <= 104 * UNIT * size).all()


ROTARY = """
func.func @f(%x: tensor<?x2x20xf32>, %cos: tensor<?x6xf32>, %sin: tensor<?x6xf32>) -> tensor<?x2x20xf32> {{
  %y = decoder.rotary %x, %cos, %sin {interleaved} : tensor<?x2x20xf32>, tensor<?x6xf32>
  return %y : tensor<?x2x20xf32>
}}"""


@pytest.mark.parametrize("interleaved", [False, True])
def test_partial_rotary(tmp_path: Path, interleaved: bool) -> None:
    """12 of 20 channels turn, the rest pass."""
    random = np.random.default_rng(4)
    x = random.standard_normal((5, 2, 20), dtype=np.float32)
    angle = random.standard_normal((5, 6))
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    text = ROTARY.format(interleaved="{interleaved}" if interleaved else "")
    found = run(tmp_path / "f.mlir", text, arguments([x, cos, sin]))["result0"]
    first, second = (slice(0, 12, 2), slice(1, 12, 2)) if interleaved else (slice(0, 6), slice(6, 12))
    a, b, c, s = x[..., first], x[..., second], cos[:, None], sin[:, None]
    exact = x.copy()
    exact[..., first], exact[..., second] = a * c - b * s, b * c + a * s
    np.testing.assert_array_equal(found[..., 12:], x[..., 12:])
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-6)
