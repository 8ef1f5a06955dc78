"""The command on toy folders, with a stand-in for awq-compile: exit codes, errors, interruption.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]

# Writes a checkpoint like awq-compile, or misbehaves as $MISBEHAVE says.
STAND_IN = """#!{python}
import json, os, pathlib, shutil, signal, sys, time
arguments = sys.argv[1:]
out = pathlib.Path(arguments[arguments.index("-o") + 1])
options = dict((a[2:] + "=given").split("=")[:2] for a in arguments if a.startswith("--"))
if "skip" in options:
    options["skip"] = [a[7:] for a in arguments if a.startswith("--skip=")]
def say(event, **fields):
    print(json.dumps(dict(event=event, **fields)), flush=True)
say("import", model="toy", layers=1, linears=7, parameters=10, bytes=40)
how = os.environ.get("MISBEHAVE", "")
if how == "error":
    say("error", text="error[AWQ1003]: bad header\\n  where: x\\n  help: y")
    sys.exit(3)
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
if how == "silent":
    print("no words", file=sys.stderr)
    sys.exit(9)
out.mkdir()
(out / "config.json").write_text(json.dumps(options))
if how == "hang":
    pathlib.Path(os.environ["PID_FILE"]).write_text(str(os.getpid()))
    time.sleep(100)
if how != "incomplete":
    shutil.copy(options.get("calibration", __file__), out / "model.safetensors")
