# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX models of real exporters: run as they are, raised to decoders, compared with transformers."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from exported_toys import (
    FAMILIES,
    LAYERS,
    example,
    export_onnx,
    make,
    one_sequence,
    raise_module,
    reference,
    run,
    tool,
)
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from typer.testing import CliRunner

from awq_mlir.cli import app
from awq_mlir.runtime import Model

TOLERANCE = 2e-5
RAISED = sorted(set(FAMILIES) - {"bloom"})


def check_raised(name: str, model: Any, exported: Path, folder: Path, past: int) -> None:
    family = FAMILIES[name]
    text = raise_module(exported, folder)
    # What the architecture has, and nothing left over.
    assert len(re.findall(r"= awq\.linear ", text)) == family.linears * LAYERS + 1
    assert len(re.findall(r"= decoder\.(?:rms|layer)_norm ", text)) == family.norms * LAYERS + 1
    assert len(re.findall(r"= decoder\.glu ", text)) == family.gated * LAYERS
    assert len(re.findall(r"= decoder\.attention ", text)) == LAYERS
    assert "linalg.generic" not in text
    feed = example(model, 1, 6, past)
    got = run(folder / "raised.mlir", one_sequence(feed), folder)["logits"]
    np.testing.assert_allclose(got, reference(model, feed)[0], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("name", RAISED)
def test_traced_with_caches(name: str, tmp_path: Path, toy_onnx: Callable[..., Path]) -> None:
    model = make(name)
    exported = toy_onnx(name, tmp_path / "model.onnx", dynamo=False, opset=17, kind="caches")
    check_raised(name, model, exported, tmp_path, past=3)


LONG = [pytest.param(name, marks=pytest.mark.long) for name in ("gemma3", "qwen3_moe")]


@pytest.mark.parametrize("name", ["llama", "gptneox", "opt", "mixtral", *LONG])
def test_dynamo_with_caches(name: str, tmp_path: Path, toy_onnx: Callable[..., Path]) -> None:
    model = make(name)
    exported = toy_onnx(name, tmp_path / "model.onnx", dynamo=True, opset=18, kind="caches")
    check_raised(name, model, exported, tmp_path, past=3)


@pytest.mark.parametrize(
    ("name", "opset", "kind"), [("llama", 24, "none"), pytest.param("gemma2", 23, "positions", marks=pytest.mark.long)]
)
def test_dynamo_of_newer_opsets(
    name: str, opset: int, kind: str, tmp_path: Path, toy_onnx: Callable[..., Path]
) -> None:
    """RMSNormalization, RotaryEmbedding and Attention; a decoder gets its caches by being raised."""
    model = make(name)
    exported = toy_onnx(name, tmp_path / "model.onnx", dynamo=True, opset=opset, kind=kind)
    check_raised(name, model, exported, tmp_path, past=0)


@pytest.mark.parametrize("name", ["llama", "gemma3", "opt"])
def test_runs_as_it_is(name: str, tmp_path: Path, toy_onnx: Callable[..., Path]) -> None:
    """Two sequences, one of them padded, with the graph's own inputs and outputs."""
    model = make(name)
    exported = toy_onnx(name, tmp_path / "model.onnx", dynamo=False, opset=17, kind="caches")
    feed = example(model, 2, 5, 3)
    got = run(exported, feed, tmp_path)
    seen = feed["attention_mask"][:, -5:].astype(bool)
    np.testing.assert_allclose(got["logits"][seen], reference(model, feed)[seen], atol=TOLERANCE, rtol=0)
    assert got[f"present.{LAYERS - 1}.value"].shape[2] == 8


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        # Declared to be equal, and equal by what is computed from them.
        ("past_key_values.0.key", (1, 2, 3, 16), "dimension 0 of 'past_key_values.0.key' is 1"),
        ("past_key_values.1.value", (2, 2, 4, 16), "dimension 2 of 'past_key_values.1.value'"),
    ],
)
def test_sizes_of_inputs_agree(
    name: str, size: tuple[int, ...], says: str, tmp_path: Path, toy_onnx: Callable[..., Path]
) -> None:
    model = make("llama")
    exported = toy_onnx("llama", tmp_path / "model.onnx", dynamo=True, opset=18, kind="caches")
    feed = example(model, 2, 5, 3)
    feed[name] = np.ones(size, feed[name].dtype)
    save_file(feed, tmp_path / "in.safetensors")
    done = tool("awq-run", exported, "--input", tmp_path / "in.safetensors", "--output", tmp_path / "out.safetensors")
    assert done.returncode == 2
    assert "AWQ1521" in done.stderr and says in done.stderr
    assert not (tmp_path / "out.safetensors").exists()


