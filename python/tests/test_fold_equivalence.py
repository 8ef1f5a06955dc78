# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Scaling groups are legal: all of them scaled at once by random s in [1/16, 16] change no logit."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from import_toys import BIN, SIZES, TOYS, Toy, import_model
from safetensors.numpy import load_file
from test_logits_toys import TOKENS, logits_of

pytestmark = pytest.mark.tools

# Of the largest logit: fp32 rounding through three layers whose weights differ by factors of 256.
TOLERANCE = 1e-4


def opt(program: Path, *arguments: str) -> str:
    command: list[str | Path] = [BIN / "awq-opt", program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout


def groups(program: Path) -> tuple[int, list[str]]:
    """Counted groups and the report's lines about groups, also the uncounted ones."""
    command: list[str | Path] = [BIN / "awq-opt", program, "-awq-find-scaling-groups=report", "-o", "/dev/null"]
    report = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stderr
    match = re.search(r"^(\d+) scaling groups$", report, re.MULTILINE)
    assert match, report
    return int(match[1]), [line for line in report.splitlines() if " -> " in line]


def tokens() -> np.ndarray[Any, Any]:
    return np.random.default_rng(11).integers(0, SIZES["vocab_size"], TOKENS).astype(np.int32)


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.name)
def test_scaled_model_is_the_model(toy: Toy, tmp_path: Path) -> None:
    toy.make(tmp_path)
    program, scaled = tmp_path / "model.mlir", tmp_path / "scaled.mlir"
    program.write_text(import_model(tmp_path))
    side = tmp_path / "scales.safetensors"
    scaled.write_text(opt(program, f"-awq-test-scale-groups=seed=5 side-file={side}"))

    # Every group was scaled, and by factors that are far from 1.
    _, found = groups(program)
    factors = [value for name, value in load_file(side).items() if name.endswith(".channel_scales")]
    assert len(factors) >= len(found) > 0
    assert min(map(np.min, factors)) < 0.1 and max(map(np.max, factors)) > 10
    text = scaled.read_text()
    assert text.count("inverse") >= len(found)

    ids = tokens()
    expected = logits_of(program, ids, tmp_path)
    logits = logits_of(scaled, ids, tmp_path)
    assert np.max(np.abs(logits - expected)) <= TOLERANCE * np.max(np.abs(expected))


@pytest.mark.parametrize(
    ("name", "per_layer"),
    [
        ("llama", 4),  # norm -> q k v; v -> o (tied); norm -> gate up; up -> down
        ("llama-multi-head", 4),
        ("llama-biases", 4),
        ("llama-gelu", 4),  # the gate's activation does not matter to up
        ("qwen2", 4),
        ("qwen3", 4),  # q and k norms are followed by the rotary embedding: no group
    ],
)
def test_groups_per_layer(name: str, per_layer: int, tmp_path: Path) -> None:
    next(toy for toy in TOYS if toy.name == name).make(tmp_path)
    program = tmp_path / "model.mlir"
    program.write_text(import_model(tmp_path))
    count, found = groups(program)
    assert count == per_layer * SIZES["num_hidden_layers"]
    assert sum(line.startswith("not counted") for line in found) == 1  # final norm -> head
