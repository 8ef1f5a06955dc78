# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""AutoAWQ's arithmetic: given the same scales and clips, every stored tensor is that of its formulas in float16.

The formulas are those of AutoAWQ 0.2.9 (awq/quantize/scale.py, quantizer.py), operation by operation in numpy's
float16, which computes in float32 and rounds each result, as PyTorch does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from architecture_toys import FAMILIES as ARCHITECTURE_FAMILIES
from architecture_toys import LAYERS, LLAMA
from import_toys import TOYS, import_model
from safetensors.numpy import load_file
from test_passes_by_hand import SITE, opt, write_statistics
from test_quantize_arithmetic import autoawq

pytestmark = pytest.mark.tools

half = np.float16
GROUP = 16
UNCLIPPED = ("q_", "k_", "query", "key", "Wqkv")  # AutoAWQ's avoid_clipping
Tensors = dict[str, np.ndarray[Any, Any]]


def run_passes(name: str, folder: Path) -> tuple[Tensors, Tensors, Tensors, list[list[str]], str]:
    """The model's tensors, the scales and clips that were chosen, what is stored, the groups, and layers' prefix."""
    family = next((toy for toy in ARCHITECTURE_FAMILIES if toy.name == name), None)
    toy = family or next(toy for toy in TOYS if toy.name == name)
    toy.make(folder)
    steps = [folder / f"{i}.mlir" for i in range(4)]
    steps[0].write_text(import_model(folder))
    sites = [(site, int(channels)) for site, channels in SITE.findall(opt(steps[0], steps[1], "awq-insert-observers"))]
    statistics = folder / "statistics.safetensors"
    write_statistics(statistics, folder / "model.safetensors", sites)
    scheme = f"autoawq bits=4 group={GROUP} statistics={statistics}"
    chosen, stored = folder / "chosen.safetensors", folder / "stored.safetensors"
    opt(
        steps[1],
        steps[2],
        f"awq-search-scales{{{scheme} side-file={chosen}}}",
        "func.func(awq-apply-scales{autoawq})",
    )
    clips = folder / "clips.safetensors"
    opt(steps[2], steps[3], f"awq-search-clips{{{scheme} side-file={clips}}}")
    codes = folder / "codes.safetensors"
    opt(
        steps[3],
        folder / "done.mlir",
        f"awq-quantize-weights{{{scheme} side-file={codes}}}",
        "func.func(awq-remove-observers)",
        f"awq-materialize-parameters{{side-file={stored}}}",
    )
    weights = load_file(folder / "model.safetensors")
    choices = {**load_file(chosen), **load_file(clips)}
    groups = family.groups if family else [LLAMA] * 3
    prefix = family.layer if family else "model.layers.{}."
    return weights, choices, {**load_file(codes), **load_file(stored)}, groups, prefix


def fold(weights: Tensors, choices: Tensors, group: str, producers: set[str], prefix: str, offset: float) -> None:
    """AutoAWQ's apply_scale for one group: the producer is divided, then the readers are multiplied."""
    producer, readers = (part.split() for part in group.split(" -> "))
    name = prefix + producer[0]
    scales = choices[f"{name}.channel_scales"].astype(half)
    if weights[f"{name}.weight"].ndim == 1:
        shifted = (weights[f"{name}.weight"] + half(offset)).astype(half)
        weights[f"{name}.weight"] = ((shifted / scales).astype(half) - half(offset)).astype(half)
    else:
        weights[f"{name}.weight"] = (weights[f"{name}.weight"] / scales[:, None]).astype(half)
    if f"{name}.bias" in weights:
        weights[f"{name}.bias"] = (weights[f"{name}.bias"] / scales).astype(half)
    for reader in readers:
        # What is called after a linear are the scales of its outputs, if it produces a group.
        tied = None if reader in producers else choices.get(f"{prefix}{reader}.channel_scales")
        factor = scales if tied is None else tied.astype(half)
        weights[f"{prefix}{reader}.weight"] = (weights[f"{prefix}{reader}.weight"] * factor).astype(half)


@pytest.mark.parametrize(
    ("name", "offset"),
    [("llama-biases", 0.0), ("llama-multi-head", 0.0), ("gemma", 1.0), ("phi3", 0.0), ("starcoder2", 0.0)],
)
def test_every_stored_tensor(name: str, offset: float, tmp_path: Path) -> None:
    original, choices, stored, groups, layer_name = run_passes(name, tmp_path)
    with np.errstate(over="ignore"):
        weights = {name: tensor.astype(half) for name, tensor in original.items()}
    for layer in range(min(LAYERS, len(groups))):
        prefix = layer_name.format(layer)
        for group in groups[layer]:
            producers = {other.split(" -> ")[0] for other in groups[layer]}
            fold(weights, choices, group, producers, prefix, offset)
    compared = clipped = 0
    for layer in range(min(LAYERS, len(groups))):
        prefix = layer_name.format(layer)
        for weight in [n for n in original if n.startswith(prefix) and n.endswith(".weight") and original[n].ndim == 2]:
            linear = weight.removesuffix(".weight")
            w = weights[weight]
            assert (f"{linear}.clip_hi" in choices) <= all(part not in linear for part in UNCLIPPED)
            if f"{linear}.clip_hi" in choices:
                bound = choices[f"{linear}.clip_hi"].astype(half)
                assert np.array_equal(bound, choices[f"{linear}.clip_hi"])  # float16 to begin with
                grouped = w.reshape(w.shape[0], -1, GROUP)
                w = np.clip(grouped, -bound[..., None], bound[..., None]).reshape(w.shape)
                clipped += 1
            codes, scales, zeros = autoawq(w, GROUP)
            assert np.array_equal(stored[f"{linear}.codes"], codes), linear
            assert np.array_equal(stored[f"{linear}.scales"], scales.astype(half)), linear
            assert np.array_equal(stored[f"{linear}.zeros"], zeros), linear
            compared += 1
        for group in groups[layer]:
            producer = prefix + group.split(" -> ")[0]
            for tensor in (f"{producer}.weight", f"{producer}.bias"):
                if tensor in original and original[tensor].ndim == 1:
                    assert np.array_equal(stored[f"{tensor}.materialized"], weights[tensor]), tensor
                    compared += 1
    assert compared > 10 and clipped > 4


def test_the_grid_is_autoawqs(tmp_path: Path) -> None:
    """Each choice is a point of AutoAWQ's grid: s = x^r / (w^(1-r) + 1e-4), r = 0 .. 0.95, normalised."""
    original, choices, _, groups, layer_name = run_passes("llama", tmp_path)
    statistics = load_file(tmp_path / "statistics.safetensors")
    for layer in range(LAYERS):
        prefix = layer_name.format(layer)
        x = statistics[f"{prefix}self_attn.q_proj.input/fit/mean_abs"].astype(np.float64)
        w = np.concatenate([original[f"{prefix}self_attn.{n}_proj.weight"] for n in "qkv"]).astype(np.float64)
        grouped = np.abs(w).reshape(w.shape[0], -1, GROUP)
        means = (grouped / (grouped.max(-1, keepdims=True) + 1e-6)).reshape(w.shape).mean(0)
        points = []
        for k in range(20):
            s = np.maximum(x ** (k / 20) / (means ** (1 - k / 20) + 1e-4), 1e-4)
            points.append(s / np.sqrt(s.max() * s.min()))
        found = choices[f"{prefix}input_layernorm.channel_scales"]
        assert min(np.max(np.abs(point / found - 1)) for point in points) < 2e-3
    assert len(groups) == 3
