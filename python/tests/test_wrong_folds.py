# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Folds that quantizers of today make and that change the model (or that they miss), each with what we do instead."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from architecture_toys import ARCHITECTURES
from import_toys import BIN, import_model
from safetensors.numpy import load_file
from test_fold_equivalence import opt

pytestmark = pytest.mark.tools


def imported(name: str, folder: Path) -> Path:
    next(toy for toy in ARCHITECTURES if toy.name == name).make(folder)
    program = folder / "model.mlir"
    program.write_text(import_model(folder))
    return program


def remarks(program: Path) -> dict[str, str]:
    """Why what an op produces cannot be scaled, from the missed-optimisation remarks, by the op's name."""
    command: list[str | Path] = [BIN / "awq-opt", program, "-awq-find-scaling-groups", "-o", "/dev/null"]
    command += ["-remarks-filter-missed=awq-find-scaling-groups", "-remark-format=emitRemark"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stderr
    return dict(re.findall(r'"(\S+): no scaling group: (.*)"$', text, re.MULTILINE))


@pytest.mark.parametrize(
    ("toy", "producer", "reason"),
    [
        # AutoAWQ's InternLM2 divides w1 and multiplies w2, but w1 is what SiLU reads.
        ("internlm2", "feed_forward.w1", "'decoder.glu' blocks, the gate's activation silu does not commute"),
        # Norms behind the blocks ("sandwich") feed the residual, not q, k, v or the MLP.
        ("gemma2", "post_attention_layernorm", "'arith.addf' blocks, the other term of the addition is not scaled"),
        ("gemma2", "post_feedforward_layernorm", "'arith.addf' blocks, the other term of the addition is not scaled"),
        ("olmo2", "post_attention_layernorm", "'arith.addf' blocks, the other term of the addition is not scaled"),
        # With norms of q and k there is nothing of q_proj that could be undone behind the norm.
        ("gemma3", "self_attn.q_proj", "'decoder.rms_norm' blocks, normalisation depends on all channels"),
        ("qwen3_moe", "self_attn.k_proj", "'decoder.rms_norm' blocks, normalisation depends on all channels"),
        # Other logits would choose other experts.
        ("mixtral", "block_sparse_moe.gate", "'decoder.router' blocks, the choice of experts depends on the logits"),
        # The activation between the two linears of a plain MLP does not commute unless it is homogeneous.
        ("phi", "mlp.fc1", "'decoder.activation' blocks, activation gelu_tanh does not commute with scaling"),
        ("falcon", "mlp.dense_h_to_4h", "'decoder.activation' blocks, activation gelu does not commute with scaling"),
        # What attention puts out is added to the residual.
        ("gpt_neox", "attention.dense", "'arith.addf' blocks, the other term of the addition is not scaled"),
    ],
)
def test_a_producer_that_is_not_scaled(toy: str, producer: str, reason: str, tmp_path: Path) -> None:
    family = next(found for found in ARCHITECTURES if found.name == toy)
    assert all(not group.startswith(f"{producer} ->") for groups in family.groups for group in groups)
    found = remarks(imported(toy, tmp_path))
    assert found[family.layer.format(0) + producer].startswith(reason)


HEADS, KV_HEADS, SIZE = 4, 2, 16
BLOCKS = np.array(["q"] * HEADS * SIZE + ["k"] * KV_HEADS * SIZE + ["v"] * KV_HEADS * SIZE)
PER_HEAD = np.array((["q"] * 2 * SIZE + ["k"] * SIZE + ["v"] * SIZE) * KV_HEADS)
EACH_HEAD = np.array((["q"] * SIZE + ["k"] * SIZE + ["v"] * SIZE) * HEADS)
LATENT = np.array((["k"] * 16 + ["v"] * 12) * HEADS)


@pytest.mark.parametrize(
    ("toy", "linear", "reader", "rows"),
    [
        # AutoAWQ takes the last hidden_size rows for v; with grouped queries they hold rows of k.
        ("phi3", "self_attn.qkv_proj", "self_attn.o_proj", BLOCKS),
        # And for InternLM2, whose rows of v lie between those of q and k.
        ("internlm2", "attention.wqkv", "attention.wo", PER_HEAD),
        ("falcon-two-norms", "self_attention.query_key_value", "self_attention.dense", PER_HEAD),
        ("gpt_neox", "attention.query_key_value", "attention.dense", EACH_HEAD),
        # A fold that all of them miss.
        ("deepseek_v3", "self_attn.kv_b_proj", "self_attn.o_proj", LATENT),
    ],
)
def test_only_the_rows_of_v_are_scaled(toy: str, linear: str, reader: str, rows: np.ndarray, tmp_path: Path) -> None:
    program = imported(toy, tmp_path)
    side = tmp_path / "scales.safetensors"
    opt(program, f"-awq-test-scale-groups=seed=5 side-file={side}")
    prefix = next(found for found in ARCHITECTURES if found.name == toy).layer.format(0)
    scales = load_file(side)
    produced = scales[f"{prefix}{linear}.channel_scales"]
    assert np.array_equal(produced != 1, rows == "v")
    # Channel h of the reader belongs to the value head that serves query head h.
    values = produced[rows == "v"]
    heads = rows.size // np.gcd(rows.size, values.size)
    assert heads > 1
    size = 12 if toy == "deepseek_v3" else SIZE
    per_value_head = values.reshape(-1, size)
    expected = np.repeat(per_value_head, HEADS // per_value_head.shape[0], axis=0).reshape(-1)
    assert np.array_equal(scales[f"{prefix}{reader}.channel_scales"], expected)


@pytest.mark.parametrize(
    ("toy", "router"),
    [("mixtral", "block_sparse_moe.gate"), ("qwen3_moe", "mlp.gate"), ("deepseek_v3", "mlp.gate")],
)
def test_the_router_is_scaled_with_its_experts(toy: str, router: str, tmp_path: Path) -> None:
    """AutoAWQ and GPTQModel divide the norm and leave the router: other experts are chosen."""
    program = imported(toy, tmp_path)
    side = tmp_path / "scales.safetensors"
    text = opt(program, f"-awq-test-scale-groups=seed=5 side-file={side}")
    scaled = re.findall(r'awq\.linear .*awq\.name = "(\S+)"', text)
    name = f"model.layers.1.{router}"
    assert name in scaled
    line = next(line for line in text.splitlines() if f'awq.name = "{name}"' in line)
    weight = re.search(r"awq\.linear %\S+, (%\S+)", line)
    assert weight is not None
    start = text.index("func.func private @layers.1(")
    definition = re.search(rf"^ *{re.escape(weight[1])} = (\S+)", text[start:], re.MULTILINE)
    assert definition is not None and definition[1] == "awq.scale_channels"
