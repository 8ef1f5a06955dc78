# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX models quantized into ONNX models: the same codes as from the checkpoint, run by onnxruntime."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from exported_toys import FAMILIES, LAYERS, example, make, raise_module, reference, run, tool
from onnx import numpy_helper
from safetensors.numpy import save_file
from test_onnx_export import Decoder, check
from tokenizers import Tokenizer

pytestmark = pytest.mark.tools

GROUP, TOLERANCE = 16, 1e-4
Array = np.ndarray[Any, Any]


def calibration(path: Path) -> Path:
    random = np.random.default_rng(3)
    save_file(
        {
            "tokens": random.integers(3, 272, (10, 40)).astype(np.int32),
            "guard": np.array([0, 0, 1, 0, 0] * 2, np.uint8),
        },
        path,
    )
    return path


def quantize(source: Path, out: Path, *options: str | Path) -> Any:
    common = ["--emit=onnx", f"--group-size={GROUP}", "--progress=jsonl"]
    return tool("awq-compile", source, "-o", out, *common, *options)


def weights_of(model: Path) -> dict[str, dict[str, Array]]:
    """Codes, scales and zero points of each quantized linear, in the graph's order."""
    graph = onnx.load(model).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    parts = ("codes", "scales", "zeros")
    return {
        node.name: dict(zip(parts, (tensors[name] for name in node.input[1:4]), strict=False))
        for node in graph.node
        if node.op_type == "MatMulNBits"
    }


def rows_of(weights: dict[str, dict[str, Array]]) -> list[bytes]:
    """Codes and zero points of all outputs, whatever linears they are in: exporters join gates with what they gate."""
    return [
        codes.tobytes() + zeros.tobytes()
        for weight in weights.values()
        for codes, zeros in zip(weight["codes"], weight["zeros"].reshape(len(weight["codes"]), -1), strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "dynamo"),
    [
        ("llama", False),
        pytest.param("qwen3", False, marks=pytest.mark.long),
        ("gemma2", False),
        pytest.param("phi3", False, marks=pytest.mark.long),
        ("gptneox", True),
        ("mixtral", True),
    ],
)
def test_the_same_codes_as_from_the_checkpoint(
    name: str, dynamo: bool, tmp_path: Path, toy_onnx: Callable[..., Path]
) -> None:
    model = make(name)
    model.save_pretrained(tmp_path / "hf")
    exported = toy_onnx(name, tmp_path / "model.onnx", dynamo=dynamo, opset=18 if dynamo else 17, kind="caches")
    data = calibration(tmp_path / "calibration.safetensors")
    found: dict[str, dict[str, dict[str, Array]]] = {}
    for door, source in (("hf", tmp_path / "hf"), ("onnx", exported)):
        result = quantize(source, tmp_path / f"{door}-4bit", "--quantize=awq", f"--calibration={data}")
        assert result.returncode == 0, result.stderr
        found[door] = weights_of(tmp_path / f"{door}-4bit" / "model.onnx")
    # All but the head, and the router of a mixture.
    assert len(found["onnx"]) == (FAMILIES[name].linears - (name == "mixtral")) * LAYERS
    expected, got = (rows_of(found[door]) for door in ("hf", "onnx"))
    assert len(expected) == len(got) > 500
    different = len(set(got) - set(expected))
    # Steps that are taken back where they do not help are taken back for a linear as a whole: that may differ where a
    # gate and what it gates are one linear.
    assert different <= (0.05 * len(got) if name == "mixtral" else 0)


@pytest.mark.parametrize("name", ["llama", pytest.param("gemma3", marks=pytest.mark.long), "mixtral"])
@pytest.mark.parametrize("form", ["matmulnbits", "qdq"])
def test_onnxruntime_computes_what_we_do(name: str, form: str, tmp_path: Path, toy_onnx: Callable[..., Path]) -> None:
    model = make(name)
    exported = toy_onnx(name, tmp_path / "model.onnx", dynamo=True, opset=18, kind="caches")
    data = calibration(tmp_path / "calibration.safetensors")
    options = ["--quantize=awq", f"--calibration={data}"]
    result = quantize(exported, tmp_path / "4bit", f"--onnx-format={form}", *options)
    assert result.returncode == 0, result.stderr
    onnx.checker.check_model(tmp_path / "4bit" / "model.onnx", full_check=True)
    module = tmp_path / "4bit.mlir"
    result = tool(
        "awq-compile", exported, "-o", module, "--emit=mlir", f"--group-size={GROUP}", "--progress=none", *options
    )
    assert result.returncode == 0, result.stderr
    feed = example(model, 1, 9, 0)
    ids = feed["input_ids"][0].astype(np.int32)
    ours = run(module, {"tokens": ids}, tmp_path)["logits"]
    theirs = Decoder(tmp_path / "4bit" / "model.onnx").logits(ids)
    np.testing.assert_allclose(theirs, ours, atol=TOLERANCE, rtol=0)
    # It is a quantized model, and one of this model.
    error = np.abs(ours - reference(model, feed)[0]).max()
    assert 1e-3 < error < 0.5