say("layer", index=0, count=1, seconds=0.1, groups=[dict(accepted=True, guard=1.0, guard_rtn=2.0)])
say("guard", kl_rtn=0.2, kl_awq=0.1, accepted=True)
say("written", path=str(out), bytes=40)
"""


@pytest.fixture
def model(tmp_path: Path, byte_tokenizer: Tokenizer) -> Path:
    folder = tmp_path / "toy model"
    folder.mkdir()
    config = {"architectures": ["LlamaForCausalLM"], "vocab_size": 300, "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 1, "model_type": "llama"}))
    weights = {"model.embed_tokens.weight": (300, 96), "model.layers.0.mlp.up_proj.weight": (64, 96)}
    save_file({name: np.zeros(shape, np.float32) for name, shape in weights.items()}, folder / "model.safetensors")
    byte_tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "LICENSE").write_text("Toy Licence 1.0\n")
    (folder / "tokenizer_config.json").write_text("{}")
    (tmp_path / "text.txt").write_text("abcdefghij" * 100)
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "awq-compile").write_text(STAND_IN.format(python=sys.executable))
    (tools / "awq-compile").chmod(0o755)
    return {**os.environ, "AWQ_MLIR_BIN": str(tools), "PYTHONPATH": str(ROOT / "python"), "COLUMNS": "200"}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "awq_mlir", *map(str, arguments)]


def call(environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=environment, capture_output=True, encoding="utf8", check=False, timeout=60
    )


def quantize(
    environment: dict[str, str], model: Path, *arguments: object, **more: str
) -> subprocess.CompletedProcess[str]:
    out, text = model.parent / "out", model.parent / "text.txt"
    shape = ("--samples", 8, "--sequence-length", 32)
    return call({**environment, **more}, "quantize", model, "-o", out, "--calib", text, *shape, *arguments)


def left(model: Path) -> set[str]:
    return {path.name for path in model.parent.iterdir()} - {"toy model", "text.txt", "bin", "pid"}


def test_quantize_makes_a_complete_folder(model: Path, environment: dict[str, str]) -> None:
    done = quantize(environment, model)
    assert (done.returncode, done.stderr) == (0, "")
    assert "calibrating on 8 samples of 32 tokens (7 to fit, 1 to guard)" in done.stdout
    assert "layer 1/1  0.1 s  1 of 1 groups scaled  guard loss 0.500 x RTN" in done.stdout
    out = model.parent / "out"
    assert {path.name for path in out.iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "LICENSE",
    }  # fmt: skip
    assert (out / "tokenizer.json").read_bytes() == (model / "tokenizer.json").read_bytes()
    options = json.loads((out / "config.json").read_text())
    assert {k: options[k] for k in ("quantize", "bits", "group-size", "emit", "progress")} == {
        "quantize": "awq", "bits": "4", "group-size": "64", "emit": "checkpoint", "progress": "jsonl",
    }  # fmt: skip
    assert "skip" not in options
    calibration = load_file(out / "model.safetensors")  # what the stand-in was given
    assert calibration["tokens"].shape == (8, 32)
    assert calibration["guard"].sum() == 1
    assert left(model) == {"out"}


def test_rtn_needs_no_text(model: Path, environment: dict[str, str]) -> None:
    done = call(environment, "quantize", model, "-o", model.parent / "out", "--method", "rtn")
    assert done.returncode == 0
    assert "calibration" not in json.loads((model.parent / "out" / "config.json").read_text())


def test_quantize_passes_on_what_to_skip(model: Path, environment: dict[str, str]) -> None:
    done = quantize(environment, model, "--skip", "layers.0.mlp", "--skip", "self_attn")
    assert (done.returncode, done.stderr) == (0, "")
    said = (model.parent / "out" / "config.json").read_text()
    assert json.loads(said)["skip"] == ["layers.0.mlp", "self_attn"]


def test_quantize_passes_on_which_statistics_to_keep(model: Path, environment: dict[str, str]) -> None:
    done = quantize(environment, model, "--statistics", model.parent / "s", "--statistics-gram")
    assert (done.returncode, done.stderr) == (0, "")
    options = json.loads((model.parent / "out" / "config.json").read_text())
    assert options["statistics"] == str(model.parent / "s")
    assert options["statistics-gram"] == "given"


def test_quantize_passes_on_which_steps_to_take(model: Path, environment: dict[str, str]) -> None:
    done = quantize(environment, model, "--no-clip", "--no-refit", "--skip-tokens", "2")
    assert (done.returncode, done.stderr) == (0, "")
    options = json.loads((model.parent / "out" / "config.json").read_text())
    assert (options["search-clips"], options["refit-scales"], options["skip-tokens"]) == ("false", "false", "2")


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("error", 3, ["error[AWQ1003]: bad header\n  where: x\n  help: y\n"]),
        ("killed", 5, ["AWQ1644", "memory ran out"]),
        ("crash", 70, ["AWQ1644", "SIGSEGV", "report"]),
        ("silent", 70, ["no words", "status 9"]),
        ("incomplete", 70, ["no complete checkpoint"]),
    ],
)
def test_a_failing_tool_leaves_nothing(
    model: Path, environment: dict[str, str], how: str, status: int, words: list[str]
) -> None:
    done = quantize(environment, model, MISBEHAVE=how)
    assert done.returncode == status, done.stderr
    for word in words:
        assert word in done.stderr
    assert left(model) == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_stops_the_tool_and_leaves_nothing(
    model: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    pid_file = model.parent / "pid"
    arguments = command("quantize", model, "-o", model.parent / "out", "--method", "rtn")
    running = subprocess.Popen(
        arguments,
        # A shell that runs the tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env={**environment, "MISBEHAVE": "hang", "PID_FILE": str(pid_file)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf8",
    )
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(number)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert errors.strip() == "stopped"
    assert left(model) == set()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_quantized_input_is_refused(model: Path, environment: dict[str, str]) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "awq"}}))
    done = quantize(environment, model)
    assert done.returncode == 4
    assert "AWQ1234" in done.stderr
    assert "quant_method: awq" in done.stderr


def test_existing_output_needs_force(model: Path, environment: dict[str, str]) -> None:
    assert quantize(environment, model).returncode == 0
    again = quantize(environment, model)
    assert again.returncode == 2
    assert "AWQ1045" in again.stderr
    assert quantize(environment, model, "--force").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["quantise", "x"], ["No such command 'quantise'", "quantize"]),
        (["quantize", "x", "-o", "y", "--gruop-size", "64"], ["AWQ1640", "did you mean --group-size"]),
        (["quantize", "x"], ["Missing option", "--help"]),
        (["quantize", "x", "-o", "y", "--bits", "9"], ["--bits"]),
        (["quantize", "x", "-o", "y", "--method", "gptq"], ["--method"]),
        (["inspect", "toy modle"], ["AWQ1001", "toy model"]),
        (["compile", "toy model", "-o", "y", "--chip", "sm_80"], ["AWQ1645", "--target nvvm"]),
        (["quantize", "toy model", "-o", "y"], ["AWQ1662", "--calib"]),
        (["quantize", "toy model", "-o", "y", "--sequence-length", "9", "--calib", "tex.txt"], ["AWQ1001", "text.txt"]),
        (["quantize", "toy model", "-o", "y", "--calib", "text.txt", "--sequence-length", "65"], ["64 positions"]),
        (["eval", "toy model", "--text", "tex.txt"], ["AWQ1001", "text.txt"]),
        (["run", "bin", "--prompt", "x"], ["AWQ1641", "manifest.json"]),
    ],
)
def test_wrong_usage_exits_2_and_helps(
    model: Path, environment: dict[str, str], arguments: list[str], words: list[str]
) -> None:
    done = subprocess.run(
        command(*arguments), cwd=model.parent, env=environment, capture_output=True, encoding="utf8", check=False
    )
    assert done.returncode == 2, done.stderr
    for word in words:
        assert word in done.stderr


def test_missing_tools_say_where_they_were_sought(model: Path, environment: dict[str, str]) -> None:
    (Path(environment["AWQ_MLIR_BIN"]) / "awq-compile").unlink()
    done = call({**environment, "PATH": ""}, "quantize", model, "-o", model.parent / "out", "--method", "rtn")
    if (ROOT / "build" / "bin" / "awq-compile").exists() and done.returncode == 0:
        pytest.skip("this Python's own installation has the tools")
    assert done.returncode == 5
    assert environment["AWQ_MLIR_BIN"] in done.stderr
    assert "make build" in done.stderr


def test_a_defect_of_ours_exits_70(model: Path, environment: dict[str, str]) -> None:
    (model / "config.json").write_text('{"num_hidden_layers": 1}')
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").mkdir()  # nobody foresees this
    done = call(environment, "inspect", model)
    assert done.returncode in {3, 70}


def test_inspect_tells_sizes_groups_and_licence(model: Path, environment: dict[str, str]) -> None:
    done = call(environment, "inspect", model, "--json")
    facts = json.loads(done.stdout)
    assert facts["dtypes"] == {"F32": {"tensors": 2, "parameters": 364 * 96, "bytes": 364 * 96 * 4}}
    assert facts["groups"]["32"] == {"fits": True, "widths": []}
    assert facts["groups"]["64"] == {"fits": False, "widths": [96]}
    assert (facts["quantized"], facts["linears"], facts["licence"]) == (False, 1, "Toy Licence 1.0")
    plain = call(environment, "inspect", model)
    assert "do not fit widths 96" in plain.stdout


@pytest.mark.parametrize("arguments", [["inspect"], ["inspect", "--json"]])
def test_no_space_for_standard_output_exits_5(model: Path, environment: dict[str, str], arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(*arguments, model), env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 5
    assert "error[AWQ1041]: cannot write: No space left on device\n  where: standard output\n" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100000])
def test_damaged_configurations_exit_3(model: Path, environment: dict[str, str], content: bytes) -> None:
    (model / "config.json").write_bytes(content)
    done = call(environment, "inspect", model)
    assert done.returncode == 3, done.stderr
    assert "config.json" in done.stderr


def test_help_has_examples_and_version_is_the_project_s(environment: dict[str, str]) -> None:
    for verb in ("inspect", "quantize", "compile", "convert", "run", "eval"):
        done = call(environment, verb, "--help")
        assert done.returncode == 0
        assert f"awq-mlir {verb} " in done.stdout
        assert "Example" in done.stdout
    version = (ROOT / "VERSION").read_text().strip()
    assert call(environment, "--version").stdout == f"awq-mlir {version}\n"
