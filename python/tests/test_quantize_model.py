# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The calibration driver on toy models: awq-compile --quantize."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from compressed_tensors.entrypoints.convert.converters.autoawq import AutoAWQConverter
from import_toys import BIN, SIZES, TOYS, import_model
from safetensors.numpy import load_file, save_file
from test_logits_toys import logits_of
from transformers.quantizers.quantizers_utils import should_convert_module

pytestmark = pytest.mark.tools

SAMPLES, LENGTH, GROUP = 10, 40, 16
PARTS = [f"self_attn.{name}_proj" for name in "qkvo"] + [f"mlp.{name}_proj" for name in ("gate", "up", "down")]


def make_model(folder: Path, name: str, dtype: torch.dtype = torch.float32) -> Path:
    folder.mkdir()
    next(toy for toy in TOYS if toy.name == name).make(folder, dtype)
    return folder


def calibration(path: Path, **changes: Any) -> Path:
    random = np.random.default_rng(3)
    tensors: dict[str, Any] = {
        "tokens": random.integers(0, SIZES["vocab_size"], (SAMPLES, LENGTH)).astype(np.int32),
        "guard": np.array([0, 0, 1, 0, 0] * 2, np.uint8),
    }
    save_file({**tensors, **changes}, path)
    return path


def quantize(model: Path, out: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [BIN / "awq-compile", model, "-o", out, f"--group-size={GROUP}"]
    command += ["--progress=jsonl", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def events(result: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("llama", torch.float32), ("llama-tied", torch.bfloat16), ("qwen2", torch.float16), ("qwen3", torch.float32)],
)
def test_events_and_checkpoint(name: str, dtype: torch.dtype, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", name, dtype)
    data = calibration(tmp_path / "calibration.safetensors")
    said = events(quantize(model, tmp_path / "out", "--quantize=awq", f"--calibration={data}"))

    layers = [event for event in said if event["event"] == "layer"]
    (groups,) = (event for event in said if event["event"] == "groups")
    (guard,) = (event for event in said if event["event"] == "guard")
    assert groups["count"] == 4 * SIZES["num_hidden_layers"]
    assert len(groups["reported"]) == 1
    searched = layers[: SIZES["num_hidden_layers"]]
    for layer in searched:
        assert len(layer["groups"]) == 4
        for group in layer["groups"]:
            assert group["loss"] <= group["loss_rtn"]
            assert group["accepted"] == (group["guard"] <= group["guard_rtn"])
        for linear in layer["linears"]:
            assert linear["loss"] <= linear["loss_before"]
            assert linear["accepted"] == (linear["guard"] <= linear["guard_before"])
    assert 0 < guard["kl_awq"] < 10 and 0 < guard["kl_rtn"] < 10
    assert guard["accepted"] == (guard["kl_awq"] <= guard["kl_rtn"])

    assert said[-1]["event"] == "done" and said[-1]["peak_anonymous_bytes"] > 0

    tensors = load_file(tmp_path / "out" / "model.safetensors")
    assert tensors["model.layers.0.mlp.down_proj.qweight"].shape == (112, 64 // 8)
    assert "model.layers.0.mlp.down_proj.weight" not in tensors


def judged(model: Path, folder: Path, *options: str) -> float:
    """Quantizes; the mean KL that the guard found for what is written."""
    data = calibration(folder / "calibration.safetensors")
    said = events(quantize(model, folder / "out", "--quantize=awq", f"--calibration={data}", *options))
    (guard,) = (event for event in said if event["event"] == "guard")
    return float(guard["kl_awq"] if guard["accepted"] else guard["kl_rtn"])


def stored_divergence(model: Path, folder: Path) -> float:
    """The mean KL of the written checkpoint, run by itself, on the guard part."""
    program = folder / "model.mlir"
    program.write_text(import_model(model))
    divergences = []
    tensors = load_file(folder / "calibration.safetensors")
    for tokens in tensors["tokens"][tensors["guard"] == 1]:
        p = torch.log_softmax(torch.tensor(logits_of(program, tokens, folder)).double(), -1)
        q = torch.log_softmax(torch.tensor(logits_of(folder / "out", tokens, folder)).double(), -1)
        divergences.append((p.exp() * (p - q)).sum(-1).mean().item())
    return float(np.mean(divergences))


@pytest.mark.parametrize("skip", [(), ("layers.0.mlp.gate_proj", "layers.0.mlp.up_proj", "2.self_attn")])
def test_the_checkpoint_is_the_model_that_was_judged(skip: tuple[str, ...], tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    found = judged(model, tmp_path, *(f"--skip={name}" for name in skip))
    assert found == pytest.approx(stored_divergence(model, tmp_path), rel=0.02)


def test_the_guard_judges_norms_as_they_are_stored(tmp_path: Path) -> None:
    """Norms so small that float16 has few steps for them: the checkpoint is another model than the one in f32."""
    model = make_model(tmp_path / "model", "llama")
    tensors = load_file(model / "model.safetensors")
    for name, tensor in tensors.items():
        if "layernorm" in name:
            tensor *= 2e-6
        elif any(part in name for part in ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")):
            tensor *= 5e5
        elif "layers" not in name:
            tensor[:] = tensor.astype(np.float16)
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    assert judged(model, tmp_path) == pytest.approx(stored_divergence(model, tmp_path), rel=2e-3)


def test_a_type_that_cannot_be_copied_is_found_before_the_search(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    tensors = load_file(model / "model.safetensors")
    tensors["model.positions"] = np.arange(4)
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    data = calibration(tmp_path / "calibration.safetensors")
    result = quantize(model, tmp_path / "out", "--quantize=awq", f"--calibration={data}")
    assert result.returncode == 4
    assert "AWQ1323" in result.stderr and "'model.positions' has the type I64" in result.stderr
    assert '"event":"layer"' not in result.stdout.replace(" ", "")
    assert not (tmp_path / "out").exists()


def test_threads_do_not_change_a_bit(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    data = calibration(tmp_path / "calibration.safetensors")
    for threads in (1, 2):
        out = tmp_path / f"out{threads}"
        options = ("--quantize=awq", f"--calibration={data}", f"--threads={threads}")
        assert quantize(model, out, *options).returncode == 0
    one, two = ((tmp_path / f"out{n}" / "model.safetensors").read_bytes() for n in (1, 2))
    assert one == two


SKIPPED = ("layers.0.mlp.gate_proj", "layers.0.mlp.up_proj", "layers.2.self_attn")


@pytest.mark.parametrize("method", ["awq", "rtn"])
def test_skipped_linears_stay_float(method: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    options = [f"--quantize={method}", *(f"--skip={name}" for name in SKIPPED)]
    if method == "awq":
        options.append(f"--calibration={calibration(tmp_path / 'calibration.safetensors')}")
        options.append(f"--statistics={tmp_path / 'statistics.safetensors'}")
    said = events(quantize(model, tmp_path / "out", *options))
    names = [f"model.layers.{i}.{part}" for i in range(SIZES["num_hidden_layers"]) for part in PARTS]
    floats = [name for name in names if any(part in name for part in SKIPPED)]
    assert len(floats) == 6

    tensors = load_file(tmp_path / "out" / "model.safetensors")
    config = json.loads((tmp_path / "out" / "config.json").read_text())["quantization_config"]
    listed = config["modules_to_not_convert"]
    assert sorted(listed) == sorted(floats)
    for name in names:
        # AutoAWQ and vLLM leave a linear in float if an entry is part of its name; transformers has rules of its own.
        assert any(entry in name for entry in listed) == (name in floats)
        assert should_convert_module(name, listed) == (name not in floats)
        assert (f"{name}.weight" in tensors) == (name in floats)
        assert (f"{name}.qweight" in tensors) == (name not in floats)
    # Refuses codes of a linear that the list names.
    AutoAWQConverter.from_autoawq_config(config).validate({k: torch.tensor(v) for k, v in tensors.items()})
    if method == "awq":
        # norm -> q,k,v and v -> o of layer 2 and norm -> gate,up of layer 0 have nothing to quantize.
        (groups,) = (event for event in said if event["event"] == "groups")
        assert groups["count"] == 4 * SIZES["num_hidden_layers"] - 3
        sites = {name.split("/")[0] for name in load_file(tmp_path / "statistics.safetensors")}
        assert len(sites) == groups["count"]
        assert not any(part in site for part in SKIPPED for site in sites)


def test_a_site_is_called_after_its_first_quantized_reader(tmp_path: Path) -> None:
    """Only q is skipped: for an architecture of the user's own, nothing is known that joins q, k and v."""
    model = make_model(tmp_path / "model", "llama")
    program = model / "model.mlir"
    program.write_text(import_model(model))
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "model_type": "own"}))
    data = calibration(tmp_path / "calibration.safetensors")
    statistics = tmp_path / "statistics.safetensors"
    options = (f"--calibration={data}", f"--statistics={statistics}", "--skip=q_proj")
    assert quantize(program, tmp_path / "out", "--quantize=awq", *options).returncode == 0
    sites = {name.split("/")[0] for name in load_file(statistics)}
    assert "model.layers.0.self_attn.k_proj.input" in sites
    assert "model.layers.0.self_attn.q_proj.input" not in sites


@pytest.mark.parametrize(
    ("skip", "code", "words"),
    [
        ("q_prj", "AWQ1325", "no linear has 'q_prj' in its name"),
        ("", "AWQ1325", "no linear has ''"),
        ("lm_head", "AWQ1325", "stay float anyway"),
        ("proj", "AWQ1326", "no linear is left"),
        ("layers.1.self_attn.q_proj", "AWQ1253", "skip all of q_proj, k_proj, v_proj or none"),
        ("up_proj", "AWQ1253", "skip all of gate_proj, up_proj or none"),
    ],
)
def test_linears_that_cannot_be_skipped(skip: str, code: str, words: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    result = quantize(model, tmp_path / "out", "--quantize=rtn", f"--skip={skip}")
    assert result.returncode == 2
    assert code in result.stderr and words in result.stderr
    assert not (tmp_path / "out").exists()


def test_group_sizes_that_do_not_fit(tmp_path: Path) -> None:
    """The size that is suggested fits all linears, not only the first."""
    model = make_model(tmp_path / "model", "llama")
    widths = {tensor.shape[1] for name, tensor in load_file(model / "model.safetensors").items() if "proj" in name}
    result = quantize(model, tmp_path / "out", "--quantize=rtn", "--group-size=7")
    assert result.returncode == 4 and "AWQ1204" in result.stderr
    suggested = int(result.stderr.rpartition("such as ")[2])
    assert all(width % suggested == 0 for width in widths)


def test_rounding_only_needs_no_text(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    said = events(quantize(model, tmp_path / "out", "--quantize=rtn"))
    assert not any(event["event"] == "guard" for event in said)
    source = load_file(model / "model.safetensors")
    written = load_file(tmp_path / "out" / "model.safetensors")
    norm = "model.layers.1.input_layernorm.weight"
    assert np.array_equal(written[norm], source[norm].astype(np.float16))


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"tokens": np.full((SAMPLES, LENGTH), 96, np.int32)}, "AWQ1321", "token 96"),
        ({"tokens": np.zeros((SAMPLES, LENGTH), np.int64)}, "AWQ1321", "must be I32"),
        ({"guard": np.zeros(SAMPLES - 1, np.uint8)}, "AWQ1321", "must be U8"),
        ({"guard": np.zeros(SAMPLES, np.uint8)}, "AWQ1322", "guard part"),
        ({"guard": np.ones(SAMPLES, np.uint8)}, "AWQ1322", "fit part"),
    ],
)
def test_calibration_files_that_do_not_fit(changes: dict[str, Any], code: str, words: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    data = calibration(tmp_path / "calibration.safetensors", **changes)
    result = quantize(model, tmp_path / "out", "--quantize=awq", f"--calibration={data}")
    assert result.returncode == 3
    assert code in result.stderr and words in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_module_without_head_cannot_be_judged(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    data = calibration(tmp_path / "calibration.safetensors")
    program = model / "model.mlir"
    text, found = re.subn(r"func\.func @head\(.*?\n  }\n", "", import_model(model), flags=re.DOTALL)
    assert found == 1
    program.write_text(text)
    result = quantize(program, tmp_path / "out", "--quantize=awq", f"--calibration={data}")
    assert result.returncode == 4
    assert "AWQ1324" in result.stderr and "@head" in result.stderr
    assert not (tmp_path / "out").exists()
    assert quantize(program, tmp_path / "out", "--quantize=rtn").returncode == 0


@pytest.mark.parametrize("bits", [2, 3])
def test_fewer_bits_fit_in_the_same_slots(bits: int, tmp_path: Path) -> None:
    """The checkpoint says 4 bits, as all readers of the format want, and its codes and zero points are smaller."""
    model = make_model(tmp_path / "model", "llama")
    assert judged(model, tmp_path, f"--bits={bits}") == pytest.approx(stored_divergence(model, tmp_path), rel=0.02)
    config = json.loads((tmp_path / "out" / "config.json").read_text())["quantization_config"]
    assert config["bits"] == 4
    for name, tensor in load_file(tmp_path / "out" / "model.safetensors").items():
        if name.endswith((".qweight", ".qzeros")):
            nibbles = [(tensor >> (4 * i)) & 15 for i in range(8)]
            assert np.max(nibbles) < 1 << bits


def test_more_bits_do_not_fit(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    result = quantize(model, tmp_path / "out", "--quantize=rtn", "--bits=5")
    assert result.returncode == 4
    assert "AWQ1252" in result.stderr and "at most 4 bits, not 5" in result.stderr


def test_masked_tokens_do_not_count(tmp_path: Path) -> None:
    """Masking the second half of each sample gives the statistics of samples that end there; the model sees all."""
    model = make_model(tmp_path / "model", "llama")
    half = LENGTH // 2
    mask = np.zeros((SAMPLES, LENGTH), np.uint8)
    mask[:, :half] = 1
    tokens = load_file(calibration(tmp_path / "calibration.safetensors"))["tokens"]
    masked = calibration(tmp_path / "masked.safetensors", mask=mask)
    short = calibration(tmp_path / "short.safetensors", tokens=np.ascontiguousarray(tokens[:, :half]))
    found = []
    for data in (masked, short):
        statistics = tmp_path / f"{data.stem}-statistics.safetensors"
        options = (f"--calibration={data}", f"--statistics={statistics}", "--statistics-gram")
        said = events(quantize(model, tmp_path / f"{data.stem}-out", "--quantize=awq", *options))
        guard = next(event["kl_rtn"] for event in said if event["event"] == "guard")
        found.append((load_file(statistics), guard))
    assert found[0][0].keys() == found[1][0].keys()
    for name, tensor in found[0][0].items():
        assert np.allclose(tensor, found[1][0][name], rtol=1e-5, atol=1e-5 * np.max(np.abs(tensor))), name
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-4)


@pytest.mark.parametrize(
    ("mask", "code", "text"),
    [
        (np.zeros((SAMPLES, LENGTH), np.uint8), "AWQ1322", "no tokens in the fit part"),
        (np.ones((SAMPLES, LENGTH), np.int32), "AWQ1321", "'mask' must be U8 [samples, length]"),
        (np.ones((SAMPLES, 1), np.uint8), "AWQ1321", "'mask' must be U8 [samples, length]"),
    ],
)
def test_a_mask_that_does_not_fit(mask: Any, code: str, text: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    data = calibration(tmp_path / "calibration.safetensors", mask=mask)
    result = quantize(model, tmp_path / "out", "--quantize=awq", f"--calibration={data}")
    assert result.returncode == 3
    assert code in result.stderr and text in result.stderr


def test_autoawqs_way(tmp_path: Path) -> None:
    """AutoAWQ's search: its grid without the identity, no step behind rounding, and float16 all the way."""
    model = make_model(tmp_path / "model", "llama")
    data = calibration(tmp_path / "calibration.safetensors")
    said = events(quantize(model, tmp_path / "out", "--quantize=awq", f"--calibration={data}", "--autoawq"))
    layers = [event for event in said if event["event"] == "layer"][: SIZES["num_hidden_layers"]]
    for layer in layers:
        assert layer["refits"] == layer["refinements"] == []
        assert all(group["formula"] == "duo" and group["accepted"] for group in layer["groups"])
        assert all(20 * group["ratio"] == pytest.approx(round(20 * group["ratio"])) for group in layer["groups"])
        assert max(group["ratio"] for group in layer["groups"]) <= 0.95
        clipped = {linear["name"].rsplit(".", 1)[1] for linear in layer["linears"]}
        assert clipped == {"v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    (guard,) = (event for event in said if event["event"] == "guard")
    found = guard["kl_awq"] if guard["accepted"] else guard["kl_rtn"]
    assert found == pytest.approx(stored_divergence(model, tmp_path), rel=0.02)


def test_a_coarse_grid_is_part_of_the_fine_one(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    data = calibration(tmp_path / "calibration.safetensors")
    losses = []
    for number, options in enumerate((("--scale-ratios=10", "--plain-scales=false"), ())):
        said = events(quantize(model, tmp_path / f"{number}", "--quantize=awq", f"--calibration={data}", *options))
        groups = [group for event in said if event["event"] == "layer" for group in event["groups"]]
        losses.append([group["loss"] for group in groups])
        if options:
            assert {group["formula"] for group in groups} <= {"duo", "identity"}
            assert all(10 * group["ratio"] == pytest.approx(round(10 * group["ratio"])) for group in groups)
    assert all(fine <= coarse for coarse, fine in zip(*losses, strict=True))
    assert sum(losses[1]) < sum(losses[0])


def test_a_grid_without_points(tmp_path: Path) -> None:
    result = quantize(tmp_path, tmp_path / "out", "--quantize=rtn", "--scale-ratios=0")
    assert result.returncode == 2 and "--scale-ratios must be 1 to 1000" in result.stderr
