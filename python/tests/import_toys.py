# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Toy models of every supported variant, made by transformers from a seed, and the import tool."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin"))
TRANSLATE = BIN / "awq-translate"

SIZES: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 64,
    "intermediate_size": 112,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.2,
    "bos_token_id": 1,
    "eos_token_id": [2, 3],
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN_SCALED = {**YARN, "mscale": 0.8, "mscale_all_dim": 0.5, "beta_fast": 24.0, "beta_slow": 2.0, "truncate": False}


@dataclass(frozen=True)
class Toy:
    """One variant: a configuration class of transformers and the fields that differ from SIZES."""

    name: str
    kind: str
    fields: dict[str, Any] = field(default_factory=dict)

    def config(self) -> Any:
        return getattr(transformers, self.kind + "Config")(**{**SIZES, **self.fields})

    def make(self, folder: Path, dtype: torch.dtype = torch.float32, **save: Any) -> Any:
        """Saves the model; norms and biases are set to values that show when they are left out."""
        torch.manual_seed(20240607)
        model = getattr(transformers, self.kind + "ForCausalLM")(self.config())
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "norm" in name:
                    parameter.uniform_(0.5, 1.5)
                elif name.endswith(".bias"):
                    parameter.uniform_(-0.5, 0.5)
                elif ".act_fn." in name:
                    parameter.uniform_(-0.75, 0.75)
            for name, buffer in model.named_buffers():
                if ".act_fn." in name:
                    buffer.fill_({"beta": 0.625, "eps": -0.125}[name.rsplit(".")[-1]])
        model = model.to(dtype).eval()
        model.save_pretrained(folder, **save)
        return model


TOYS = [
    Toy("llama", "Llama"),
    Toy("llama-tied", "Llama", {"tie_word_embeddings": True}),
    Toy("llama-head-dim", "Llama", {"head_dim": 24}),
    Toy("llama-biases", "Llama", {"attention_bias": True, "mlp_bias": True}),
    Toy("llama-multi-head", "Llama", {"num_key_value_heads": 4}),
    Toy("llama-theta", "Llama", {"rope_parameters": {"rope_type": "default", "rope_theta": 750.0}}),
    Toy("llama-llama3", "Llama", {"rope_parameters": LLAMA3}),
    Toy("llama-linear", "Llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.5}}),
    Toy("llama-yarn", "Llama", {"rope_parameters": YARN}),
    Toy("llama-yarn-mscale", "Llama", {"rope_parameters": YARN_SCALED}),
    Toy("llama-yarn-factor", "Llama", {"rope_parameters": {**YARN, "attention_factor": 1.25}}),
    Toy("mistral", "Mistral", {"sliding_window": None}),
    Toy("mistral-window", "Mistral", {"sliding_window": 6}),
    Toy("qwen2", "Qwen2"),
    Toy("qwen2-tied", "Qwen2", {"tie_word_embeddings": True}),
    Toy("qwen2-window", "Qwen2", {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1}),
    Toy("qwen3", "Qwen3", {"head_dim": 32}),
    Toy("qwen3-biases", "Qwen3", {"head_dim": 16, "attention_bias": True}),
    *[
        Toy(f"llama-{act}", "Llama", {"hidden_act": act})
        for act in (
            "gelu",
            "gelu_10",
            "gelu_accurate",
            "gelu_fast",
            "gelu_new",
            "gelu_pytorch_tanh",
            "hardswish",
            "laplace",
            "leaky_relu",
            "linear",
            "mish",
            "prelu",
            "quick_gelu",
            "relu",
            "relu2",
            "relu6",
            "sigmoid",
            "sqrtsoftplus",
            "swish",
            "tanh",
            "xielu",
        )
    ],
]


def translate(config: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [TRANSLATE, "--import-hf", config, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def import_model(folder: Path, *arguments: str | Path) -> str:
    """The imported module's text."""
    result = translate(folder / "config.json", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def pack(codes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Codes [R, N] as AutoAWQ's words [R, N/8]: nibble i of word c is column 8c + AWQ_ORDER[i]."""
    columns = codes.reshape(codes.shape[0], -1, 8)[:, :, AWQ_ORDER].astype(np.uint32)
    words = np.zeros(columns.shape[:2], np.uint32)
    for nibble in range(8):
        words |= columns[:, :, nibble] << np.uint32(4 * nibble)
    return words.view(np.int32)


def quantize_folder(folder: Path, group: int) -> dict[str, torch.Tensor]:
    """Rounds the layers of a saved toy to 4 bits, in AutoAWQ's format; returns the weights that it then stands for."""
    weights = load_file(folder / "model.safetensors")
    exact = {}
    for name in [name for name in weights if name.split(".")[-2] in LINEARS and name.endswith(".weight")]:
        w = weights.pop(name)
        n, k = w.shape
        grouped = w.reshape(n, k // group, group)
        low, high = grouped.min(-1), grouped.max(-1)
        scales = ((high - low) / 15).astype(np.float16)
        s = scales.astype(np.float32)
        zeros = np.clip(np.rint(-low / s), 0, 15)
        codes = np.clip(np.rint(grouped / s[:, :, None]) + zeros[:, :, None], 0, 15)
        exact[name] = torch.from_numpy(((codes - zeros[:, :, None]) * s[:, :, None]).reshape(n, k))
        module = name.removesuffix(".weight")
        weights[module + ".qweight"] = pack(codes.reshape(n, k).T)
        weights[module + ".qzeros"] = pack(zeros.T)
        weights[module + ".scales"] = np.ascontiguousarray(scales.T)
    save_file(weights, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {
        "quant_method": "awq",
        "bits": 4,
        "group_size": group,
        "zero_point": True,
        "version": "gemm",
        "modules_to_not_convert": None,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return exact
