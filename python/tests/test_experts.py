# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Mixtures of experts, run by awq-run, against the blocks of transformers that they describe."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from import_toys import BIN
from safetensors.numpy import load_file, save_file
from transformers import DeepseekV2Config, DeepseekV3Config, MixtralConfig, Qwen3MoeConfig
from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2Moe
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3MoE
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock
from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeSparseMoeBlock

pytestmark = pytest.mark.tools

Array = np.ndarray[Any, Any]
HIDDEN, INNER = 24, 40
TOLERANCE = 1e-5
COMMON: dict[str, Any] = {
    "hidden_size": HIDDEN,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "num_hidden_layers": 1,
    "vocab_size": 32,
}
DEEPSEEK: dict[str, Any] = {
    **COMMON,
    "moe_intermediate_size": INNER,
    "num_experts_per_tok": 4,
    "n_routed_experts": 16,
    "n_shared_experts": 2,
    "n_group": 4,
}


@dataclass(frozen=True)
class Mixture:
    """A block of transformers and the decoder.router that it stands for."""

    name: str
    block: type[Any]
    config: Any
    experts: int
    chosen: int
    router: str
    shared: int = 0
    bias: bool = False

    def make(self) -> Any:
        torch.manual_seed(3)
        block = self.block(self.config).eval()
        with torch.no_grad():
            for parameter in block.parameters():
                parameter.normal_(std=0.3)
            if self.bias:
                block.gate.e_score_correction_bias.uniform_(-0.4, 0.4)
        return block


MIXTURES = [
    Mixture(
        "mixtral",
        MixtralSparseMoeBlock,
        MixtralConfig(**COMMON, intermediate_size=INNER, num_local_experts=6, num_experts_per_tok=2),
        6,
        2,
        "normalize, scoring = #decoder.router_scoring<softmax>, top_k = 2 : i64",
    ),
    Mixture(
        # Softmax over the chosen logits alone is the same function.
        "mixtral-chosen",
        MixtralSparseMoeBlock,
        MixtralConfig(**COMMON, intermediate_size=INNER, num_local_experts=6, num_experts_per_tok=2),
        6,
        2,
        "scoring = #decoder.router_scoring<softmax_of_chosen>, top_k = 2 : i64",
    ),
    *[
        Mixture(
            f"qwen3-moe-{'' if normalised else 'not-'}normalised",
            Qwen3MoeSparseMoeBlock,
            Qwen3MoeConfig(
                **COMMON, moe_intermediate_size=INNER, num_experts=8, num_experts_per_tok=3, norm_topk_prob=normalised
            ),
            8,
            3,
            ("normalize, " if normalised else "") + "scoring = #decoder.router_scoring<softmax>, top_k = 3 : i64",
        )
        for normalised in (True, False)
    ],
    Mixture(
        "deepseek-v2",
        DeepseekV2Moe,
        DeepseekV2Config(**DEEPSEEK, topk_group=2, topk_method="group_limited_greedy", routed_scaling_factor=1.5),
        16,
        4,
        "group_score = #decoder.group_score<max>, groups = 4 : i64, kept_groups = 2 : i64, scale = 1.5 : f64, "
        "scoring = #decoder.router_scoring<softmax>, top_k = 4 : i64",
        shared=2,
    ),
    Mixture(
        "deepseek-v3",
        DeepseekV3MoE,
        DeepseekV3Config(**DEEPSEEK, topk_group=2, norm_topk_prob=True, routed_scaling_factor=2.5),
        16,
        4,
        "group_score = #decoder.group_score<sum_of_top_two>, groups = 4 : i64, kept_groups = 2 : i64, normalize, "
        "scale = 2.5 : f64, scoring = #decoder.router_scoring<sigmoid>, top_k = 4 : i64",
        shared=2,
        bias=True,
    ),
]


