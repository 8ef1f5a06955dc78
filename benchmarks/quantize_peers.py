# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Time and memory of quantizing SmolLM2 with AWQ: awq-mlir, and gptqmodel's and llm-compressor's AWQ.

Every tool gets the same sequences and runs in a process of its own, on this machine, one after another. What is
measured is the whole process: wall time, CPU time of all its threads, and the peak of its resident memory, calibration
and writing included. The peers are installed into an environment of their own.

    python benchmarks/quantize_peers.py [--sequences N] [--tools ...] [-o FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
PYTHON = BUILD / "venv" / "bin" / "python"
PEERS = {tool: BUILD / f"{tool}-venv" for tool in ("llm-compressor", "gptqmodel")}  # they want other libraries
MODEL = BUILD / "models" / "smollm2"
TEXT = BUILD / "corpora" / "calib.jsonl"
RESULTS = ROOT / "benchmarks" / "results" / "quantize_peers.json"
LENGTH, GROUP = 512, 64
VERSIONS = {"torch": "2.13.0", "llmcompressor": "0.14.0.1", "gptqmodel": "7.7.0"}

# What a peer's process does: arguments are the model, the sequences (JSON) and the folder to write.
LLM_COMPRESSOR = """
import json, sys
import torch
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.modifiers.awq import AWQModifier
from llmcompressor.pipelines.cache import IntermediatesCache
from transformers import AutoModelForCausalLM

# It would pin memory for a device that is not there.
IntermediatesCache._pin_intermediate = lambda *_: None
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
rows = json.load(open(sys.argv[2]))
data = Dataset.from_list([{"input_ids": row, "attention_mask": [1] * len(row)} for row in rows])
weights = {"num_bits": 4, "type": "int", "symmetric": False, "strategy": "group", "group_size": int(sys.argv[4])}
recipe = AWQModifier(ignore=["lm_head"], config_groups={"all": {"targets": ["Linear"], "weights": weights}})
oneshot(model=model, dataset=data, recipe=recipe, num_calibration_samples=len(rows), max_seq_length=len(rows[0]))
model.save_pretrained(sys.argv[3], save_compressed=True)
"""
GPTQMODEL = """
import json, sys
from gptqmodel import GPTQModel, QuantizeConfig
from gptqmodel.quantization import FORMAT, METHOD

config = QuantizeConfig(bits=4, group_size=int(sys.argv[4]), sym=False, quant_method=METHOD.AWQ, format=FORMAT.GEMM)
model = GPTQModel.load(sys.argv[1], config)
rows = json.load(open(sys.argv[2]))
model.quantize([{"input_ids": row, "attention_mask": [1] * len(row)} for row in rows], batch_size=1)
model.save(sys.argv[3])
"""


def install(tool: str) -> None:
    folder = PEERS[tool]
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip: list[Any] = [folder / "bin" / "pip", "install", "-q"]
    subprocess.run([*pip, f"torch=={VERSIONS['torch']}"], check=True)
    if tool == "llm-compressor":
        subprocess.run([*pip, f"llmcompressor=={VERSIONS['llmcompressor']}"], check=True)
        return
    # It asks for a newer torch than there is for a processor.
    subprocess.run([*pip, "-r", ROOT / "python" / "requirements-peers.txt"], check=True)
    subprocess.run([*pip, "--no-deps", f"gptqmodel=={VERSIONS['gptqmodel']}"], check=True)


def measured(command: list[Any], environment: dict[str, str], folder: Path = ROOT) -> dict[str, float]:
    """Runs a command; what it took. Memory is the largest of any one process that it started."""
    probe = (
        "import json, resource, subprocess, sys, time\n"
        "start = time.perf_counter()\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
        "usage = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps({'seconds': time.perf_counter() - start, 'cpu_seconds': usage.ru_utime + usage.ru_stime,"
        " 'peak_rss_bytes': usage.ru_maxrss * 1024}))\n"
        "sys.exit(code)"
    )
    line = [sys.executable, "-c", probe, *map(str, command)]
    variables = {**os.environ, **environment}
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=False, env=variables, cwd=folder)
    if done.returncode != 0:
        raise SystemExit(f"failed: {' '.join(map(str, command))[:200]}")
    return {name: round(value, 1) for name, value in json.loads(done.stdout.splitlines()[-1]).items()}


def sequences(count: int, scratch: Path) -> Path:
    """The sequences that awq-mlir fits on, as lists of tokens."""
    program = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from awq_mlir import calibration as cal, hugging_face as hf\n"
        "model, text, count, length = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])\n"
        "made = cal.make_calibration(hf.load_tokenizer(model), cal.read_documents([text]), count, length)\n"
        "print(json.dumps(made.tokens.tolist()))"
    )
    line = [PYTHON, "-c", program, MODEL, TEXT, str(count), str(LENGTH)]
    done = subprocess.run(list(map(str, line)), capture_output=True, text=True, check=True)
    path = scratch / "sequences.json"
    path.write_text(done.stdout)
    return path


def ours(quality: str, count: int, out: Path) -> dict[str, float]:
    command = [PYTHON, "-m", "awq_mlir", "quantize", MODEL, "-o", out, "--calib", TEXT, "--samples", count]
    command += ["--sequence-length", LENGTH, "--group-size", GROUP, "--quality", quality, "--progress", "none"]
    return measured(command, {})


def peer(tool: str, rows: Path, out: Path) -> dict[str, float]:
    script = GPTQMODEL if tool == "gptqmodel" else LLM_COMPRESSOR
    environment = {"GPTQMODEL_CPU_WORKERS": "2", "CUDA_VISIBLE_DEVICES": "", "TOKENIZERS_PARALLELISM": "false"}
    return measured([PEERS[tool] / "bin" / "python", "-c", script, MODEL, rows, out, GROUP], environment, out.parent)


def run(tool: str, count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        out = scratch / tool
        if tool.startswith("awq-mlir"):
            return ours(tool.removeprefix("awq-mlir-"), count, out)
        return peer(tool, sequences(count, scratch), out)


def add(path: Path, count: int, tool: str, took: dict[str, float]) -> None:
    """Puts a tool's figures into the file; tools that are not run this time keep theirs."""
    report: dict[str, Any] = {
        "model": "SmolLM2-135M-Instruct, permuted",
        "sequences": count,
        "sequence_length": LENGTH,
        "group_size": GROUP,
        "machine": {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()},
        "versions": VERSIONS,
        "tools": {},
    }
    if path.exists() and (before := json.loads(path.read_text()))["sequences"] == count:
        report["tools"] = before["tools"]
    report["tools"][tool] = took
    path.write_text(json.dumps(report, indent=1) + "\n")


TOOLS = ["awq-mlir-fast", "awq-mlir-best", "llm-compressor", "gptqmodel"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--tools", nargs="+", default=TOOLS, choices=TOOLS)
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    for tool in arguments.tools:
        if tool in PEERS:
            install(tool)
    for tool in arguments.tools:
        took = run(tool, arguments.sequences)
        print(tool, took, flush=True)
        add(arguments.output, arguments.sequences, tool, took)


if __name__ == "__main__":
    main()