def call(*arguments: str | Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "awq_mlir", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf8", check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def source(tmp_path: Path, byte_tokenizer: Tokenizer, toy_onnx: Callable[..., Path]) -> Path:
    """A model's folder as exported: model.onnx, tokenizer and configuration."""
    model = make("llama")
    model.save_pretrained(tmp_path / "hf")
    folder = tmp_path / "exported"
    folder.mkdir()
    toy_onnx("llama", folder / "model.onnx", dynamo=True, opset=18, kind="caches")
    for place in (folder, tmp_path / "hf"):
        byte_tokenizer.save(str(place / "tokenizer.json"))
    (folder / "config.json").write_text((tmp_path / "hf" / "config.json").read_text())
    (tmp_path / "text.txt").write_text("The quick brown fox jumps over the lazy dog. " * 200)
    return tmp_path


SIZES = ("--samples", "6", "--sequence-length", "32", "--group-size", "16")


def test_the_command(source: Path) -> None:
    """A folder that onnxruntime-genai takes, and a bundle of it that computes the same."""
    onnx_model, text, out = source / "exported" / "model.onnx", source / "text.txt", source / "out"
    code, said = call("quantize", onnx_model, "-o", out, "--calib", text, *SIZES)
    assert code == 0, said
    assert {path.name for path in out.iterdir()} >= {"model.onnx", "genai_config.json", "tokenizer.json"}
    facts = json.loads((out / "genai_config.json").read_text())["model"]
    assert (facts["bos_token_id"], facts["eos_token_id"], facts["context_length"]) == (1, 2, 128)
    raise_module(out / "model.onnx", source)
    check(out / "model.onnx", source / "raised.mlir", source)
    # From the folder of the checkpoint: the same model.
    code, said = call("quantize", source / "hf", "-o", source / "again", "--to", "onnx", "--calib", text, *SIZES)
    assert code == 0, said
    pairs = zip(weights_of(out / "model.onnx").values(), weights_of(source / "again/model.onnx").values(), strict=True)
    assert all((left["codes"] == right["codes"]).all() for left, right in pairs)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--to", "checkpoint"), "a checkpoint is made from a Hugging Face folder"),
        (("--sequence-length", "500"), "more than the model's 128 positions"),
        (("--group-size", "48"), "do not divide rows"),
        (("--calib", "missing.txt"), "missing.txt"),
    ],
)
def test_what_does_not_go_together(source: Path, options: tuple[str, ...], says: str) -> None:
    onnx_model = source / "exported" / "model.onnx"
    text = () if "--calib" in options else ("--calib", source / "text.txt")
    code, said = call("quantize", onnx_model, "-o", source / "out", *SIZES, *text, *options)
    assert code != 0
    assert says in " ".join(said.split())
    assert not (source / "out").exists()


def test_formats_are_of_onnx(source: Path) -> None:
    code, said = call("quantize", source / "hf", "-o", source / "out", "--method", "rtn", "--format", "qdq")
    assert code == 2
    assert "--format and --opset are about ONNX models" in " ".join(said.split())


def test_a_quantized_model_is_not_quantized_again(source: Path) -> None:
    onnx_model, out = source / "exported" / "model.onnx", source / "out"
    code, said = call("quantize", onnx_model, "-o", out, "--method", "rtn", "--group-size", "16")
    assert code == 0, said
    code, said = call("quantize", out / "model.onnx", "-o", source / "twice", "--method", "rtn", "--group-size", "16")
    assert code != 0
    assert not (source / "twice").exists()
