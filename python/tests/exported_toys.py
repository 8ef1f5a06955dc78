# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Toy decoders as real exporters write them: torch.onnx (both exporters) and torch-mlir."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import transformers
from safetensors.numpy import load_file, save_file
from transformers.cache_utils import DynamicCache

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin"))
LAYERS = 2
Arrays = dict[str, npt.NDArray[Any]]

BASE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 112,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 272,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "tie_word_embeddings": False,
}


@dataclass(frozen=True)
class Family:
    """A configuration of transformers, and how many ops of each kind its decoder has per layer."""

    config: str
    fields: dict[str, Any]
    without: tuple[str, ...] = ()
    linears: int = 7
    norms: int = 2
    gated: int = 1


GEMMA = {"tie_word_embeddings": True, "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 4}
FAMILIES = {
    "llama": Family("LlamaConfig", {}),
    "qwen2": Family("Qwen2Config", {}),
    "qwen3": Family("Qwen3Config", {"head_dim": 16}, norms=4),
    "mistral": Family("MistralConfig", {"head_dim": 16, "sliding_window": 4}),
    "gemma2": Family("Gemma2Config", GEMMA, norms=4),
    "gemma3": Family("Gemma3TextConfig", {**GEMMA, "layer_types": ["sliding_attention", "full_attention"]}, norms=6),
    "phi3": Family("Phi3Config", {"original_max_position_embeddings": 128}, linears=4),
    "gptneox": Family("GPTNeoXConfig", {"rotary_pct": 0.5}, ("num_key_value_heads",), linears=4, gated=0),
    "opt": Family(
        "OPTConfig",
        {"ffn_dim": 112, "word_embed_proj_dim": 64},
        ("num_key_value_heads", "intermediate_size"),
        linears=6,
        gated=0,
    ),
    # The router, and for each of four experts gate and up in one, and down.
    "mixtral": Family(
        "MixtralConfig",
        {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
        linears=4 + 1 + 4 * 2,
        gated=4,
    ),
    "qwen3_moe": Family(
        "Qwen3MoeConfig",
        {
            "head_dim": 16,
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 48,
            "norm_topk_prob": True,
        },
        linears=4 + 1 + 4 * 2,
        norms=4,
        gated=4,
    ),
    # Distances instead of positions, which no recogniser knows.
    "bloom": Family(
        "BloomConfig",
        {"n_layer": LAYERS, "n_head": 4},
        ("num_key_value_heads", "intermediate_size", "num_attention_heads", "num_hidden_layers"),
        linears=4,
        gated=0,
    ),
}


def make(name: str, **sizes: Any) -> Any:
    """The model of a family, with weights that make every op matter."""
    family = FAMILIES[name]
    fields = {key: value for key, value in (BASE | sizes).items() if key not in family.without} | family.fields
    torch.manual_seed(0)
    model: Any = transformers.AutoModelForCausalLM.from_config(getattr(transformers, family.config)(**fields))
    model = model.eval().float()
    if family.gated > 1:
        # The one way of computing experts that exporters can write down.
        model.set_experts_implementation("batched_mm")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for key, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator)
            if weight.dim() >= 2:
                weight.copy_(0.08 * noise)
            elif "norm" in key and key.endswith("weight"):
                weight.copy_((0.0 if name.startswith("gemma") else 1.0) + 0.1 * noise)
            else:
                weight.copy_(0.05 * noise)
    model.tie_weights()
    return model


class WithCache(torch.nn.Module):
    """Tokens, mask and caches in, logits and caches out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model_ = model

    def forward(self, input_ids: Any, attention_mask: Any, past: Any) -> Any:
        cache = DynamicCache()
        for layer in range(LAYERS):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        out = self.model_(input_ids=input_ids, attention_mask=attention_mask, past_key_values=cache, use_cache=True)
        present = [part for layer in out.past_key_values.layers for part in (layer.keys, layer.values)]
        return (out.logits, *present)


class WithPositions(torch.nn.Module):
    """Tokens, mask and positions in, logits out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model_ = model

    def forward(self, input_ids: Any, attention_mask: Any, position_ids: Any) -> Any:
        return self.model_(
            input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, use_cache=False
        ).logits


class Plain(torch.nn.Module):
    """Tokens and mask in, logits out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model_ = model

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        return self.model_(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits


def example(model: Any, batch: int, tokens: int, past: int) -> Arrays:
    """Inputs by name; the second sequence of a batch is padded on the left."""
    config = model.config
    generator = torch.Generator().manual_seed(100 * batch + tokens)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    mask = np.ones((batch, past + tokens), dtype=np.int64)
    if batch > 1:
        mask[1, :2] = 0
    feed: Arrays = {
        "input_ids": torch.randint(3, config.vocab_size, (batch, tokens), generator=generator).numpy(),
        "attention_mask": mask,
    }
    for layer in range(LAYERS if past else 0):
        for part in ("key", "value"):
            values = torch.randn(batch, heads, past, size, generator=generator) * 0.5
            feed[f"past_key_values.{layer}.{part}"] = values.numpy()
    return feed


def reference(model: Any, feed: Arrays) -> npt.NDArray[np.float32]:
    """The logits of transformers."""
    tensors = [torch.from_numpy(value) for value in feed.values()]
    with torch.no_grad():
        if len(tensors) > 2:
            logits = WithCache(model)(tensors[0], tensors[1], tensors[2:])[0]
        else:
            logits = Plain(model)(*tensors)
    return np.asarray(logits.numpy())


def export_onnx(model: Any, path: Path, *, dynamo: bool, opset: int, kind: str) -> Path:
    """Writes `model` as exported with caches, positions or neither (`kind`)."""
    feed = example(model, 2, 5, 3 if kind == "caches" else 0)
    tensors = [torch.from_numpy(value) for value in feed.values()]
    names = list(feed)
    outputs = ["logits"]
    arguments: tuple[Any, ...] = tuple(tensors[:2])
    module: torch.nn.Module = Plain(model)
    if kind == "caches":
        module, arguments = WithCache(model), (*tensors[:2], tensors[2:])
        outputs += [f"present.{layer}.{part}" for layer in range(LAYERS) for part in ("key", "value")]
    elif kind == "positions":
        module = WithPositions(model)
        arguments = (*arguments, (tensors[1].cumsum(-1) - 1).clamp(min=0))
        names.append("position_ids")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if dynamo:
            free = torch.export.Dim.DYNAMIC
            shapes: tuple[Any, ...] = tuple({0: free, 1: free} for _ in arguments[:2])
            if kind == "caches":
                shapes += ([{0: free, 2: free} for _ in tensors[2:]],)
            elif kind == "positions":
                shapes += ({0: free, 1: free},)
            program = torch.onnx.export(
                module.eval(),
                arguments,
                dynamo=True,
                opset_version=opset,
                dynamic_shapes=shapes,
                input_names=names,
                output_names=outputs,
                verbose=False,
            )
            assert program is not None
            program.save(str(path))
        else:
            axes: dict[str, dict[int, str]] = {
                "input_ids": {0: "batch", 1: "tokens"},
                "attention_mask": {0: "batch", 1: "total" if kind == "caches" else "tokens"},
                "position_ids": {0: "batch", 1: "tokens"},
                "logits": {0: "batch", 1: "tokens"},
            }
            axes |= {name: {0: "batch", 2: "past"} for name in names[2:] if name.startswith("past")}
            axes |= {name: {0: "batch", 2: "total"} for name in outputs[1:]}
            torch.onnx.export(
                module.eval(),
                arguments,
                str(path),
                dynamo=False,
                opset_version=opset,
                input_names=names,
                output_names=outputs,
                dynamic_axes={name: axes[name] for name in (*names, *outputs)},
            )
    return path


def export_linalg(model: Any, path: Path, *, dynamic: bool, stablehlo: bool = False, positions: bool = False) -> Path:
    """Writes `model` as linalg on tensors: torch-mlir's own, or what StableHLO's lowering makes."""
    feed = example(model, 1, 8, 0)
    arguments = tuple(torch.from_numpy(value) for value in feed.values())
    if positions:
        arguments = (*arguments, arguments[1].cumsum(-1) - 1)
    free = torch.export.Dim.DYNAMIC
    shapes = tuple({1: free} for _ in arguments) if dynamic else None
    module = WithPositions(model) if positions else Plain(model)
    return lower_to_linalg(module, arguments, path, shapes=shapes, stablehlo=stablehlo)


def lower_to_linalg(
    model: torch.nn.Module,
    arguments: tuple[torch.Tensor, ...],
    path: Path,
    *,
    shapes: Any = None,
    stablehlo: bool = False,
) -> Path:
    """Writes any module as a function `main` in linalg."""
    from torch_mlir import fx

    for module in model.modules():
        # Its importer looks for buffers in the state dictionary only.
        for name in list(getattr(module, "_non_persistent_buffers_set", ())):
            module._non_persistent_buffers_set.discard(name)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        text = fx.export_and_import(
            model,
            *arguments,
            output_type="stablehlo" if stablehlo else "linalg-on-tensors",
            func_name="main",
            dynamic_shapes=shapes,
        )
    path.write_text(str(text))
    if stablehlo:
        # The tool of torch-mlir's package; it lies beside Python.
        lower = [str(Path(sys.executable).with_name("torch-mlir-opt")), "--stablehlo-legalize-to-linalg"]
        path.write_text(subprocess.run([*lower, str(path)], capture_output=True, text=True, check=True).stdout)
    return path


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs one of the tools."""
    command = [str(BIN / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def raise_module(model: Path, folder: Path) -> str:
    """The module that awq-raise-decoder makes of an ONNX model or a module."""
    source = model
    if model.suffix == ".onnx":
        source = folder / "imported.mlir"
        imported = tool("awq-translate", "--import-onnx", model, "-o", source)
        assert imported.returncode == 0, imported.stderr
    raised = folder / "raised.mlir"
    done = tool("awq-opt", "--awq-raise-decoder", source, "-o", raised)
    assert done.returncode == 0, done.stderr
    text = raised.read_text()
    assert "@forward" in text, done.stderr
    return text


def run(module: Path, inputs: Arrays, folder: Path) -> Arrays:
    """Results by name."""
    save_file({key: np.ascontiguousarray(value) for key, value in inputs.items()}, folder / "in.safetensors")
    done = tool("awq-run", module, "--input", folder / "in.safetensors", "--output", folder / "out.safetensors")
    assert done.returncode == 0, done.stderr
    return dict(load_file(folder / "out.safetensors"))


def one_sequence(feed: Arrays) -> Arrays:
    """The first sequence of a batch as a raised module takes it."""
    tokens = feed["input_ids"][0].astype(np.int32)
    inputs: Arrays = {"tokens": tokens}
    past = 0
    for name, values in feed.items():
        if not name.startswith("past"):
            continue
        _, layer, part = name.split(".")
        past = values.shape[2]
        cache = np.zeros((past + len(tokens), values.shape[1], values.shape[3]), np.float32)
        cache[:past] = values[0].transpose(1, 0, 2)
        inputs[f"{part[0]}_cache.{layer}"] = cache
    inputs["position"] = np.array(past, dtype=np.int64)
    return inputs
