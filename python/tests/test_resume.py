# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A calibration that is killed goes on behind its last layer and ends in the same bytes."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from architecture_toys import ARCHITECTURES
from import_toys import BIN, TOYS
from safetensors.numpy import load_file, save_file
from test_quantize_model import GROUP, calibration, events, quantize

pytestmark = pytest.mark.tools


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def killed_after(model: Path, out: Path, layers: int, *options: str) -> None:
    """Runs until so many layers are finished, and kills the run there."""
    command: list[str | Path] = [BIN / "awq-compile", model, "-o", out, f"--group-size={GROUP}"]
    command += ["--progress=jsonl", "--quantize=awq", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            event = json.loads(line)
            if event["event"] == "layer" and event["index"] + 1 == layers:
                run.send_signal(signal.SIGKILL)
                break
        assert run.wait() == -signal.SIGKILL


def make(name: str, folder: Path) -> Path:
    folder.mkdir()
    next(toy for toy in [*TOYS, *ARCHITECTURES] if toy.name == name).make(folder)
    return folder


@pytest.mark.parametrize(("name", "layers"), [("llama-biases", 1), ("llama", 2), ("mixtral", 1), ("phi3", 1)])
def test_a_killed_run_ends_in_the_same_bytes(name: str, layers: int, tmp_path: Path) -> None:
    model = make(name, tmp_path / "model")
    data = calibration(tmp_path / "calibration.safetensors")
    journal = tmp_path / "journal"
    options = [f"--calibration={data}", f"--journal={journal}"]
    statistics = [f"--statistics={tmp_path / name}.safetensors" for name in ("whole", "resumed")]
    whole = events(quantize(model, tmp_path / "whole", "--quantize=awq", *options, statistics[0]))
    assert not journal.exists()

    killed_after(model, tmp_path / "out", layers, *options)
    assert sorted(path.name for path in journal.iterdir()) == [
        "job.json",
        *(f"layer-{layer}.safetensors" for layer in range(layers)),
    ]
    assert not (tmp_path / "out").exists()
    resumed = events(quantize(model, tmp_path / "out", "--quantize=awq", "--resume", *options, statistics[1]))
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    first, second = (load_file(path.removeprefix("--statistics=")) for path in statistics)
    assert first.keys() == second.keys()
    assert all((first[key] == second[key]).all() for key in first)
    assert not journal.exists()

    def searched(said: list[dict[str, Any]]) -> list[Any]:
        ignored = ("seconds", "rss_bytes", "resumed")
        return [{k: v for k, v in e.items() if k not in ignored} for e in said if e["event"] in ("layer", "guard")]

    assert [event["index"] for event in resumed if event.get("resumed")] == list(range(layers))
    assert searched(resumed) == searched(whole)


def interrupted(tmp_path: Path) -> tuple[Path, Path, list[str]]:
    model = make("llama", tmp_path / "model")
    data = calibration(tmp_path / "calibration.safetensors")
    journal = tmp_path / "journal"
    options = ["--quantize=awq", f"--calibration={data}", f"--journal={journal}"]
    killed_after(model, tmp_path / "out", 1, *options[1:])
    return model, journal, options


def test_an_interrupted_run_is_not_forgotten_by_accident(tmp_path: Path) -> None:
    model, journal, options = interrupted(tmp_path)
    result = quantize(model, tmp_path / "out", *options)
    assert result.returncode == 2
    assert "AWQ1327" in result.stderr and "--resume" in result.stderr and "--restart" in result.stderr
    assert (journal / "layer-0.safetensors").exists()
    said = events(quantize(model, tmp_path / "out", *options, "--restart"))
    assert not any(event.get("resumed") for event in said)
    assert not journal.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("--shrinkage=0.25", "shrinkage"),
        ("--refit-scales=false", "refit_scales"),
        ("--skip=down_proj", "skip"),
        ("--search-clips=false", "search_clips"),
        ("weights", "weights"),
        ("tokens", "tokens"),
    ],
)
def test_only_the_same_run_goes_on(change: str, field: str, tmp_path: Path) -> None:
    model, journal, options = interrupted(tmp_path)
    if change == "weights":
        os.utime(model / "model.safetensors", ns=(1, 1))
    elif change == "tokens":
        tensors = load_file(tmp_path / "calibration.safetensors")
        tensors["tokens"][0, 0] ^= 1
        save_file(tensors, tmp_path / "calibration.safetensors")
    else:
        options.append(change)
    result = quantize(model, tmp_path / "out", *options, "--resume")
    assert result.returncode == 2
    assert "AWQ1327" in result.stderr and f'"{field}" differs' in result.stderr
    assert (journal / "layer-0.safetensors").exists()


def test_a_damaged_layer_is_named(tmp_path: Path) -> None:
    model, journal, options = interrupted(tmp_path)
    path = journal / "layer-0.safetensors"
    tensors = load_file(path)
    del tensors["model.layers.0.mlp.up_proj/zeros"]
    save_file(tensors, path, metadata={"event": "{}"})
    result = quantize(model, tmp_path / "out", *options, "--resume")
    assert result.returncode == 3
    assert "AWQ1329" in result.stderr and str(path) in result.stderr
    assert not (tmp_path / "out").exists()


def test_one_writer(tmp_path: Path) -> None:
    model, journal, options = interrupted(tmp_path)
    held = os.open(journal, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    result = quantize(model, tmp_path / "out", *options, "--resume")
    os.close(held)
    assert result.returncode == 5
    assert "AWQ1328" in result.stderr


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    model = make("llama", tmp_path / "model")
    data = calibration(tmp_path / "calibration.safetensors")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    for option in ("--resume", "--restart"):
        options = ["--quantize=awq", f"--calibration={data}", f"--journal={mine}", option]
        result = quantize(model, tmp_path / "out", *options)
        assert result.returncode == 2
        assert "AWQ1327" in result.stderr and "notes.txt" in result.stderr
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]


def test_a_run_that_fails_at_once_leaves_nothing(tmp_path: Path) -> None:
    model = make("llama", tmp_path / "model")
    data = calibration(tmp_path / "calibration.safetensors")
    options = ["--quantize=awq", f"--calibration={data}", f"--journal={tmp_path / 'journal'}", "--skip-tokens=39"]
    blocked = tmp_path / "out"
    blocked.mkdir()
    (blocked / "notes.txt").write_text("mine")
    assert quantize(model, blocked, *options).returncode == 2
    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--quantize=rtn", "--journal=j"], "--journal keeps the results of a calibration"),
        (["--quantize=awq", "--calibration=c", "--resume"], "name it with --journal"),
        (["--quantize=awq", "--calibration=c", "--journal=j", "--resume", "--restart"], "leave one of the two out"),
    ],
)
def test_options_that_do_not_go_together(options: list[str], text: str, tmp_path: Path) -> None:
    result = quantize(tmp_path, tmp_path / "out", *options)
    assert result.returncode == 2
    assert "AWQ1601" in result.stderr and text in result.stderr
