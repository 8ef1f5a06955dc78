# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs ONNX's backend node tests with awq-test-onnx-nodes and judges them as ONNX's own runner does.

As a program, prints the outcomes that differ from onnx_node_cases.json, and with --write puts them there.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin")).resolve().parent
TOOL = BUILD / "unittests" / "awq-test-onnx-nodes"
EXPECTED = Path(__file__).with_name("onnx_node_cases.json")

# The operators that decoders are exported to.
# fmt: off
DECODER_OPS = frozenset(
    [
        "Abs", "Add", "And", "Attention", "Cast", "CastLike", "Clip", "Concat", "Constant", "ConstantOfShape",
        "Cos", "CumSum", "DequantizeLinear", "Div", "DynamicQuantizeLinear", "Einsum", "Equal", "Erf", "Exp",
        "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Gelu", "Gemm", "Greater", "GreaterOrEqual",
        "Identity", "IsNaN", "LayerNormalization", "Less", "LessOrEqual", "MatMul", "MatMulInteger", "Max", "Min",
        "Mod", "Mul", "Neg", "NonZero", "Not", "OneHot", "Or", "Pad", "Pow", "QuantizeLinear", "RMSNormalization",
        "Range", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceSum", "Relu", "Reshape", "RotaryEmbedding",
        "ScatterElements", "ScatterND", "Shape", "Sigmoid", "Sin", "Size", "Slice", "Softmax", "Split", "Sqrt",
        "Squeeze", "Sub", "SwiGLU", "Swish", "Tanh", "TensorScatter", "Tile", "TopK", "Transpose", "Trilu",
        "Unsqueeze", "Where",
    ]
)
# fmt: on

# What a safetensors file calls a type here, and what its elements are viewed as; the compiled code knows no unsigned
# integers and gives types of less than 8 bits a byte each.
STORED: dict[str, tuple[str, str]] = {
    "float64": ("F64", "f8"),
    "float32": ("F32", "f4"),
    "float16": ("F16", "u2"),
    "bfloat16": ("BF16", "u2"),
    "bool": ("BOOL", "u1"),
    **{f"{sign}int{8 * size}": (f"I{8 * size}", f"i{size}") for sign in ("", "u") for size in (1, 2, 4, 8)},
    **{f"{sign}int{bits}": ("I8", "i1") for sign in ("", "u") for bits in (2, 4)},
}
PASSES = "passes"
# ONNX asks for less than the distance of neighbours in bfloat16, and its reference rounds to 16 bits at other steps.
ROUNDS = "rounds: within the 16-bit type's precision at the largest element"
PRECISION = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """One of ONNX's test cases."""

    name: str
    model: onnx.ModelProto
    data: list[tuple[list[Any], list[Any]]]
    rtol: float
    atol: float

    @property
    def is_decoders(self) -> bool:
        return "_expanded" not in self.name and any(node.op_type in DECODER_OPS for node in self.model.graph.node)


def as_array(value: Any) -> Any:
    """Some cases have their tensors as messages; sequences and optionals stay what they are."""
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def collect() -> list[Case]:
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = collect_testcases(None)
    cases = []
    for case in found:
        data = [([as_array(x) for x in inputs], [as_array(y) for y in outputs]) for inputs, outputs in case.data_sets]
        cases.append(Case(case.name, case.model, data, case.rtol, case.atol))
    return sorted(cases, key=lambda case: case.name)


def stored(array: Array) -> tuple[str, Array] | None:
    """The tensor as a safetensors file has it; nothing for strings and the like."""
    if array.dtype.name not in STORED:
        return None
    name, view = STORED[array.dtype.name]
    if array.dtype.name.endswith(("int2", "int4")):
        return name, array.astype(view)
    return name, np.asarray(array, order="C").view(view)


def save(tensors: dict[str, Any], path: Path) -> None:
    """Unlike safetensors' own writer, takes every type of ONNX."""
    header: dict[str, Any] = {}
    data = b""
    for name, value in tensors.items():
        entry = stored(np.asarray(value)) if not isinstance(value, list) and value is not None else None
        if entry is None:
            continue  # refused for it
        dtype, array = entry
        end = len(data) + array.nbytes
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def load(path: Path) -> dict[str, tuple[str, Array]]:
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    views = dict(STORED.values())
    tensors: dict[str, tuple[str, Array]] = {}
    for name, entry in json.loads(content[8 : 8 + size]).items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        flat = np.frombuffer(content[begin:end], views[entry["dtype"]])
        tensors[name] = entry["dtype"], flat.reshape(entry["shape"])
    return tensors


