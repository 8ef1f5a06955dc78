# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models compiled by iree-compile and run by iree-run-module, against our own runtime."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import exported_toys
import numpy as np
import pytest
from architecture_toys import ARCHITECTURES
from exported_toys import export_onnx
from import_toys import BIN, ROOT, TOYS, import_model
from safetensors.numpy import save_file
from test_fold_equivalence import opt
from test_logits_toys import logits_of
from test_quantize_model import GROUP

pytestmark = pytest.mark.tools

Array = np.ndarray[Any, Any]
EXAMPLE = ROOT / "examples" / "iree"
ROWS = 20  # of the caches
STEPS = (11, 1, 1)  # a prompt, and two tokens after it


def command(*words: object) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(BIN), str(Path(sys.executable).parent), os.environ["PATH"]])
    line = [str(word) for word in words]
    return subprocess.run(
        line, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=300
    )


def call(*words: object) -> str:
    return called(*words).stdout


def called(*words: object) -> subprocess.CompletedProcess[str]:
    done = command(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def build(model: Path, folder: Path) -> list[str]:
    """Compiles a model into a folder by the recipe of docs/Embedding.md; the files that hold the parameters."""
    folder.mkdir()
    said = called(EXAMPLE / "compile.sh", model, folder).stderr
    files = re.findall(r"^parameters: scope model, path (.+)$", said, re.MULTILINE)
    assert files
    return files


def iree_logits(folder: Path, files: list[str], tokens: Array) -> Array:
    """The logits of a prompt and of steps after it. What no token has written to the caches is no number."""
    forward = re.search(r"func\.func @forward\((.*?)\) -> ", (folder / "model.mlir").read_text())
    assert forward is not None
    rows = [tuple(map(int, shape.split("x"))) for shape in re.findall(r"tensor<\?x(\d+x\d+)xf32>", forward[1])]
    with (folder / "caches.npy").open("wb") as file:
        for row in rows:
            np.save(file, np.full((ROWS, *row), np.nan, np.float32))
    logits, position = [], 0
    for count in STEPS:
        np.save(folder / "tokens.npy", tokens[position : position + count])
        call(EXAMPLE / "step.sh", folder, position, len(rows), *files)
        logits.append(np.load(folder / "logits.npy"))
        position += count
    return np.concatenate(logits)


def check(model: Path, folder: Path, vocabulary: int) -> str:
    """Compares the logits of IREE with those of awq-run; the module that IREE got."""
    files = build(model, folder)
    tokens = np.random.default_rng(5).integers(0, vocabulary, sum(STEPS)).astype(np.int32)
    expected = logits_of(model, tokens, folder)
    found = iree_logits(folder, files, tokens)
    assert found.shape == expected.shape
    size = max(1.0, float(np.max(np.abs(expected)) / 10))
    assert np.max(np.abs(found - expected)) <= 1e-4 * size
    assert (found.argmax(-1) == expected.argmax(-1)).all()
    return (folder / "model.mlir").read_text()


def make(name: str, folder: Path, **save: Any) -> Path:
    folder.mkdir()
    next(toy for toy in [*TOYS, *ARCHITECTURES] if toy.name == name).make(folder, **save)
    return folder


def quantize(model: Path, out: Path, *options: str) -> Path:
    call(BIN / "awq-compile", model, "-o", out, "--quantize=rtn", *options)
    return out


def test_float(tmp_path: Path) -> None:
    """Groups of experts, and values narrower than keys."""
    check(make("deepseek_v3", tmp_path / "model"), tmp_path / "iree", 96)


# The second has windows and soft caps, the third experts.
@pytest.mark.parametrize("name", ["llama", "gemma2", "mixtral"])
def test_quantized(name: str, tmp_path: Path) -> None:
    """The words of the checkpoint in AutoAWQ's format are IREE's parameters, as they are."""
    model = make(name, tmp_path / "model")
    quantized = quantize(model, tmp_path / "quantized", f"--group-size={GROUP}")
    text = check(quantized, tmp_path / "iree", 96)
    q = "model.layers.1.self_attn.q_proj"
    assert f'#flow.parameter.named<"model"::"{q}.qweight"> : tensor<64x8xi32>' in text
    assert f"{q}.weight" not in text and "awq." not in text and len(text) < 1 << 18


@pytest.mark.model
def test_a_real_model(smollm2: Path, tmp_path: Path) -> None:
    check(quantize(smollm2, tmp_path / "quantized"), tmp_path / "iree", 49152)


def test_codes_beside_the_model(tmp_path: Path) -> None:
    """A module that was quantized as one: codes of a byte in a file of their own. Scores get biases of distances."""
    model = make("falcon-sequential", tmp_path / "model")
    program = quantize(model, tmp_path / "model.mlir", "--emit=mlir", f"--group-size={GROUP}", "--bits=8")
    assert "tensor<64x64xi8>" in check(program, tmp_path / "iree", 96)


def test_a_model_from_onnx(tmp_path: Path) -> None:
    """What stays in the ONNX file is copied, and codes become AutoAWQ's words."""
    model = export_onnx(exported_toys.make("qwen3"), tmp_path / "model.onnx", dynamo=False, opset=17, kind="caches")
    program = quantize(model, tmp_path / "model.mlir", "--emit=mlir", f"--group-size={GROUP}")
    text = check(program, tmp_path / "iree", exported_toys.BASE["vocab_size"])
    assert "self_attn.q_proj.codes.autoawq_gemm" in text and "xi8>" not in text
    assert {path.name for path in (tmp_path / "iree").glob("*.safetensors")} >= {
        "model.copies.safetensors",
        "model.parameters.safetensors",
    }


def test_computed_parameters(tmp_path: Path) -> None:
    """Weights in several files, scaled by factors in another one: the products go to one more."""
    model = make("llama", tmp_path / "model", max_shard_size="100KB")
    program, scaled = tmp_path / "model.mlir", tmp_path / "scaled.mlir"
    program.write_text(import_model(model))
    scaled.write_text(opt(program, f"-awq-test-scale-groups=seed=5 side-file={tmp_path / 'scales.safetensors'}"))
    check(scaled, tmp_path / "iree", 96)
    assert (tmp_path / "iree" / "model.parameters.safetensors").is_file()


def test_the_pipeline_of_awq_opt(tmp_path: Path) -> None:
    program = tmp_path / "model.mlir"
    program.write_text(import_model(make("llama", tmp_path / "model")))
    call(BIN / "awq-compile", program, "--target=iree", "-o", tmp_path / "compiled.mlir")
    printed = call(BIN / "awq-opt", program, "--allow-unregistered-dialect", "--awq-iree-pipeline")
    assert printed.strip() == (tmp_path / "compiled.mlir").read_text().strip()
    other = call(BIN / "awq-opt", program, "--allow-unregistered-dialect", "--awq-iree-pipeline=scope=weights")
    assert other == printed.replace('<"model"::', '<"weights"::')


def adder(folder: Path, files: str, *names: str) -> Path:
    """A module that adds parameters, four numbers each, to its argument."""
    program = folder / "adder.mlir"
    kind = "tensor<4xf32>"
    parameters = "\n".join(f"ml_program.global private @{name}(#ml_program.extern<{kind}>) : {kind}" for name in names)
    sums, last = "", "x"
    for name in names:
        sums += f"%{name} = ml_program.global_load_const @{name} : {kind}\n"
        sums += f"%{last}{name} = arith.addf %{last}, %{name} : {kind}\n"
        last += name
    program.write_text(f"""
module attributes {{awq.parameter_files = [{files}]}} {{
{parameters}
func.func @f(%x: {kind}) -> {kind} {{
{sums}return %{last} : {kind}
}}
}}""")
    return program


def test_a_later_file_overrides_an_earlier_one(tmp_path: Path) -> None:
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    # The first is needed for "v" alone.
    save_file({"v": np.full(4, 10, np.float32), "w": np.full(4, 100, np.float32)}, paths[0])
    save_file({"w": np.full(4, 1000, np.float32)}, paths[1])
    program = adder(tmp_path, ", ".join(f'"{path}"' for path in paths), "v", "w")
    files = build(program, tmp_path / "iree")
    assert files == [str(path) for path in reversed(paths)]
    scope = [f"--parameters=model={file}" for file in files]
    module = f"--module={tmp_path / 'iree' / 'model.vmfb'}"
    said = call("iree-run-module", "--device=local-task", module, *scope, "--function=f", "--input=4xf32=1")
    assert "4xf32=1011 1011 1011 1011" in said


@pytest.mark.parametrize(
    ("files", "options", "code", "text"),
    [
        ("", [], "AWQ1522", "the parameter 'w' is in no file"),
        ('"FOLDER/half.safetensors"', [], "AWQ1522", "is F16 of another shape or type than the module's f32"),
        ("", ["--emit=bundle"], "AWQ1601", "--target=iree writes a module"),
        ("", ["--quantize=rtn"], "AWQ1601", "--target=iree writes a module"),
        ("", ["--compile-to=llvm"], "AWQ1601", "--target=iree goes another way"),
    ],
)  # fmt: skip
def test_what_is_refused(files: str, options: list[str], code: str, text: str, tmp_path: Path) -> None:
    save_file({"w": np.zeros(4, np.float16)}, tmp_path / "half.safetensors")
    program = adder(tmp_path, files.replace("FOLDER", str(tmp_path)), "w")
    out = tmp_path / "out.mlir"
    done = command(BIN / "awq-compile", program, "--target=iree", "-o", out, *options)
    exits = {"AWQ1522": 3, "AWQ1601": 2}
    assert done.returncode == exits[code]
    assert f"error[{code}]" in done.stderr and text in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("target", ["cpu", "iree"])
def test_input_with_unknown_ops_is_refused_as_ever(target: str, tmp_path: Path) -> None:
    """Only what the pipeline writes may have attributes of a dialect that is unknown here."""
    for text in ('"flow.thing"() : () -> ()', 'module attributes {a = #flow.parameter.named<"model"::"w">} {}'):
        program = tmp_path / "program.mlir"
        program.write_text(text)
        done = command(BIN / "awq-compile", program, f"--target={target}", "--emit=mlir", "-o", tmp_path / "out.mlir")
        assert done.returncode == 3 and "error[AWQ1511]" in done.stderr


def test_progress_names_the_files(tmp_path: Path) -> None:
    model = make("llama", tmp_path / "model")
    out = tmp_path / "out.mlir"
    said = call(BIN / "awq-compile", model, "--target=iree", "-o", out, "--progress=jsonl")
    events = [json.loads(line) for line in said.splitlines()]
    (named,) = (event for event in events if event["event"] == "parameters")
    assert named == {"event": "parameters", "scope": "model", "path": str(model / "model.safetensors")}
