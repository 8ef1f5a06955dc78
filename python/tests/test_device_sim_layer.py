# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""awq-run --device=sim: the linears of a layer, with what is fused into them, against the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from test_device_sim import GROUP, Array, Arrays, result, run

pytestmark = pytest.mark.tools

HIDDEN, INNER, HEADS, KV_HEADS, HEAD, TOKENS = 192, 256, 3, 1, 64, 5
SCHEME = f"#awq.scheme<bits = 4, group = {GROUP}, zero = asymmetric, scale = f16>"


def tensor(*shape: int | str) -> str:
    """The type of a tensor: sizes, then elements."""
    return f"tensor<{'x'.join(str(size) for size in shape)}>"


class Module:
    """A module of one function whose weights are parameters in a file."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.parameters: Arrays = {}
        self.globals = self.body = ""

    def parameter(self, name: str, values: Array, element: str) -> str:
        kind = tensor(*values.shape, element)
        self.parameters[name] = values
        self.globals += f"ml_program.global private @{name}(#ml_program.extern<{kind}>) : {kind}\n"
        self.body += f"  %{name} = ml_program.global_load_const @{name} : {kind}\n"
        return kind

    def linear(self, name: str, source: str, n: int, k: int) -> None:
        """%name = source W^T for random weights."""
        codes = self.random.integers(0, 16, (n, k)).astype(np.int8)
        zeros = self.random.integers(6, 10, (n, k // GROUP)).astype(np.int8)
        scales = (0.004 + 0.01 * self.random.random((n, k // GROUP))).astype(np.float16)
        kinds = [
            tensor("?", k, "f32"),
            self.parameter(f"{name}_q", codes, "i8"),
            self.parameter(f"{name}_s", scales, "f16"),
            self.parameter(f"{name}_z", zeros, "i8"),
        ]
        self.body += f"""  %{name} = awq.quantized_linear %{source}, %{name}_q, %{name}_s zeros %{name}_z
    {{awq.name = "{name}", scheme = {SCHEME}}} : ({", ".join(kinds)}) -> {tensor("?", n, "f32")}
"""

    def norm(self, name: str, source: str) -> None:
        """%name = rms_norm(source) for a random weight."""
        weight = (1 + 0.2 * self.random.standard_normal(HIDDEN)).astype(np.float32)
        kind = self.parameter(f"{name}_w", weight, "f32")
        self.body += f"""  %{name} = decoder.rms_norm %{source}, %{name}_w {{epsilon = 1.0e-05 : f64}}
    : {tensor("?", HIDDEN, "f32")}, {kind}
"""

    def write(self, folder: Path, arguments: dict[str, str], results: dict[str, str]) -> Path:
        """The module as a file, and its parameters beside it."""
        weights, program = folder / "weights.safetensors", folder / "layer.mlir"
        save_file(self.parameters, weights)
        declared = ", ".join(f'%{name}: {kind} {{awq.name = "{name}"}}' for name, kind in arguments.items())
        names = ", ".join(f"%{name}" for name in results)
        kinds = ", ".join(results.values())
        program.write_text(
            f'module attributes {{awq.parameter_files = ["{weights}"]}} {{\n{self.globals}'
            f"func.func @layer({declared}) -> ({kinds}) {{\n{self.body}  return {names} : {kinds}\n}}\n}}\n"
        )
        return program


def inputs(random: np.random.Generator) -> Array:
    return random.standard_normal((TOKENS, HIDDEN)).astype(np.float32)


def is_close(gpu: Array, cpu: Array) -> bool:
    """Results of the GPU are rounded to f16, and so is what one linear hands to the next."""
    size = np.sqrt(np.mean(cpu.astype(np.float64) ** 2))
    return bool((np.abs(gpu - cpu) <= 2.0**-10 * (np.abs(cpu) + size)).all())


@pytest.mark.parametrize("chip", ["sm_80", "sm_90a"])
def test_feed_forward(tmp_path: Path, chip: str) -> None:
    module = Module(1)
    module.norm("n", "x")
    module.linear("gate", "n", INNER, HIDDEN)
    module.linear("up", "n", INNER, HIDDEN)
    inner, hidden = tensor("?", INNER, "f32"), tensor("?", HIDDEN, "f32")
    module.body += f"  %h = decoder.glu %gate, %up {{kind = #decoder.activation_kind<silu>}} : {inner}\n"
    module.linear("down", "h", HIDDEN, INNER)
    module.body += f"  %r = arith.addf %x, %down : {hidden}\n"
    program = module.write(tmp_path, {"x": hidden}, {"r": hidden})
    x = {"x": inputs(module.random)}
    gpu, cpu = result(program, x, "--device=sim", f"--chip={chip}"), result(program, x)
    assert gpu.shape == (TOKENS, HIDDEN)
    assert is_close(gpu, cpu)
    # Without the fusion there is more than linears.
    assert "decoder.rms_norm" in run(program, x, "--device=sim", "--fuse=false").stderr


@pytest.mark.parametrize("chip", ["sm_80", "sm_90a"])
def test_projections(tmp_path: Path, chip: str) -> None:
    module = Module(2)
    module.norm("n", "x")
    hidden, table = tensor("?", HIDDEN, "f32"), tensor("?", HEAD // 2, "f32")
    module.body += f"  %zero = arith.constant 0 : index\n  %t = tensor.dim %x, %zero : {hidden}\n"
    results = {}
    for name, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
        module.linear(name, "n", heads * HEAD, HIDDEN)
        flat, split = tensor("?", heads * HEAD, "f32"), tensor("?", heads, HEAD, "f32")
        module.body += f"""  %{name}h = tensor.expand_shape %{name} [[0], [1, 2]] output_shape [%t, {heads}, {HEAD}]
    : {flat} into {split}
"""
        results[f"{name}h"] = split
    for name in ("q", "k"):
        split = results.pop(f"{name}h")
        module.body += f"  %{name}r = decoder.rotary %{name}h, %c, %s : {split}, {table}\n"
        results[f"{name}r"] = split
    program = module.write(tmp_path, {"x": hidden, "c": table, "s": table}, results)
    angles = module.random.random((TOKENS, HEAD // 2)) * 6
    tensors = {
        "x": inputs(module.random),
        "c": np.cos(angles).astype(np.float32),
        "s": np.sin(angles).astype(np.float32),
    }
    for index in range(3):
        gpu = result(program, tensors, "--device=sim", f"--chip={chip}", index=index)
        assert is_close(gpu, result(program, tensors, index=index))