def difference(wanted: Any, got: tuple[str, Array] | None, case: Case) -> str:
    """What is wrong with one output; empty if nothing is."""
    if got is None:
        return "is missing"
    wanted = np.asarray(wanted)
    if wanted.dtype.name not in STORED:
        return f"has a type that {wanted.dtype.name} is not"
    dtype, array = got
    if dtype != STORED[wanted.dtype.name][0] or array.shape != wanted.shape:
        return f"is {dtype} {array.shape}, not {wanted.dtype.name} {wanted.shape}"
    if wanted.dtype.name.endswith(("int2", "int4")):
        wanted, array = wanted.astype(np.int64), array.astype(np.int64)
        if wanted.size and wanted.min() >= 0:
            array = array & 0xFF
    else:
        array = array.view(wanted.dtype)
    precision = PRECISION.get(wanted.dtype.name, 0.0)
    if wanted.dtype.kind not in "biu":
        wanted, array = wanted.astype(np.float64), array.astype(np.float64)
    if np.allclose(array, wanted, rtol=case.rtol, atol=case.atol, equal_nan=True):
        return ""
    with np.errstate(all="ignore"):
        worst = np.max(np.abs(array.astype(np.float64) - wanted.astype(np.float64)))
    if worst <= precision * np.max(np.abs(wanted)):
        return ROUNDS
    return f"is wrong by up to {worst:.3g}"


@dataclass
class Job:
    """A case on one of its data sets."""

    case: Case
    folder: Path
    outputs: list[Any]

    def line(self) -> str:
        return "\t".join(str(self.folder / name) for name in ("model.onnx", "in.safetensors", "out.safetensors"))

    def judge(self, result: dict[str, Any]) -> str:
        """What became of it, as onnx_node_cases.json says it."""
        if result["signal"]:
            return f"crashes with signal {result['signal']}"
        if result["exit"]:
            message = result["error"].split("\n")[0].replace(str(self.folder), "")
            code, exit_code = result["code"], result["exit"]
            is_refusal = exit_code == 4 and code in {"AWQ1140", "AWQ1141"}
            return message.replace("error", "refused" if is_refusal else f"fails with {exit_code}", 1)
        got = load(self.folder / "out.safetensors")
        for value, wanted in zip(self.case.model.graph.output, self.outputs, strict=True):
            if wrong := difference(wanted, got.get(value.name), self.case):
                return wrong if wrong == ROUNDS else f"output {value.name} {wrong}"
        return PASSES


def make_jobs(cases: list[Case], scratch: Path) -> list[Job]:
    jobs = []
    for case in cases:
        for number, (inputs, outputs) in enumerate(case.data):
            folder = scratch / f"{case.name}-{number}"
            folder.mkdir()
            (folder / "model.onnx").write_bytes(case.model.SerializeToString())
            names = [value.name for value in case.model.graph.input]
            save(dict(zip(names, inputs, strict=False)), folder / "in.safetensors")
            jobs.append(Job(case, folder, outputs))
    return jobs


def run_jobs(jobs: list[Job]) -> list[dict[str, Any]]:
    """By one process of the tool, which starts a process for each."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    text = "".join(job.line() + "\n" for job in jobs)
    done = subprocess.run([TOOL], input=text, capture_output=True, text=True, check=True, preexec_fn=limit)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(jobs), done.stderr
    return results


def outcomes(cases: list[Case], workers: int = 2) -> dict[str, str]:
    """What becomes of each case: PASSES, "refused[CODE]: ...", or what is wrong."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(workers) as pool:
        jobs = make_jobs(cases, Path(scratch))
        shares = [jobs[i::workers] for i in range(workers)]
        for share, results in zip(shares, pool.map(run_jobs, shares), strict=True):
            for job, result in zip(share, results, strict=True):
                outcome = job.judge(result)
                if found.get(job.case.name, PASSES) == PASSES:
                    found[job.case.name] = outcome
    return found


def summary(found: dict[str, str]) -> str:
    """How many of each kind."""
    kinds = Counter(text if text == PASSES else text.split(":")[0].split(" ")[0] for text in found.values())
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="run the cases whose names have one of these words")
    parser.add_argument("--decoders", action="store_true", help="run those with operators that decoders have")
    parser.add_argument("--write", action="store_true", help=f"write {EXPECTED.name}")
    arguments = parser.parse_args()
    cases = [case for case in collect() if case.is_decoders or not arguments.decoders]
    if arguments.words:
        cases = [case for case in cases if any(word in case.name for word in arguments.words)]
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    found = outcomes(cases)
    for name in sorted(found):
        if found[name] != expected.get(name) or arguments.words:
            print(f"{name}: {found[name]}")
    print(summary(found))
    if arguments.write:
        expected.update(found)
        EXPECTED.write_text(json.dumps(dict(sorted(expected.items())), indent=0) + "\n")
    sys.exit(0)


if __name__ == "__main__":
    main()
