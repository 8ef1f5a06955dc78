# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""awq-run --device=sim: the GPU kernels of quantized linears against the CPU's results."""

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
Arrays = dict[str, Array]

TOKENS = 5
GROUP = 64


@dataclass
class Linear:
    """One of the distinct linears of SmolLM2-135M, or one with all options."""

    name: str
    n: int
    k: int
    symmetric: bool = False
    bias: bool = False

    def text(self, weights: Path | None = None) -> str:
        """A module; weights are arguments, or parameters in a file, as the CPU wants them."""
        groups = self.k // GROUP
        operands = {"q": f"tensor<{self.n}x{self.k}xi8>", "s": f"tensor<{self.n}x{groups}xf16>"}
        clauses = ""
        if not self.symmetric:
            operands["z"] = f"tensor<{self.n}x{groups}xi8>"
            clauses += " zeros %z"
        if self.bias:
            operands["b"] = f"tensor<{self.n}xf32>"
            clauses += " bias %b"
        x, result = f"tensor<?x{self.k}xf32>", f"tensor<?x{self.n}xf32>"
        zero = "symmetric" if self.symmetric else "asymmetric"
        arguments = {"x": x} if weights else {"x": x, **operands}
        declared = ", ".join(f'%{name}: {kind} {{awq.name = "{name}"}}' for name, kind in arguments.items())
        parameters = loads = ""
        for name, kind in operands.items() if weights else ():
            parameters += f"ml_program.global private @{name}(#ml_program.extern<{kind}>) : {kind}\n"
            loads += f"  %{name} = ml_program.global_load_const @{name} : {kind}\n"
        attributes = f' attributes {{awq.parameter_files = ["{weights}"]}}' if weights else ""
        return f"""
module{attributes} {{
{parameters}func.func @{self.name}({declared}) -> {result} {{
{loads}  %y = awq.quantized_linear %x, %q, %s{clauses}
    {{scheme = #awq.scheme<bits = 4, group = {GROUP}, zero = {zero}, scale = f16>}}
    : ({", ".join([x, *operands.values()])}) -> {result}
  return %y : {result}
}}
}}
"""

    def tensors(self) -> Arrays:
        random = np.random.default_rng([self.n, self.k])
        groups = (self.n, self.k // GROUP)
        tensors: Arrays = {
            "x": random.standard_normal((TOKENS, self.k), dtype=np.float32),
            "q": random.integers(0, 16, (self.n, self.k)).astype(np.int8),
            "s": (0.01 + random.random(groups) / 32).astype(np.float16),
        }
        if not self.symmetric:
            tensors["z"] = random.integers(0, 16, groups).astype(np.int8)
        if self.bias:
            tensors["b"] = random.standard_normal(self.n, dtype=np.float32)
        return tensors


LINEARS = [
    Linear("q_and_o", 576, 576),
    Linear("k_and_v", 192, 576),
    Linear("gate_and_up", 1536, 576),
    Linear("down", 576, 1536),
    Linear("all_options", 136, 192, symmetric=True, bias=True),
]


def run(program: Path, inputs: Arrays, *options: str) -> subprocess.CompletedProcess[str]:
    source, target = program.with_suffix(".in"), program.with_suffix(".out")
    save_file(inputs, source)
    command = [BIN / "awq-run", program, "--input", source, "--output", target, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def result(program: Path, inputs: Arrays, *options: str, index: int = 0) -> Array:
    done = run(program, inputs, *options)
    assert done.returncode == 0, done.stderr
    found: Array = load_file(program.with_suffix(".out"))[f"result{index}"]
    return found


def bound(linear: Linear, t: Arrays, unit: float) -> tuple[Array, Array]:
    """The result in float64, and how far a kernel and the CPU may be apart.

    Activations, bias and results are rounded to `unit` once. Sums of codes and of zero points
    are added up in f32 in any order, by the kernel and, of weights, by the CPU.
    """
    x = t["x"].astype(np.float64)
    scale = np.repeat(t["s"].astype(np.float64), GROUP, axis=1)
    zero = np.repeat(t["z"].astype(np.float64), GROUP, axis=1) if "z" in t else np.full_like(scale, 8)
    code = t["q"].astype(np.float64)
    bias = t["b"].astype(np.float64) if "b" in t else np.zeros(linear.n)
    weight = (code - zero) * scale
    exact = x @ weight.T + bias
    sums = np.abs(x) @ np.abs(weight).T
    parts = np.abs(x) @ ((code + zero) * scale).T
    rounding = unit * (sums + np.abs(bias) + np.abs(exact)) * 1.01
    # A row's activations are f16 with one exponent for the largest: 2^-24 of it is lost below.
    tiny = 2.0**-24 * np.abs(x).max(axis=1, keepdims=True) * np.abs(weight).sum(axis=1)
    return exact, rounding + tiny + 2 * (linear.k + 8) * 2.0**-24 * (parts + np.abs(bias))


@pytest.mark.parametrize("linear", LINEARS, ids=lambda linear: linear.name)
def test_like_the_cpu(tmp_path: Path, linear: Linear) -> None:
    program, weights = tmp_path / "linear.mlir", tmp_path / "weights.safetensors"
    tensors = linear.tensors()
    save_file({name: tensor for name, tensor in tensors.items() if name != "x"}, weights)
    program.write_text(linear.text(weights))
    x = {"x": tensors["x"]}
    cpu = result(program, x)
    exact, distance = bound(linear, tensors, 2.0**-11)
    assert (np.abs(cpu - exact) <= distance).all()
    for chip in ("sm_80", "sm_86", "sm_89", "sm_90a"):
        gpu = result(program, x, "--device=sim", f"--chip={chip}")
        assert gpu.shape == cpu.shape
        assert (np.abs(gpu - cpu) <= distance).all(), chip
        # It is the kernel that ran: its results are numbers of f16.
        np.testing.assert_array_equal(gpu, gpu.astype(np.float16))


def test_other_kernels(tmp_path: Path) -> None:
    linear = LINEARS[-1]
    program = tmp_path / "linear.mlir"
    program.write_text(linear.text())
    tensors = linear.tensors()
    for activations, unit in (("f16", 2.0**-11), ("bf16", 2.0**-8)):
        options = ["--device=sim", "--blocks=3", "--mode=exact", f"--activations={activations}"]
        gpu = result(program, tensors, *options)
        exact, distance = bound(linear, tensors, unit)
        assert (np.abs(gpu - exact) <= distance).all()


def test_what_it_refuses(tmp_path: Path) -> None:
    linear = LINEARS[1]
    program = tmp_path / "linear.mlir"
    program.write_text(linear.text())
    tensors = linear.tensors()
    assert "error[AWQ1542]" in run(program, tensors, "--device=gpu").stderr
    assert "error[AWQ1520]" in run(program, tensors, "--device=sim", "--entry=f").stderr
    assert "sm_75" in run(program, tensors, "--device=sim", "--chip=sm_75").stderr
    missing = {name: tensor for name, tensor in tensors.items() if name != "s"}
    assert "'s' is missing" in run(program, missing, "--device=sim").stderr
    wrong = dict(tensors, s=tensors["s"].astype(np.float32))
    assert "'s' does not fit" in run(program, wrong, "--device=sim").stderr
    unknown = dict(tensors, t=tensors["s"])
    assert "no argument 't'" in run(program, unknown, "--device=sim").stderr
    weights = tmp_path / "weights.safetensors"
    save_file({"q": tensors["q"], "s": tensors["s"]}, weights)
    program.write_text(linear.text(weights))
    assert "error[AWQ1522]" in run(program, {"x": tensors["x"]}, "--device=sim").stderr
    program.write_text(linear.text().replace("return %y", "%d = arith.addf %y, %y : tensor<?x192xf32>\n  return %d"))
    done = run(program, tensors, "--device=sim")
    assert "error[AWQ1540]" in done.stderr
    assert "arith.addf" in done.stderr
