#!/usr/bin/env python3
"""Runs every quantized linear of a checkpoint on its GPU kernels, simulated, against the CPU.

    scripts/simulate_model.py [build/demo/awq] [--tokens 12] [--chips sm_80 sm_90a]

Each layer runs on the CPU, in 4 bits, on what the layer before has made of some text, and says what its linears
read. Then the CPU and the kernels of each chip get these inputs and the same weights. Results may be as far from
the CPU's as rounding allows: see bound() in python/tests/test_device_sim.py. Exits with 1 if any is farther.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin"))
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "python" / "tests")]

from awq_mlir import hugging_face as hf  # noqa: E402

CHIPS = ("sm_80", "sm_86", "sm_89", "sm_90a")
TEXT = "The simulator runs the very code that goes to the compiler of the GPU, one warp after the other, and compares."
Array = np.ndarray[Any, Any]

# Where AutoAWQ's packing puts the columns of a word of eight.
ORDER = np.argsort([0, 2, 4, 6, 1, 3, 5, 7])
LINEAR = re.compile(r'%(\S+) = awq\.quantized_linear %(\S+?), .*awq\.name = "([^"]+)".*: \((\S+?),.*\) -> (\S+)')


def unpack(words: Array) -> Array:
    """Codes [K, N] or zero points [G, N] from AutoAWQ's words of eight columns."""
    nibbles = (words.astype(np.uint32)[:, :, None] >> (4 * np.arange(8, dtype=np.uint32))) & 15
    return nibbles[:, :, ORDER].reshape(words.shape[0], -1).astype(np.int8)


def run(program: Path, inputs: dict[str, Array], *options: str) -> list[Array]:
    """The results of awq-run that are not caches."""
    source, target = program.with_suffix(".in"), program.with_suffix(".out")
    save_file({name: np.ascontiguousarray(array) for name, array in inputs.items()}, source)
    command: list[str | Path] = [BIN / "awq-run", program, "--input", source, "--output", target, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"simulate_model: {done.stderr.strip()}")
    found = load_file(target)
    names = sorted((name for name in found if name.startswith("result")), key=lambda name: int(name[6:]))
    return [found[name] for name in names]


@dataclass
class Recorded:
    """One linear and what it read."""

    name: str
    x: Array


class Layers:
    """The decoder layers of a checkpoint as modules that say what their linears do."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.scratch = scratch
        module = scratch / "model.mlir"
        command: list[str | Path] = [
            BIN / "awq-compile",
            folder,
            "--compile-to=import",
            "-o",
            module,
            "--progress=none",
        ]
        subprocess.run(command, check=True)
        self.lines = module.read_text(encoding="utf8").splitlines()
        start = next(i for i, line in enumerate(self.lines) if line.startswith("module"))
        self.head = self.lines[: start + 1]
        self.globals = {
            found.group(1): line
            for line in self.lines
            if (found := re.match(r"\s*ml_program\.global \S+ @(\S+?)\(", line))
        }

    def record(self, index: int, inputs: list[Array]) -> tuple[list[Array], list[Recorded]]:
        """The layer's results, and what its linears did."""
        begin = next(i for i, line in enumerate(self.lines) if f"func.func private @layers.{index}(" in line)
        end = next(i for i in range(begin, len(self.lines)) if self.lines[i].strip() == "}")
        body = self.lines[begin : end + 1]
        linears = [found.groups() for line in body if (found := LINEAR.search(line))]
        read = {f"%{source}": kind for _, source, _, kind, _ in linears}
        values, types = list(read), list(read.values())
        results = re.search(r"-> \((.*?)\)", body[0])
        assert results, body[0]
        signature = (
            body[0]
            .replace("func.func private", "func.func")
            .replace(results.group(0), f"-> ({', '.join([results.group(1), *types])})")
        )
        back = re.match(r"\s*return (.*) : (.*)", body[-2])
        assert back, body[-2]
        body = [
            re.sub(r"\) attributes .*\{$", ") {", signature),
            *body[1:-2],
            f"return {', '.join([back.group(1), *values])} : {', '.join([back.group(2), *types])}",
            "}",
        ]
        used = [self.globals[name] for name in re.findall(r"global_load_const @(\S+)", "\n".join(body))]
        program = self.scratch / f"layer{index}.mlir"
        program.write_text("\n".join([*self.head, *used, *body, "}"]), encoding="utf8")
        names = ["arg0", "arg1", "arg2", "k_cache.0", "v_cache.0", "position"]
        made = run(program, dict(zip(names, inputs, strict=True)))
        count = len(made) - len(values)
        inputs_of = dict(zip(values, made[count:], strict=True))
        return made[:count], [Recorded(name, inputs_of[f"%{source}"]) for _, source, name, *_ in linears]


