# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The AWQ passes one after the other in awq-opt, on an imported model and a statistics file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from import_toys import BIN, SIZES, TOYS, import_model
from safetensors.numpy import load_file, save_file
from test_logits_toys import TOKENS, logits_of
from test_statistics_file import fingerprint

pytestmark = pytest.mark.tools

SITE = re.compile(r'awq\.observe %\S+ "([^"]+)" : tensor<\?x(\d+)xf32>')


def opt(source: Path, target: Path, *passes: str) -> str:
    pipeline = f"--pass-pipeline=builtin.module({','.join(passes)})"
    command = [BIN / "awq-opt", source, "-o", target, pipeline]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    return target.read_text()


def write_statistics(path: Path, model: Path, sites: list[tuple[str, int]]) -> None:
    """Statistics of random activations with some channels far larger than others."""
    random = np.random.default_rng(5)
    tensors = {}
    for site, channels in sites:
        size = np.exp(random.normal(0, 1, channels))
        for part, tokens in (("fit", 256), ("guard", 64)):
            x = (random.normal(0, 1, (tokens, channels)) * size).astype(np.float32)
            prefix = f"{site}/{part}"
            tensors[f"{prefix}/tokens"] = np.array([tokens], np.int64)
            tensors[f"{prefix}/mean_abs"] = np.abs(x).mean(0)
            tensors[f"{prefix}/max_abs"] = np.abs(x).max(0)
            tensors[f"{prefix}/mean_square"] = (x * x).mean(0)
            tensors[f"{prefix}/gram"] = x.T @ x
    fingerprints = {"model_sha256": fingerprint([model]), "tokenizer_sha256": "", "data_sha256": ""}
    save_file(tensors, path, metadata={"format": "awq-statistics", "version": "1", **fingerprints})


def test_every_step(tmp_path: Path) -> None:
    next(toy for toy in TOYS if toy.name == "llama").make(tmp_path)
    steps = [tmp_path / f"{i}.mlir" for i in range(6)]
    steps[0].write_text(import_model(tmp_path))
    text = opt(steps[0], steps[1], "awq-insert-observers")
    sites = [(site, int(channels)) for site, channels in SITE.findall(text)]
    assert len(sites) == 4 * SIZES["num_hidden_layers"]
    statistics = tmp_path / "statistics.safetensors"
    write_statistics(statistics, tmp_path / "model.safetensors", sites)

    scheme = f"bits=4 group=16 statistics={statistics}"
    text = opt(steps[1], steps[2], f"awq-search-scales{{{scheme} side-file={tmp_path}/scales.safetensors}}")
    assert text.count("inverse") > 0  # some groups are scaled, on activations ...
    assert re.search(r"awq\.scale_channels [^\n]*tensor<\?x", text)
    text = opt(steps[2], steps[3], "func.func(awq-apply-scales)")
    assert not re.search(r"awq\.scale_channels [^\n]*tensor<\?x", text)  # ... and then on parameters only
    text = opt(steps[3], steps[4], f"awq-search-clips{{{scheme} side-file={tmp_path}/clips.safetensors}}")
    assert "awq.clip_groups" in text
    text = opt(
        steps[4],
        steps[5],
        f"awq-quantize-weights{{{scheme} refit side-file={tmp_path}/codes.safetensors}}",
        "func.func(awq-remove-observers)",
        "awq-verify-layouts",
    )
    assert text.count("awq.quantized_linear") == 7 * SIZES["num_hidden_layers"]
    assert "dense<" not in re.sub(r"arith\.constant dense<[^>]*> : tensor<8xf32>", "", text)  # no weight in the IR
    assert load_file(tmp_path / "codes.safetensors")["model.layers.0.self_attn.q_proj.codes"].max() <= 15

    ids = np.random.default_rng(9).integers(0, SIZES["vocab_size"], TOKENS).astype(np.int32)
    expected = logits_of(steps[0], ids, tmp_path)
    # Scaling changes nothing; rounding to 4 bits changes little.
    assert np.max(np.abs(logits_of(steps[3], ids, tmp_path) - expected)) <= 1e-3
    error = logits_of(steps[5], ids, tmp_path) - expected
    assert 0 < np.sqrt(np.mean(error**2)) < 0.75 * np.std(expected)
