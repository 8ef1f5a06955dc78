# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Logits of every toy model, imported and run on the CPU, against transformers in float32."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from import_toys import BIN, SIZES, TOYS, Toy, import_model, quantize_folder
from safetensors.numpy import load_file, save_file

pytestmark = pytest.mark.tools

TOKENS = 24  # longer than every toy's window
TOLERANCE = 2e-3


def logits_of(model: Path, ids: np.ndarray[Any, Any], folder: Path) -> np.ndarray[Any, Any]:
    """What awq-run makes of a model on one sequence of tokens."""
    source, target = folder / "in.safetensors", folder / "out.safetensors"
    save_file({"tokens": ids}, source)
    command: list[str | Path] = [BIN / "awq-run", model, "--input", source, "--output", target]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    return load_file(target)["logits"]


def check(model: Any, program: Path, folder: Path) -> np.ndarray[Any, Any]:
    """Compares a program's logits with a model's; the program's, of random tokens (seed 7)."""
    tokens = torch.randint(0, SIZES["vocab_size"], (1, TOKENS), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        expected = model(tokens).logits[0].numpy()
    logits = logits_of(program, tokens[0].to(torch.int32).numpy(), folder)
    assert logits.shape == expected.shape
    assert np.max(np.abs(logits - expected)) <= TOLERANCE
    return logits


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.name)
def test_logits(toy: Toy, tmp_path: Path) -> None:
    model = toy.make(tmp_path)
    program = tmp_path / "model.mlir"
    program.write_text(import_model(tmp_path))
    check(model, program, tmp_path)


@pytest.mark.parametrize("name", ["llama-tied", "qwen2", "qwen3"])
def test_logits_of_quantized_checkpoint(name: str, tmp_path: Path) -> None:
    """An AutoAWQ checkpoint against transformers with the weights that its codes stand for."""
    model = next(toy for toy in TOYS if toy.name == name).make(tmp_path)
    model.load_state_dict(quantize_folder(tmp_path, 16), strict=False)
    check(model, tmp_path, tmp_path)