@dataclass
class Program:
    """A function of the hidden states whose weights lie in a file."""

    weights: dict[str, Array] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def weight(self, name: str, value: torch.Tensor) -> str:
        self.weights[name] = value.detach().numpy().copy()
        shape = "x".join(map(str, value.shape))
        self.lines.append(f'%{name} = ml_program.global_load_const @"{name}" : tensor<{shape}xf32>')
        return f"%{name}"

    def linear(self, result: str, source: str, weight: str) -> None:
        n, k = self.weights[weight].shape
        self.lines.append(
            f'{result} = awq.linear {source}, %{weight} {{awq.name = "{weight}"}}'
            f" : (tensor<?x{k}xf32>, tensor<{n}x{k}xf32>) -> tensor<?x{n}xf32>"
        )

    def glu(self, prefix: str, tokens: str, result: str) -> None:
        inner = self.weights[f"{prefix}_up"].shape[0]
        self.linear(f"%{prefix}_g", tokens, f"{prefix}_gate")
        self.linear(f"%{prefix}_u", tokens, f"{prefix}_up")
        self.lines.append(
            f"%{prefix}_m = decoder.glu %{prefix}_g, %{prefix}_u"
            f" {{kind = #decoder.activation_kind<silu>}} : tensor<?x{inner}xf32>"
        )
        self.linear(result, f"%{prefix}_m", f"{prefix}_down")

    def text(self, file: Path, tokens: str) -> str:
        globals_ = "\n".join(
            f'ml_program.global private @"{name}"(#ml_program.extern<tensor<{s}xf32>>) : tensor<{s}xf32>'
            for name, s in ((name, "x".join(map(str, value.shape))) for name, value in self.weights.items())
        )
        body = "\n".join(self.lines)
        body = body.replace("tensor<?x", "tensor<1x") if tokens == "1" else body
        hidden = f"tensor<{tokens}x{HIDDEN}xf32>"
        return (
            f'module attributes {{awq.parameter_files = ["{file}"]}} {{\n{globals_}\n'
            f'func.func @f(%x: {hidden} {{awq.name = "x"}}) -> {hidden} {{\n{body}\nreturn %y : {hidden}\n}}\n}}\n'
        )


def build(mixture: Mixture, block: Any) -> Program:
    """The block behind an RMS norm, so that there is something to scale."""
    program = Program()
    experts = block.experts
    program.weight("norm", torch.linspace(0.5, 1.5, HIDDEN))
    program.weight("router", block.gate.weight)
    if mixture.bias:
        program.weight("bias", block.gate.e_score_correction_bias)
    for e in range(mixture.experts):
        gate, up = experts.gate_up_proj[e].chunk(2)
        program.weight(f"e{e}_gate", gate)
        program.weight(f"e{e}_up", up)
        program.weight(f"e{e}_down", experts.down_proj[e])
    if mixture.shared:
        for part in ("gate", "up", "down"):
            program.weight(f"s_{part}", getattr(block.shared_experts, f"{part}_proj").weight)

    e, k, h = mixture.experts, mixture.chosen, HIDDEN
    hidden = f"tensor<?x{h}xf32>"
    program.lines.append(
        f'%n = decoder.rms_norm %x, %norm {{awq.name = "norm", epsilon = 1.0e-6 : f64}} : {hidden}, tensor<{h}xf32>'
    )
    program.linear("%logits", "%n", "router")
    bias, bias_type = (" bias %bias", f", tensor<{e}xf32>") if mixture.bias else ("", "")
    program.lines.append(
        f"%w, %i = decoder.router %logits{bias} {{{mixture.router}}}"
        f" : tensor<?x{e}xf32>{bias_type} -> tensor<?x{k}xf32>, tensor<?x{k}xi32>"
    )
    result = "%routed" if mixture.shared else "%y"
    program.lines.append(
        f"{result} = decoder.experts %n, %w, %i : ({hidden}, tensor<?x{k}xf32>, tensor<?x{k}xi32>) -> {hidden} {{"
    )
    for number in range(e):
        # The rows of an expert are always of dynamic number.
        program.lines.append(f"^bb0(%t: tensor<? x{h}xf32>):")
        start = len(program.lines)
        program.glu(f"e{number}", "%t", "%d")
        program.lines[start:] = [line.replace("<?x", "<? x") for line in program.lines[start:]]
        program.lines.append(f"decoder.yield %d : tensor<? x{h}xf32>")
        program.lines.append("}, {" if number + 1 < e else "}")
    if mixture.shared:
        program.glu("s", "%n", "%shared")
        program.lines.append(f"%y = arith.addf %routed, %shared : {hidden}")
    return program


