# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Statistics that awq-compile keeps: what is in them, whose they are, and searching on them again in awq-opt."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from import_toys import BIN, SIZES, TOYS, import_model
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from test_quantize_model import GROUP, LENGTH, calibration, events, make_model, quantize

pytestmark = pytest.mark.tools

REMARK = re.compile(r"remark: group '([^']+)': (\w+), ratio (\d\.\d\d)(, refused by the guard)?$", re.MULTILINE)


def fingerprint(files: Iterable[Path]) -> str:
    """The message of include/awq/IO/Fingerprint.h, from the files' own headers."""
    tensors = {}
    for path in files:
        content = path.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:start])
        header.pop("__metadata__", None)
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            tensors[name] = (entry["dtype"], entry["shape"], content[start + begin : start + end])
    total = hashlib.sha256()
    for name in sorted(tensors):
        dtype, shape, data = tensors[name]
        total.update(f"{name}\0{dtype}\0{','.join(map(str, shape))}\0".encode())
        if len(data) > 65536:
            data = b"".join(data[at : at + 4096] for at in ((len(data) - 4096) * i // 15 for i in range(16)))
        total.update(data)
    return total.hexdigest()


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "numpy") as file:
        found: dict[str, str] = file.metadata()
    return found


def gather(model: Path, folder: Path, *options: str) -> tuple[Path, list[dict[str, Any]]]:
    """Quantizes with statistics; their file, and what was said."""
    data = calibration(folder / "calibration.safetensors")
    path = folder / "statistics.safetensors"
    options = (f"--calibration={data}", f"--statistics={path}", *options)
    return path, events(quantize(model, folder / "out", "--quantize=awq", *options))


def opt(source: Path, pipeline: str) -> subprocess.CompletedProcess[str]:
    command = [BIN / "awq-opt", source, f"--pass-pipeline=builtin.module({pipeline})"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def searched(program: Path, statistics: Path) -> subprocess.CompletedProcess[str]:
    options = f"bits=4 group={GROUP} statistics={statistics}"
    scales = f"awq-search-scales{{{options} remarks side-file={program.with_suffix('.scales')}}}"
    clips = f"awq-search-clips{{{options} side-file={program.with_suffix('.clips')}}}"
    return opt(program, f"awq-insert-observers,{scales},func.func(awq-apply-scales),{clips}")


def test_the_passes_find_what_the_command_found(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    statistics, said = gather(model, tmp_path, "--statistics-gram")
    program = tmp_path / "model.mlir"
    program.write_text(import_model(model))
    done = searched(program, statistics)
    assert done.returncode == 0, done.stderr
    layers = [event for event in said if event["event"] == "layer"][: SIZES["num_hidden_layers"]]
    # Refused candidates are reported as what is done instead.
    expected = {
        group["name"]: (group["formula"], f"{group['ratio']:.2f}", not group["accepted"])
        for layer in layers
        for group in layer["groups"]
    }
    assert len(expected) == 4 * SIZES["num_hidden_layers"]
    found = {name: (formula, ratio, bool(refused)) for name, formula, ratio, refused in REMARK.findall(done.stderr)}
    assert found == expected
    assert len({ratio for _, ratio, _ in found.values()}) > 2
    clipped = [linear for layer in layers for linear in layer["linears"]]
    assert done.stdout.count("awq.clip_groups") == sum(
        linear["accepted"] and linear["clipped_groups"] > 0 for linear in clipped
    )
    refitted = [linear for layer in layers for linear in layer["refits"]]
    assert [linear["name"] for linear in refitted] == [linear["name"] for linear in clipped]
    for before, after in zip(clipped, refitted, strict=True):
        # Bounds were judged with the scales that follow from them.
        expected_loss = before["loss"] if before["accepted"] else before["loss_before"]
        assert after["loss_before"] == pytest.approx(expected_loss, rel=1e-3)
        assert after["loss"] < after["loss_before"]
        assert after["accepted"] == (after["guard"] <= after["guard_before"])
        assert (after["changed_rows"] > 0) == after["accepted"]
    assert any(linear["accepted"] for linear in refitted)


def test_steps_can_be_left_out(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    _, said = gather(model, tmp_path, "--search-clips=false", "--refit-scales=false")
    layers = [event for event in said if event["event"] == "layer"]
    assert all(layer["linears"] == [] and layer["refits"] == [] for layer in layers)


@pytest.mark.parametrize(
    ("option", "code", "help_"),
    [
        (f"--skip-tokens={LENGTH}", "AWQ1322", "skip fewer tokens"),
        ("--shrinkage=1.5", "AWQ1314", "from 0 to 1"),
        ("--shrinkage=nan", "AWQ1314", "from 0 to 1"),
    ],
)
def test_options_out_of_range(option: str, code: str, help_: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    data = calibration(tmp_path / "calibration.safetensors")
    done = quantize(model, tmp_path / "out", "--quantize=awq", f"--calibration={data}", option)
    assert done.returncode == 2
    assert code in done.stderr and help_ in done.stderr
    assert not (tmp_path / "out").exists()


def test_tokens_left_out(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    path, _ = gather(model, tmp_path, "--skip-tokens=3")
    for name, values in load_file(path).items():
        if name.endswith("/tokens"):
            assert int(values[0]) == (8 if "/fit/" in name else 2) * (LENGTH - 3)


def test_gram_matrices_are_the_products_of_the_activations(tmp_path: Path) -> None:
    """Their diagonals are mean squares times tokens; without the option they are not kept."""
    model = make_model(tmp_path / "model", "llama")
    path, _ = gather(model, tmp_path, "--statistics-gram")
    tensors = load_file(path)
    grams = {name: gram for name, gram in tensors.items() if name.endswith("/gram")}
    assert len(grams) == 2 * 4 * SIZES["num_hidden_layers"]
    for name, gram in grams.items():
        tokens = int(tensors[name.replace("gram", "tokens")][0])
        assert tokens == (8 if "/fit/" in name else 2) * LENGTH
        np.testing.assert_allclose(np.diag(gram), tensors[name.replace("gram", "mean_square")] * tokens, rtol=1e-4)
        np.testing.assert_array_equal(gram, gram.T)
    other, _ = gather(model, tmp_path, "--force")
    plain = load_file(other)
    assert set(plain) == set(tensors) - set(grams)
    for name, values in plain.items():
        np.testing.assert_array_equal(values, tensors[name])


def test_statistics_without_gram_matrices_say_so(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    statistics, _ = gather(model, tmp_path)
    program = tmp_path / "model.mlir"
    program.write_text(import_model(model))
    done = searched(program, statistics)
    assert done.returncode == 1
    assert "no Gram matrix in the fit part" in done.stderr and "ask for Gram matrices" in done.stderr


def test_the_fingerprint_is_the_models(tmp_path: Path) -> None:
    """It is the same for other paths and shards, and that of the documented message."""
    prints = set()
    for name, options in (("one", {}), ("many", {"max_shard_size": "60KB"})):
        folder = tmp_path / name / "model"
        folder.parent.mkdir()
        folder.mkdir()
        next(toy for toy in TOYS if toy.name == "llama").make(folder, **options)
        shards = sorted(folder.glob("*.safetensors"))
        assert (len(shards) > 2) == (name == "many")
        statistics, _ = gather(folder, tmp_path / name)
        found = metadata(statistics)["model_sha256"]
        assert found == fingerprint(shards)
        prints.add(found)
    assert len(prints) == 1


@pytest.mark.parametrize("change", ["value", "model"])
def test_statistics_of_another_model_are_refused(change: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    statistics, _ = gather(model, tmp_path, "--statistics-gram")
    if change == "value":
        tensors = load_file(model / "model.safetensors")
        tensors["model.layers.2.input_layernorm.weight"][5] *= 1.5
        save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    else:
        model = make_model(tmp_path / "other", "llama-tied")
    program = tmp_path / "model.mlir"
    program.write_text(import_model(model))
    done = searched(program, statistics)
    assert done.returncode == 3
    assert "AWQ1309: the statistics were made from another model" in done.stderr
    assert str(statistics) in done.stderr
    assert fingerprint([model / "model.safetensors"]) in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--quantize=rtn", "--statistics=S"), "--statistics needs a calibration"),
        (("--quantize=rtn", "--statistics-gram"), "name one with --statistics"),
        (("--skip=q_proj",), "nothing is"),
        (("--kernel-mode=fast",), "--kernel-mode=fast is unknown"),
        (("--activations=f64",), "--activations=f64 is unknown"),
    ],
)
def test_options_that_go_together(options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    result = quantize(tmp_path, tmp_path / "out", *options)
    assert result.returncode == 2
    assert "AWQ1601" in result.stderr and words in result.stderr
