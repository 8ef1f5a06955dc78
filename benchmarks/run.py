#!/usr/bin/env python3
"""Speed of PyTorch, our float model and our 4-bit model, side by side, as JSON in benchmarks/results.

All three compute the same tokens with the same number of threads, in turns, several times; the memory
bandwidth of the machine is measured in the same run. Times are medians with the smallest and largest.
Run by `make bench` in build/test-venv, on an otherwise idle machine.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from awq_mlir import __version__  # noqa: E402
from awq_mlir import hugging_face as hf  # noqa: E402
from awq_mlir.runtime import Model  # noqa: E402

STREAM_BYTES = 512 << 20  # well beyond any cache
DECODE_SHARE = 0.4  # of the streaming bandwidth: what decode is to reach


class Engine(Protocol):
    """One way to compute: a prompt, then tokens one by one."""

    def prompt(self, ids: list[int]) -> int: ...
    def step(self, token: int) -> int: ...


class PyTorch:
    """transformers in float32."""

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        torch.set_num_threads(threads)
        self._torch = torch
        loader: Any = AutoModelForCausalLM
        self._model = loader.from_pretrained(folder, dtype=torch.float32).eval()
        self._cache: Any = None

    def _forward(self, ids: list[int], cache: Any) -> int:
        with self._torch.inference_mode():
            out = self._model(self._torch.tensor([ids]), past_key_values=cache, use_cache=True, logits_to_keep=1)
        self._cache = out.past_key_values
        return int(out.logits[0, -1].argmax())

    def prompt(self, ids: list[int]) -> int:
        return self._forward(ids, None)

    def step(self, token: int) -> int:
        return self._forward([token], self._cache)


class Ours:
    """A bundle."""

    def __init__(self, bundle: Path, threads: int, capacity: int) -> None:
        self._model = Model(bundle)
        self._session = self._model.session(capacity, threads)

    def prompt(self, ids: list[int]) -> int:
        self._session.reset()
        return int(self._session.forward(ids).argmax())

    def step(self, token: int) -> int:
        return int(self._session.forward([token]).argmax())


def measure(engine: Engine, prompt: list[int], tokens: int) -> tuple[float, float, list[int]]:
    """Seconds of the prompt, seconds of `tokens` steps, and the tokens."""
    begun = time.perf_counter()
    made = [engine.prompt(prompt)]
    between = time.perf_counter()
    for _ in range(tokens):
        made.append(engine.step(made[-1]))
    return between - begun, time.perf_counter() - between, made


def streaming_bandwidth(threads: int) -> float:
    """Bytes per second that the machine reads when every thread sums its part of a large array."""
    data = np.ones(STREAM_BYTES // 8, np.float64)
    parts = np.array_split(data, threads)
    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(5):
            begun = time.perf_counter()
            # max() reads and hardly computes, and NumPy releases the interpreter's lock in it.
            list(pool.map(np.max, parts))
            best = max(best, data.nbytes / (time.perf_counter() - begun))
    return best


def machine() -> dict[str, Any]:
    text = Path("/proc/cpuinfo").read_text(encoding="utf8")
    fields = dict(line.split(":", 1) for line in text.partition("\n\n")[0].splitlines() if ":" in line)
    named = {key.strip(): value.strip() for key, value in fields.items()}
    flags = set(named.get("flags", "").split())
    wanted = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8")
    return {
        "processor": named.get("model name"),
        "cores": len(os.sched_getaffinity(0)),
        "features": [flag for flag in wanted if flag in flags],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
    }


def spread(values: list[float]) -> dict[str, float]:
    rounded = [round(value, 2) for value in (statistics.median(values), min(values), max(values))]
    return dict(zip(("median", "min", "max"), rounded, strict=True))


def linear_bytes(folder: Path) -> int:
    """Bytes of weights that a decode step reads: everything once, the tied embedding as head."""
    return sum(tensor.bytes for tensor in hf.tensor_headers(folder))


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    text = arguments.text.read_text(encoding="utf8")[:50000]
    prompt = hf.load_tokenizer(arguments.model).encode(text, add_special_tokens=False).ids[: arguments.prompt]
    capacity = arguments.prompt + arguments.decode + 1
    makers: dict[str, Callable[[], Engine]] = {
        "pytorch_float32": lambda: PyTorch(arguments.model, arguments.threads),
        "ours_float32": lambda: Ours(arguments.float_bundle, arguments.threads, capacity),
        "ours_4bit": lambda: Ours(arguments.quantized_bundle, arguments.threads, capacity),
    }
    about = machine()
    engines = {name: make() for name, make in makers.items()}
    speeds: dict[str, dict[str, list[float]]] = {name: {"prompt": [], "decode": []} for name in engines}
    bandwidths = []
    outputs: dict[str, list[int]] = {}
    for repetition in range(arguments.repetitions + 1):
        for name, engine in engines.items():
            prompt_seconds, decode_seconds, outputs[name] = measure(engine, prompt, arguments.decode)
            if repetition:  # the first round warms up
                speeds[name]["prompt"].append(len(prompt) / prompt_seconds)
                speeds[name]["decode"].append(arguments.decode / decode_seconds)
                print(f"{name:16} prompt {speeds[name]['prompt'][-1]:8.1f}  decode {speeds[name]['decode'][-1]:7.1f}")
        bandwidths.append(streaming_bandwidth(arguments.threads))
    results = {name: {part: spread(values) for part, values in found.items()} for name, found in speeds.items()}
    bandwidth = statistics.median(bandwidths)
    read = linear_bytes(arguments.quantized) * results["ours_4bit"]["decode"]["median"]
    return {
        "version": __version__,
        "date": time.strftime("%Y-%m-%d"),
        "machine": about,
        "threads": arguments.threads,
        "tokens": {"prompt": len(prompt), "decode": arguments.decode, "repetitions": arguments.repetitions},
        "tokens_per_second": results,
        "streaming_bytes_per_second": spread(bandwidths),
        "ours_4bit_decode_share_of_bandwidth": round(read / bandwidth, 3),
        "float_outputs_are_equal": outputs["pytorch_float32"] == outputs["ours_float32"],
        "goals": {
            "float prompt at least half of PyTorch's": results["ours_float32"]["prompt"]["median"]
            >= 0.5 * results["pytorch_float32"]["prompt"]["median"],
            "4-bit decode faster than float": results["ours_4bit"]["decode"]["median"]
            > results["ours_float32"]["decode"]["median"],
            "4-bit decode reads at 40 % of the bandwidth": read >= DECODE_SHARE * bandwidth,
        },
    }


def main() -> None:
    build = ROOT / "build"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=build / "models" / "smollm2")
    parser.add_argument("--quantized", type=Path, default=build / "demo" / "awq")
    parser.add_argument("--float-bundle", type=Path, default=build / "demo" / "float.bundle")
    parser.add_argument("--quantized-bundle", type=Path, default=build / "demo" / "awq.bundle")
    parser.add_argument("--text", type=Path, default=build / "corpora" / "eval_anarchism.txt")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--decode", type=int, default=128)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "cpu.json")
    arguments = parser.parse_args()
    results = run(arguments)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf8")
    for goal, reached in results["goals"].items():
        print(f"{'yes' if reached else 'NO ':3} {goal}")
    print(arguments.out)


if __name__ == "__main__":
    main()
