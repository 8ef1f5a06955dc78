# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Import of toy models that transformers made: every variant, every tensor, rotary frequencies."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from import_toys import ROOT, SIZES, TOYS, Toy, import_model, quantize_folder, translate
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

pytestmark = pytest.mark.tools

MLIR_TYPES = {"F32": "f32", "F16": "f16", "BF16": "bf16", "I32": "i32"}


def globals_of(text: str) -> dict[str, str]:
    """Name to type of every global."""
    pattern = r'ml_program\.global private @"?([^"(\s]+)"?\(.*\) : (tensor<.*>)$'
    return dict(re.findall(pattern, text, re.MULTILINE))


def tensors_of(folder: Path) -> dict[str, str]:
    """Name to MLIR type of every tensor of a checkpoint."""
    result = {}
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a dict)
                view = tensors.get_slice(name)
                shape = "".join(f"{size}x" for size in view.get_shape())
                result[name] = f"tensor<{shape}{MLIR_TYPES[view.get_dtype()]}>"
    return result


def imported_frequencies(text: str) -> tuple[np.ndarray[Any, Any], float]:
    """The constant that feeds decoder.rotary_table, and the factor of cosines and sines."""
    line = next(line for line in text.splitlines() if "arith.constant dense<" in line)
    match = re.search(r"dense<(.*)> : tensor<(\d+)xf32>", line)
    assert match is not None
    if match[1].startswith('"0x'):
        raw = bytes.fromhex(match[1][3:-1])
        values = list(struct.unpack(f"<{match[2]}f", raw))
    else:
        values = [float(word) for word in match[1].strip("[]").split(",")]
    scaling = re.search(r"decoder\.rotary_table .*\{scaling = ([^ ]+) : f64\}", text)
    return np.array(values, dtype=np.float32), float(scaling[1]) if scaling else 1.0


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.name)
def test_import(toy: Toy, tmp_path: Path) -> None:
    model = toy.make(tmp_path)
    text = import_model(tmp_path)
    assert globals_of(text) == tensors_of(tmp_path)
    assert text.count("func.func private @layers.") == SIZES["num_hidden_layers"]
    assert text.count("awq.linear") == 7 * SIZES["num_hidden_layers"] + 1
    frequencies, scaling = imported_frequencies(text)
    rotary = model.model.rotary_emb
    expected = rotary.inv_freq.numpy()
    # One unit in the last place: PyTorch's vectorised powf is not correctly rounded.
    assert np.max(np.abs(frequencies.view(np.int32) - expected.view(np.int32))) <= 2
    assert scaling == pytest.approx(rotary.attention_scaling, rel=1e-12)
    windows = [int(window) for window in re.findall(r"decoder\.attention .*window = (\d+)", text)]
    expected_windows = [
        layer.self_attn.config.sliding_window
        for layer in model.model.layers
        if getattr(layer.self_attn, "sliding_window", getattr(toy.config(), "sliding_window", None)) is not None
    ]
    assert windows == expected_windows


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_checkpoint(dtype: torch.dtype, tmp_path: Path) -> None:
    TOYS[0].make(tmp_path, dtype)
    text = import_model(tmp_path)
    assert globals_of(text) == tensors_of(tmp_path)
    assert "awq.linear %" in text


def test_shards(tmp_path: Path) -> None:
    TOYS[0].make(tmp_path, max_shard_size="60KB")
    shards = sorted(str(path) for path in tmp_path.glob("*.safetensors"))
    assert len(shards) > 2
    text = import_model(tmp_path)
    listed = re.search(r"awq\.parameter_files = \[(.*?)\]", text)
    assert listed is not None
    assert re.findall(r'"(.*?)"', listed[1]) == shards
    assert globals_of(text) == tensors_of(tmp_path)


@pytest.mark.parametrize("name", ["llama-tied", "qwen2", "qwen3"])
def test_quantized_checkpoint(name: str, tmp_path: Path) -> None:
    next(toy for toy in TOYS if toy.name == name).make(tmp_path)
    quantize_folder(tmp_path, 16)
    text = import_model(tmp_path)
    types = globals_of(text)
    packed = {name for name in types if name.endswith(".qweight")}
    assert len(packed) == 7 * SIZES["num_hidden_layers"]
    assert all(types[name].endswith("xi32, #awq.layout<autoawq_gemm>>") for name in packed)
    assert {key: value.replace(", #awq.layout<autoawq_gemm>", "") for key, value in types.items()} == tensors_of(
        tmp_path
    )
    assert text.count("awq.quantized_linear") == 7 * SIZES["num_hidden_layers"]
    assert text.count("scheme = #awq.scheme<bits = 4, group = 16, zero = asymmetric, scale = f16>") == len(packed)


def test_splat_needs_no_weights(tmp_path: Path) -> None:
    toy = TOYS[0]
    toy.make(tmp_path)
    with_weights = globals_of(import_model(tmp_path))
    (tmp_path / "model.safetensors").unlink()
    text = import_model(tmp_path, "--hf-splat")
    assert globals_of(text) == with_weights
    assert "ml_program.extern" not in text
    assert "awq.parameter_files" not in text


def test_transformers_4_spelling(tmp_path: Path) -> None:
    """rope_scaling + rope_theta and torch_dtype give the module that rope_parameters and dtype give."""
    toy = next(toy for toy in TOYS if toy.name == "llama-yarn-mscale")
    toy.make(tmp_path)
    new = import_model(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = {"type": rope.pop("rope_type"), **rope}
    config["torch_dtype"] = config.pop("dtype")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert import_model(tmp_path) == new


@pytest.mark.parametrize("hidden_act", ["prelu", "xielu"])
def test_learned_activation_of_unknown_place(hidden_act: str, tmp_path: Path) -> None:
    """An architecture file that does not say where a function's parameters are cannot be used with it."""
    Toy("learned", "Llama", {"hidden_act": hidden_act}).config().save_pretrained(tmp_path)
    architecture = json.loads((ROOT / "lib/Target/HuggingFace/architectures/llama.json").read_text())
    del architecture["layer"]["mlp"]["activation_module"]
    (tmp_path / "mine.json").write_text(json.dumps(architecture))
    result = translate(tmp_path / "config.json", "--hf-splat", f"--hf-architecture={tmp_path / 'mine.json'}")
    assert result.returncode == 4
    assert f'[AWQ1108] the activation function "{hidden_act}" has learned parameters' in result.stderr
    assert 'name their module as "activation_module" in layer.mlp of' in result.stderr


def test_buffers_of_xielu_may_be_missing(tmp_path: Path) -> None:
    """A checkpoint without beta and eps means the values of activations.py."""
    Toy("xielu", "Llama", {"hidden_act": "xielu"}).make(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.endswith(("act_fn.beta", "act_fn.eps"))}
    assert len(kept) == len(weights) - 2 * SIZES["num_hidden_layers"]
    save_file(kept, tmp_path / "model.safetensors")
    text = import_model(tmp_path)
    assert text.count("arith.constant dense<5.000000e-01> : tensor<f32>") == SIZES["num_hidden_layers"]
    assert text.count("arith.constant dense<-9.99999997E-7> : tensor<f32>") == SIZES["num_hidden_layers"]
    del kept["model.layers.0.mlp.act_fn.alpha_n"]
    save_file(kept, tmp_path / "model.safetensors")
    result = translate(tmp_path / "config.json")
    assert result.returncode == 3
    assert '[AWQ1120] the checkpoint has no tensor "model.layers.0.mlp.act_fn.alpha_n"' in result.stderr
