#!/usr/bin/env python3
"""Does calibration need more memory for a deeper model? Quantizes a toy model of some depth, and one twice as deep.

Prints what summary.json of the demo holds under "memory", "depth". Run it in build/venv.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from awq_mlir.toolchain import run_program

# One layer, not what surrounds it, decides the peak: few tokens, a small vocabulary.
HIDDEN, INTERMEDIATE, HEADS, KV_HEADS, VOCABULARY = 384, 1024, 6, 2, 64
SAMPLES, LENGTH = 5, 64
DEPTH = 3


def make_model(folder: Path, layers: int) -> None:
    """A Llama with random weights, in a folder of its own."""
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "num_hidden_layers": layers,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 4 * LENGTH,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }
    random = np.random.default_rng(17)
    narrow = HIDDEN // HEADS * KV_HEADS
    shapes = {
        "self_attn.q_proj": (HIDDEN, HIDDEN),
        "self_attn.k_proj": (narrow, HIDDEN),
        "self_attn.v_proj": (narrow, HIDDEN),
        "self_attn.o_proj": (HIDDEN, HIDDEN),
        "mlp.gate_proj": (INTERMEDIATE, HIDDEN),
        "mlp.up_proj": (INTERMEDIATE, HIDDEN),
        "mlp.down_proj": (HIDDEN, INTERMEDIATE),
    }
    tensors = {
        "model.embed_tokens.weight": random.normal(0, 1, (VOCABULARY, HIDDEN)),
        "model.norm.weight": np.ones(HIDDEN),
    }
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        tensors[prefix + "input_layernorm.weight"] = np.ones(HIDDEN)
        tensors[prefix + "post_attention_layernorm.weight"] = np.ones(HIDDEN)
        for name, shape in shapes.items():
            tensors[f"{prefix}{name}.weight"] = random.normal(0, 0.05, shape)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf8")
    save_file({name: tensor.astype(np.float32) for name, tensor in tensors.items()}, folder / "model.safetensors")


def measure(folder: Path, layers: int) -> dict[str, int]:
    """Quantizes a model of that depth; the last event's facts on memory."""
    model = folder / f"depth-{layers}"
    make_model(model, layers)
    calibration = folder / f"calibration-{layers}.safetensors"
    tokens = np.random.default_rng(23).integers(0, VOCABULARY, (SAMPLES, LENGTH)).astype(np.int32)
    guard = np.arange(SAMPLES) % 5 == 2
    save_file({"tokens": tokens, "guard": guard.astype(np.uint8)}, calibration)
    done: dict[str, int] = {}

    def keep(event: Mapping[str, Any]) -> None:
        if event["event"] == "done":
            done.update({name: value for name, value in event.items() if name.endswith("_bytes")})

    arguments = ["--quantize=awq", f"--calibration={calibration}", "--emit=checkpoint", "--progress=jsonl"]
    run_program("awq-compile", [str(model), *arguments, "-o", str(folder / f"out-{layers}")], keep)
    return done


def compare_depths(depth: int = DEPTH) -> dict[str, Any]:
    """Peaks of anonymous memory above the start and the hidden states, for `depth` layers and twice as many."""
    with tempfile.TemporaryDirectory() as scratch:
        facts = [measure(Path(scratch), layers) for layers in (depth, 2 * depth)]
    peaks = [fact["peak_anonymous_bytes"] for fact in facts]
    return {
        "layers": [depth, 2 * depth],
        "peak_anonymous_bytes": peaks,
        "growth": round(peaks[1] / peaks[0] - 1, 4),
        "bound_bytes": 4 * facts[0]["layer_bytes"] + facts[0]["gram_bytes"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=DEPTH, help="layers of the shallower model")
    print(json.dumps(compare_depths(parser.parse_args().depth)))


if __name__ == "__main__":
    main()