def linears_module(shapes: list[tuple[int, int]], group: int, weights: Path) -> str:
    """A function with a linear of each shape, with parameters in a file."""
    parameters, arguments, lines, results, types = [], [], [], [], []
    for i, (n, k) in enumerate(shapes):
        operands = {
            f"x{i}": f"tensor<?x{k}xf32>",
            f"q{i}": f"tensor<{n}x{k}xi8>",
            f"s{i}": f"tensor<{n}x{k // group}xf16>",
            f"z{i}": f"tensor<{n}x{k // group}xi8>",
        }
        arguments.append(f'%x{i}: {operands[f"x{i}"]} {{awq.name = "x{i}"}}')
        for name, kind in list(operands.items())[1:]:
            parameters.append(f"ml_program.global private @{name}(#ml_program.extern<{kind}>) : {kind}")
            lines.append(f"%{name} = ml_program.global_load_const @{name} : {kind}")
        scheme = f"#awq.scheme<bits = 4, group = {group}, zero = asymmetric, scale = f16>"
        lines.append(
            f"%y{i} = awq.quantized_linear %x{i}, %q{i}, %s{i} zeros %z{i} {{scheme = {scheme}}} : "
            f"({', '.join(operands.values())}) -> tensor<?x{n}xf32>"
        )
        results.append(f"%y{i}")
        types.append(f"tensor<?x{n}xf32>")
    head = f"func.func @linears({', '.join(arguments)}) -> ({', '.join(types)}) {{"
    back = f"return {', '.join(results)} : {', '.join(types)}"
    module = f'module attributes {{awq.parameter_files = ["{weights}"]}} {{'
    return "\n".join([module, *parameters, head, *lines, back, "}", "}", ""])


def tolerance(x: Array, weight: Array, magnitude: Array) -> Array:
    """How far a kernel and the CPU may be apart: bound() of the tests, for results without a bias."""
    unit, depth = 2.0**-11, x.shape[1] + 8
    sums = np.abs(x) @ np.abs(weight).T
    rounding = unit * (sums + np.abs(x @ weight.T)) * 1.01
    tiny = 2.0**-24 * np.abs(x).max(axis=1, keepdims=True) * np.abs(weight).sum(axis=1)
    return np.asarray(rounding + tiny + 2 * depth * 2.0**-24 * (np.abs(x) @ magnitude.T))


def check_layer(
    index: int, folder: Path, recorded: list[Recorded], group: int, chips: list[str], scratch: Path
) -> dict[str, float]:
    """By chip, the largest distance between a kernel and the CPU as a part of what is allowed."""
    inputs: dict[str, Array] = {}
    parameters: dict[str, Array] = {}
    bounds, shapes = [], []
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        for i, linear in enumerate(recorded):
            codes = unpack(file.get_tensor(f"{linear.name}.qweight")).T
            zeros = unpack(file.get_tensor(f"{linear.name}.qzeros")).T
            scales = file.get_tensor(f"{linear.name}.scales").T
            inputs[f"x{i}"] = linear.x
            parameters |= {f"q{i}": codes, f"s{i}": scales, f"z{i}": zeros}
            scale = np.repeat(scales.astype(np.float64), group, axis=1)
            zero = np.repeat(zeros.astype(np.float64), group, axis=1)
            weight, magnitude = (codes - zero) * scale, (codes + zero) * scale
            bounds.append(tolerance(linear.x.astype(np.float64), weight, magnitude))
            shapes.append((codes.shape[0], codes.shape[1]))
    weights, program = scratch / f"weights{index}.safetensors", scratch / f"linears{index}.mlir"
    save_file({name: np.ascontiguousarray(array) for name, array in parameters.items()}, weights)
    program.write_text(linears_module(shapes, group, weights), encoding="utf8")
    expected = run(program, inputs)
    worst = {}
    for chip in chips:
        results = run(program, inputs, "--device=sim", f"--chip={chip}")
        distances = [
            float((np.abs(found - wanted) / allowed).max())
            for found, wanted, allowed in zip(results, expected, bounds, strict=True)
        ]
        worst[chip] = max(distances)
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, nargs="?", default=ROOT / "build" / "demo" / "awq")
    parser.add_argument("--tokens", type=int, default=12)
    parser.add_argument("--chips", nargs="+", default=list(CHIPS))
    parser.add_argument("-o", "--output", type=Path, help="write the distances as JSON")
    options = parser.parse_args()
    config = json.loads((options.checkpoint / "config.json").read_text(encoding="utf8"))
    group = config["quantization_config"]["group_size"]
    ids = hf.load_tokenizer(options.checkpoint).encode(TEXT, add_special_tokens=False).ids[: options.tokens]
    with safe_open(options.checkpoint / "model.safetensors", framework="numpy") as file:
        hidden = file.get_tensor("model.embed_tokens.weight")[ids].astype(np.float32)
    heads, width = config["num_key_value_heads"], config["hidden_size"] // config["num_attention_heads"]
    angles = np.arange(len(ids))[:, None] * config["rope_theta"] ** (-np.arange(0, width, 2) / width)
    cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    caches = [np.zeros((len(ids), heads, width), np.float32)] * 2
    worst: dict[str, float] = dict.fromkeys(options.chips, 0.0)
    count = 0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        layers = Layers(options.checkpoint, Path(name))
        checks = []
        for index in range(config["num_hidden_layers"]):
            position = np.array(0, np.int64)
            (hidden, *_), recorded = layers.record(index, [hidden, cosines, sines, *caches, position])
            count += len(recorded)
            task = (index, options.checkpoint, recorded, group, options.chips, Path(name))
            checks.append(pool.submit(check_layer, *task))
        for index, check in enumerate(checks):
            found = check.result()
            print(f"layer {index:2}: " + "  ".join(f"{chip} {part:.3f}" for chip, part in found.items()), flush=True)
            worst = {chip: max(part, found[chip]) for chip, part in worst.items()}
    print(f"{count} linears, {len(ids)} tokens; the largest distance from the CPU's results, where 1 is allowed:")
    for chip, part in worst.items():
        print(f"{chip:7} {part:.3f}")
    if options.output:
        facts = {"linears": count, "tokens": len(ids), "part_of_what_is_allowed": worst}
        options.output.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf8")
    sys.exit(any(part > 1 for part in worst.values()))


if __name__ == "__main__":
    main()
