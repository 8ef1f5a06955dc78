# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Decoders that torch-mlir lowered to linalg: raised, and compared with transformers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from exported_toys import FAMILIES, LAYERS, example, export_linalg, make, one_sequence, raise_module, reference, run

STATIC = ["llama", "qwen2", "qwen3", "mistral", "gemma2", "gemma3", "phi3", "gptneox"]
DYNAMIC = [
    pytest.param(name, True, marks=[] if name in ("llama", "mistral", "gptneox") else pytest.mark.long)
    for name in STATIC
]


@pytest.mark.parametrize(
    ("name", "dynamic"),
    [
        *(pytest.param(n, False, marks=pytest.mark.long if n in ("qwen2", "qwen3", "gemma2") else []) for n in STATIC),
        *DYNAMIC,
    ],
)
def test_raised(name: str, dynamic: bool, tmp_path: Path) -> None:
    family = FAMILIES[name]
    model = make(name)
    text = raise_module(export_linalg(model, tmp_path / "model.mlir", dynamic=dynamic), tmp_path)
    assert len(re.findall(r"= awq\.linear ", text)) == family.linears * LAYERS + 1
    assert len(re.findall(r"= decoder\.(?:rms|layer)_norm ", text)) == family.norms * LAYERS + 1
    assert len(re.findall(r"= decoder\.glu ", text)) == family.gated * LAYERS
    assert "linalg.generic" not in text
    # Weights stay the resources that they were.
    assert "dense_resource" in text
    # As many tokens as were traced, or others: a raised module takes any number.
    feed = example(model, 1, 6, 0)
    got = run(tmp_path / "raised.mlir", one_sequence(feed), tmp_path)["logits"]
    np.testing.assert_allclose(got, reference(model, feed)[0], atol=2e-5, rtol=0)


@pytest.mark.parametrize("name", ["llama", "gptneox"])
def test_half_precision(name: str, tmp_path: Path) -> None:
    model = make(name)
    feed = example(model, 1, 6, 0)
    expected = reference(model, feed)[0]
    raise_module(export_linalg(model.half(), tmp_path / "model.mlir", dynamic=True), tmp_path)
    got = run(tmp_path / "raised.mlir", one_sequence(feed), tmp_path)["logits"]
    np.testing.assert_allclose(got, expected, atol=6e-3, rtol=0)