def expected(block: Any, x: Array) -> Array:
    hidden = torch.from_numpy(x)
    normed = hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + 1e-6) * torch.linspace(0.5, 1.5, HIDDEN)
    with torch.no_grad():
        result: Array = block(normed[None])[0].numpy()
    return result


def run(program: Path, x: Array, *options: str) -> Array:
    source, target = program.with_suffix(".in"), program.with_suffix(".out")
    save_file({"x": x}, source)
    command = [BIN / "awq-run", program, "--input", source, "--output", target, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    result: Array = load_file(target)["result0"]
    return result


def hidden_states(rows: int) -> Array:
    return np.random.default_rng(rows).standard_normal((rows, HIDDEN), dtype=np.float32)


@pytest.mark.parametrize("mixture", MIXTURES, ids=lambda mixture: mixture.name)
def test_block(mixture: Mixture, tmp_path: Path) -> None:
    block = mixture.make()
    program, file = build(mixture, block), tmp_path / "weights.safetensors"
    save_file(program.weights, file)
    for tokens, counts in (("?", (1, 3, 29)), ("1", (1,))):
        module = tmp_path / f"block{len(counts)}.mlir"
        module.write_text(program.text(file, tokens))
        for rows in counts:
            x = hidden_states(rows)
            found, exact = run(module, x), expected(block, x)
            assert found.shape == exact.shape
            assert np.max(np.abs(found - exact)) <= TOLERANCE * np.max(np.abs(exact))


@pytest.mark.parametrize("mixture", MIXTURES[-1:], ids=lambda mixture: mixture.name)
def test_scaled_block_is_the_block(mixture: Mixture, tmp_path: Path) -> None:
    """The norm scaled against the router, the shared and all other experts; each up against its down."""
    block = mixture.make()
    program, file = build(mixture, block), tmp_path / "weights.safetensors"
    save_file(program.weights, file)
    module, scaled = tmp_path / "block.mlir", tmp_path / "scaled.mlir"
    module.write_text(program.text(file, "?"))
    side = tmp_path / "scales.safetensors"
    command = [BIN / "awq-opt", module, f"-awq-test-scale-groups=seed=5 side-file={side}", "-awq-apply-scales"]
    done = subprocess.run([*command, "-o", scaled], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    factors = load_file(side)
    assert len(factors) == 1 + mixture.experts + 1
    assert min(map(np.min, factors.values())) < 0.1 and max(map(np.max, factors.values())) > 10
    x = hidden_states(29)
    exact = expected(block, x)
    assert np.max(np.abs(run(scaled, x) - exact)) <= 1e-4 * np.max(np.abs(exact))


def test_threads_do_not_change_a_bit(tmp_path: Path) -> None:
    mixture = MIXTURES[0]
    program, file = build(mixture, mixture.make()), tmp_path / "weights.safetensors"
    save_file(program.weights, file)
    module = tmp_path / "block.mlir"
    module.write_text(program.text(file, "?"))
    x = hidden_states(300)
    one, two = (run(module, x, f"--threads={n}") for n in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_quantized_experts(tmp_path: Path) -> None:
    """Every linear of every expert is rounded like any other; the router stays float."""
    mixture = MIXTURES[0]
    block = mixture.make()
    program, file = build(mixture, block), tmp_path / "weights.safetensors"
    save_file(program.weights, file)
    module, quantized = tmp_path / "block.mlir", tmp_path / "quantized.mlir"
    module.write_text(program.text(file, "?"))
    side = tmp_path / "codes.safetensors"
    flag = f"-awq-quantize-weights=bits=8 group=0 skip=router side-file={side}"
    subprocess.run([BIN / "awq-opt", module, flag, "-o", quantized], check=True, timeout=120)
    text = quantized.read_text()
    assert text.count("awq.quantized_linear") == 3 * mixture.experts
    assert text.count("awq.linear") == 1
    codes = load_file(side)

    def unsigned(name: str) -> Array:
        return codes[name].view(np.uint8).astype(np.float32)

    with torch.no_grad():
        for e in range(mixture.experts):
            restored = [
                torch.from_numpy(
                    (unsigned(f"e{e}_{part}.codes") - unsigned(f"e{e}_{part}.zeros"))
                    * codes[f"e{e}_{part}.scales"].astype(np.float32)
                )
                for part in ("gate", "up", "down")
            ]
            block.experts.gate_up_proj[e] = torch.cat(restored[:2])
            block.experts.down_proj[e] = restored[2]
    x = hidden_states(29)
    exact = expected(block, x)
    assert np.max(np.abs(run(quantized, x) - exact)) <= TOLERANCE * np.max(np.abs(exact))


ROUTE = """
func.func @f(%l: tensor<?x4xf32> {awq.name = "l"}) -> (tensor<?x2xf32>, tensor<?x2xi32>) {
  %w, %i = decoder.router %l {scoring = #decoder.router_scoring<softmax_of_chosen>, top_k = 2 : i64}
    : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  return %w, %i : tensor<?x2xf32>, tensor<?x2xi32>
}
"""


def test_ties_extremes_and_nan(tmp_path: Path) -> None:
    """Equals go to the lower number; a token without any number is still sent somewhere in range."""
    module = tmp_path / "route.mlir"
    module.write_text(ROUTE)
    inf, nan = np.inf, np.nan
    rows = [[1, 1, 1, 1], [0, 2, 2, 1], [-inf, 3, -inf, -inf], [5, nan, 4, nan], [nan] * 4, [1e30, -1e30, 1e29, 0]]
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file({"l": np.array(rows, np.float32)}, source)
    subprocess.run([BIN / "awq-run", module, "--input", source, "--output", target], check=True, timeout=120)
    found = load_file(target)
    assert found["result1"].tolist() == [[0, 1], [1, 2], [1, 0], [0, 2], [0, 0], [0, 2]]
    weights = found["result0"]
    np.testing.assert_allclose(weights[:4].sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(weights[0], 0.5, rtol=1e-6)
    assert weights[2].tolist() == [1, 0] and weights[5].tolist() == [1, 0]


OUTSIDE = """
func.func @f(%x: tensor<?x4xf32> {awq.name = "x"}, %w: tensor<?x2xf32> {awq.name = "w"},
             %i: tensor<?x2xi32> {awq.name = "i"}) -> tensor<?x4xf32> {
  %y = decoder.experts %x, %w, %i : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2xi32>) -> tensor<?x4xf32> {
  ^bb0(%t: tensor<?x4xf32>):
    decoder.yield %t : tensor<?x4xf32>
  }, {
  ^bb0(%t: tensor<?x4xf32>):
    %a = arith.addf %t, %t : tensor<?x4xf32>
    decoder.yield %a : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
"""


def test_indices_outside_add_nothing(tmp_path: Path) -> None:
    module = tmp_path / "outside.mlir"
    module.write_text(OUTSIDE)
    x = np.arange(20, dtype=np.float32).reshape(5, 4)
    indices = np.array([[0, 1], [1, 2], [-1, 0], [7, 2**31 - 1], [1, 1]], np.int32)
    weights = np.array([[2, 3]] * 5, np.float32)
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file({"x": x, "w": weights, "i": indices}, source)
    subprocess.run([BIN / "awq-run", module, "--input", source, "--output", target], check=True, timeout=120)
    factors = np.array([2 * 1 + 3 * 2, 2 * 2, 3 * 1, 0, 2 * 2 + 3 * 2], np.float32)
    np.testing.assert_array_equal(load_file(target)["result0"], x * factors[:, None])