def test_half_precision(tmp_path: Path) -> None:
    model = make("llama")
    feed = example(model, 1, 6, 0)
    expected = reference(model, feed)[0]
    exported = export_onnx(model.half(), tmp_path / "model.onnx", dynamo=False, opset=17, kind="none")
    raise_module(exported, tmp_path)
    got = run(tmp_path / "raised.mlir", one_sequence(feed), tmp_path)["logits"]
    np.testing.assert_allclose(got, expected, atol=5e-3, rtol=0)


@pytest.fixture(scope="module")
def smollm2_onnx(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's model as torch.onnx writes it, with its tokenizer beside it."""
    folder = tmp_path_factory.mktemp("onnx")
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32).eval()
    export_onnx(model, folder / "model.onnx", dynamo=False, opset=17, kind="none")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copyfile(smollm2 / name, folder / name)
    return folder


def test_real_model_writes_the_same_text(smollm2: Path, smollm2_onnx: Path, tmp_path: Path) -> None:
    """Compiled by the command, and read in the time and memory that a large model allows."""
    began = time.monotonic()
    done = tool("awq-translate", "--import-onnx", smollm2_onnx / "model.onnx", "-o", tmp_path / "model.mlir")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 20  # 1.4 s on an idle machine
    ids = np.array(Tokenizer.from_file(str(smollm2 / "tokenizer.json")).encode("The capital of France is").ids)
    texts = []
    for name, source in (("hf", smollm2), ("onnx", smollm2_onnx)):
        bundle = tmp_path / name
        assert CliRunner().invoke(app, ["compile", str(source), "-o", str(bundle), "--progress", "none"]).exit_code == 0
        with Model(bundle) as model:
            session = model.session(ids.size + 32)
            logits = session.forward(ids.astype(np.int32))
            tokens = []
            for _ in range(32):
                tokens.append(int(np.asarray(logits).reshape(-1)[-model.vocab_size :].argmax()))
                logits = session.forward([tokens[-1]])
            session.close()
        texts.append(tokens)
    assert texts[0] == texts[1]


def test_scaling_groups_are_those_of_the_checkpoint(tmp_path: Path, toy_onnx: Callable[..., Path]) -> None:
    model = make("llama")
    model.save_pretrained(tmp_path / "checkpoint")
    exported = toy_onnx("llama", tmp_path / "model.onnx", dynamo=False, opset=17, kind="none")

    def groups(source: Path) -> set[tuple[str, str]]:
        out = tmp_path / "groups.mlir"
        done = tool("awq-compile", source, "--compile-to=groups", "-o", out)
        assert done.returncode == 0, done.stderr
        found = re.findall(r'awq\.group = "([^"]*)", awq\.name = "([^"]*)"', out.read_text())
        # The exporter's wrapper puts a name in front of all others.
        return {(group.removeprefix("model_."), linear.removeprefix("model_.")) for group, linear in found}

    expected = groups(tmp_path / "checkpoint")
    assert len(expected) == 7 * LAYERS
    # Norms have no names in the graph: their groups are named after a reader.
    linears = {linear for _, linear in expected}
    found = groups(exported)
    assert {linear for _, linear in found} == linears

    def partition(pairs: set[tuple[str, str]]) -> set[frozenset[str]]:
        names = {group for group, _ in pairs}
        return {frozenset(linear for group, linear in pairs if group == name) for name in names}

    assert partition(found) == partition(expected)


def test_what_is_not_understood_stays_and_says_so(tmp_path: Path, toy_onnx: Callable[..., Path]) -> None:
    """A bias of the distance: the model runs as it is, and a remark names what is in the way."""
    model = make("bloom")
    exported = toy_onnx("bloom", tmp_path / "model.onnx", dynamo=False, opset=17, kind="none")
    imported = tmp_path / "imported.mlir"
    assert tool("awq-translate", "--import-onnx", exported, "-o", imported).returncode == 0
    done = tool("awq-opt", "--awq-raise-decoder", imported, "-o", tmp_path / "kept.mlir")
    assert done.returncode == 0
    assert "keeps 'main' from being raised" in done.stderr
    assert "func.func @main" in (tmp_path / "kept.mlir").read_text()
    failed = tool("awq-compile", exported, "--compile-to=groups", "-o", tmp_path / "no.mlir")
    assert failed.returncode == 4
    assert "AWQ1144" in failed.stderr
    feed = example(model, 1, 5, 0)
    got = run(exported, feed, tmp_path)["logits"]
    np.testing.assert_allclose(got, reference(model, feed), atol=TOLERANCE, rtol=0)
