#!/usr/bin/env python3
"""Opens, imports and raises thousands of damaged ONNX models with a build that has sanitizers.

Fails if the reader, the importer or awq-raise-decoder crashes, a sanitizer reports anything, a model
takes over 2 seconds, or bytes are read from outside the model's folder: every location that leads
there is planted with a file that would be accepted. One model in ten is a whole decoder of torch.onnx.

    scripts/fuzz_onnx.py [--build build-debug] [--count 10000] [--seed 1]

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx  # type: ignore[import-not-found]
from onnx import ModelProto, TensorProto, numpy_helper
from onnx import helper as make

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MS = 2000
BATCH = 500
CANARY = b"C" * 32
# Strings that steer a reader; put where a string of the model was.
WORDS = [b"", b".", b"..", b"../canary.bin", b"/etc/passwd", b"a/../../canary.bin", b"link.bin", b"linked/canary.bin"]
WORDS += [b"hard.bin", b"pipe", b"folder", b"w.bin", b"#", b"*/_ORT_MEM_ADDR_/*", b"-1", b"0", b"9" * 19, b"32", b"\0"]
WORDS += [b"location", b"offset", b"length", b"checksum", b"x", b"y", b"w", b"xw", b"\xff\xfe", b"ai.onnx", b"f"]
PATH_NAMES = [b"..", b".", b"", b"folder", b"linked", b"model", b"pipe", b"w.bin", b"w.bin", b"%2e%2e"]
PATH_NAMES += [b"canary.bin", b"canary.bin", b"link.bin", b"hard.bin", b"within.bin", b"../model"]
NUMBERS = [0, 1, 2, 3, 7, 8, 14, 15, 16, 22, 26, 27, 127, 128, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@dataclass
class Field:
    """A field of a message; `children` if its bytes are a message themselves."""

    number: int
    wire_type: int
    value: int = 0
    content: bytes = b""
    children: list[Field] | None = None

    def encode(self) -> bytes:
        tag = varint(self.number << 3 | self.wire_type)
        if self.wire_type == 0:
            return tag + varint(self.value)
        if self.wire_type != 2:
            return tag + self.content
        content = self.content if self.children is None else b"".join(child.encode() for child in self.children)
        return tag + varint(len(content)) + content


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError


def decode(data: bytes) -> list[Field] | None:
    """The fields, if the bytes look like a message. Text may, too; so much the better."""
    fields, at = [], 0
    try:
        while at < len(data):
            tag, at = read_varint(data, at)
            field = Field(tag >> 3, tag & 7)
            if field.number == 0 or field.wire_type not in (0, 1, 2, 5):
                return None
            if field.wire_type == 0:
                field.value, at = read_varint(data, at)
            else:
                size = {1: 8, 5: 4}.get(field.wire_type)
                if size is None:
                    size, at = read_varint(data, at)
                if at + size > len(data):
                    return None
                field.content = data[at : at + size]
                at += size
                if field.wire_type == 2:
                    field.children = decode(field.content) if size else None
            fields.append(field)
    except (IndexError, ValueError):
        return None
    return fields


def all_lists(fields: list[Field]) -> list[list[Field]]:
    lists = [fields]
    for field in fields:
        if field.children:
            lists += all_lists(field.children)
    return lists


def replace_value(rng: random.Random, field: Field) -> None:
    if field.wire_type == 0:
        field.value = rng.choice(NUMBERS)
    elif field.wire_type == 2:
        field.children = None
        field.content = rng.choice(WORDS) if rng.random() < 0.7 else rng.randbytes(rng.randint(0, 12))


def mutate_structure(rng: random.Random, data: bytes) -> bytes:
    """Changes fields and keeps the lengths around them right."""
    fields = decode(data)
    assert fields is not None
    for _ in range(rng.randint(1, 4)):
        lists = [each for each in all_lists(fields) if each]
        if not lists:
            break
        where = rng.choice(lists)
        index = rng.randrange(len(where))
        kind = rng.randrange(8)
        if kind == 0:
            del where[index]
        elif kind == 1:
            where.insert(rng.randrange(len(where) + 1), where[index])
        elif kind == 2:
            where[index] = rng.choice(rng.choice(lists))
            if deeper_than(fields, 100):  # a message inside itself
                return data
        elif kind == 3:
            where[index].number = rng.choice([*range(1, 27), 100000, 100001])
        elif kind == 4:
            rng.shuffle(where)
        else:
            replace_value(rng, where[index])
    mutated = b"".join(field.encode() for field in fields)
    return mutated if len(mutated) < 1 << 20 else data


def mutate_location(rng: random.Random, data: bytes) -> bytes:
    """Makes external data lie somewhere else."""
    fields = decode(data)
    assert fields is not None
    values = [field for each in all_lists(fields) for field in each if field.content.endswith(b"w.bin")]
    values = [field for field in values if b"location" not in field.content]
    if not values:
        return mutate_structure(rng, data)
    target = rng.choice(values)
    names = [rng.choice(PATH_NAMES) for _ in range(rng.randint(1, 3))]
    target.children, target.content = None, rng.choice([b"/", b"/", b"/", b"\\", b"%2F"]).join(names)
    if rng.random() < 0.1:
        target.content = rng.choice([b"/proc/self/environ", b"/etc/passwd", b"/proc/self/root/etc/passwd"])
    return b"".join(field.encode() for field in fields)


def deeper_than(fields: list[Field], depth: int) -> bool:
    return depth == 0 or any(deeper_than(field.children, depth - 1) for field in fields if field.children)


def mutate_bytes(rng: random.Random, data: bytes) -> bytes:
    content = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        if not content:
            break
        at = rng.randrange(len(content))
        kind = rng.randrange(5)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            del content[at : at + rng.randint(1, 8)]
        elif kind == 3:
            content[at:at] = rng.randbytes(rng.randint(1, 4))
        else:
            del content[at:]
    return bytes(content)


def external(name: str, location: str, **more: str) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[8], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **more}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def model(nodes: list[object], initializers: list[TensorProto]) -> ModelProto:
    value = make.make_tensor_value_info
    inputs, outputs = [value("x", TensorProto.FLOAT, [2, "n"])], [value("y", TensorProto.FLOAT, None)]
    graph = make.make_graph(nodes, "g", inputs, outputs, initializers, value_info=[value("xw", 1, ["n", 4])])
    opsets = [make.make_opsetid("", 21), make.make_opsetid("f", 1)]
    return make.make_model(graph, opset_imports=opsets, ir_version=10)


def seeds() -> list[bytes]:
    """Small models that together have every part that is read."""
    node = make.make_node
    weight = numpy_helper.from_array(np.arange(8, dtype=np.float32).reshape(2, 4), "w")
    typed = [
        make.make_tensor("i", TensorProto.INT64, [3], [1, -2, 3]),
        make.make_tensor("s", TensorProto.STRING, [2], [b"a", b"b"]),
        TensorProto(name="q", data_type=TensorProto.INT4, dims=[5], int32_data=[1, 2, 3]),
        TensorProto(name="h", data_type=TensorProto.FLOAT16, dims=[2], int32_data=[15360, 0]),
        TensorProto(name="u", data_type=TensorProto.UINT32, dims=[1], uint64_data=[7]),
        TensorProto(name="d", data_type=TensorProto.DOUBLE, dims=[1], double_data=[7]),
        make.make_tensor("c", TensorProto.COMPLEX64, [1], [1 + 2j]),
    ]
    linear = [node("MatMul", ["x", "w"], ["xw"], name="mul"), node("Relu", ["xw"], ["y"], name="relu")]
    linear[1].metadata_props.add(key="k", value="v")
    branch = make.make_graph([node("Neg", ["x"], ["o"])], "b", [], [make.make_empty_tensor_value_info("o")], [weight])
    attributes = node(
        "A", ["x"], ["y"], f=1.5, ints=[1, 2], floats=[0.5], s="text", texts=["a", "b"], t=weight, g=branch
    )
    inner = node("Relu", ["a"], ["o"])
    inner.attribute.add(name="k", type=2, ref_attr_name="n")
    function = make.make_function("f", "F", ["a"], ["o"], [inner], [make.make_opsetid("", 21)], ["n"])
    calling = model([node("F", ["x"], ["y"], domain="f", n=1)], [])
    calling.functions.append(function)
    files = [
        external("w", "w.bin"),
        external("v", "./w.bin", offset="0", length="32"),
        external("z", "folder/w.bin", length="32", offset="32"),
    ]
    large = numpy_helper.from_array(np.zeros(512, np.float32), "big")
    models = [
        model(linear, [weight, *typed]),
        model([attributes], []),
        calling,
        model(linear, files),
        model([node("Constant", [], ["y"], value=external("t", "w.bin"))], [large]),
    ]
    return [each.SerializeToString() for each in models]


def plant(folder: Path) -> None:
    """The files that models may name, and those that they may not."""
    outside = folder.parent
    (outside / "canary.bin").write_bytes(CANARY)
    (folder / "folder").mkdir(parents=True)
    (folder / "w.bin").write_bytes(bytes(range(32)))
    (folder / "folder" / "w.bin").write_bytes(bytes(range(64)))
    (folder / "link.bin").symlink_to(outside / "canary.bin")
    (folder / "within.bin").symlink_to("w.bin")
    (folder / "linked").symlink_to(outside)
    os.link(outside / "canary.bin", folder / "hard.bin")
    os.mkfifo(folder / "pipe")


def check(command: list[str], paths: list[Path], codes: Counter[str]) -> list[str]:
    """Runs a tool on a batch; what went wrong. Sanitizers are to stop it at the first report."""
    lines = "".join(f"{path}\n" for path in paths)
    environment = os.environ | {
        "ASAN_OPTIONS": "detect_leaks=1:exitcode=99:allow_user_poisoning=0",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    }
    try:
        result = subprocess.run(
            command, input=lines, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
    except subprocess.TimeoutExpired:
        return [f"no end within 300 s: {paths[0]} to {paths[-1]}"]
    problems = []
    reported = [json.loads(line) for line in result.stdout.splitlines()]
    if result.returncode != 0 or len(reported) != len(paths):
        last = paths[min(len(reported), len(paths) - 1)]
        problems.append(f"exit code {result.returncode} at {last}:\n{result.stderr[-4000:]}")
    for line in reported:
        codes[line["code"]] += 1
        codes["raised"] += line.get("raised", False)
        if line["ms"] > LIMIT_MS:
            problems.append(f"took too long: {line}")
        # Exit code 5, of files that cannot be read, would be a try that a model must not bring about.
        if line["exit"] not in (0, 3, 4):
            problems.append(f"unexpected error: {line}")
        folder = Path(line["path"]).parent
        allowed = {line["path"], f"{folder}/w.bin", f"{folder}/folder/w.bin"}
        if not set(line.get("files", [])) <= allowed:
            problems.append(f"bytes from elsewhere: {line}")
    return problems


def opened_outside(tool: list[str], paths: list[Path], folder: Path) -> list[str]:
    """Where strace is installed: the files that were opened for reading and lie outside the folder."""
    strace = shutil.which("strace")
    if not strace:
        return []
    log = folder.parent / "strace.log"
    command = [strace, "-f", "-e", "trace=open,openat,openat2", "-o", str(log), *tool]
    # LeakSanitizer cannot be traced.
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0:allow_user_poisoning=0"}
    lines = "".join(f"{path}\n" for path in paths)
    subprocess.run(command, input=lines, env=environment, capture_output=True, text=True, check=False, timeout=600)
    forbidden = ("canary", "passwd", "link.bin", "hard.bin", "within.bin", "linked")
    return [
        f"opened: {line}"
        for line in log.read_text(errors="replace").splitlines()
        if any(word in line for word in forbidden) and "= -1" not in line and "O_PATH" not in line
    ]


@dataclass
class Sweep:
    """Damaged models of some kind, for all tools."""

    tools: list[list[str]]
    folder: Path
    rng: random.Random
    keep: Path | None
    codes: list[Counter[str]] = dataclasses.field(default_factory=lambda: [Counter(), Counter()])
    problems: list[str] = dataclasses.field(default_factory=list)

    def run(self, originals: list[bytes], count: int) -> None:
        for begin in range(0, count, BATCH):
            paths = []
            for index in range(begin, min(begin + BATCH, count)):
                path = self.folder / f"{index}.onnx"
                mutate = self.rng.choice([mutate_bytes, mutate_structure, mutate_structure, mutate_location])
                # The first ones are whole: the seeds themselves must be read.
                original = originals[index % len(originals)]
                path.write_bytes(original if index < len(originals) else mutate(self.rng, original))
                paths.append(path)
            found = []
            for tool, codes in zip(self.tools, self.codes, strict=True):
                found += check(tool, paths, codes)
                found += opened_outside(tool, paths, self.folder) if begin % (10 * BATCH) == 0 else []
            if found and self.keep:
                shutil.copytree(
                    self.folder, self.keep, symlinks=True, ignore=shutil.ignore_patterns("pipe"), dirs_exist_ok=True
                )
            self.problems += found
            for path in paths:
                path.unlink()


def decoders(folder: Path) -> list[bytes]:
    """Whole decoders, small ones, as both exporters of torch write them."""
    logging.disable(logging.WARNING)  # of the exporters
    sys.path.insert(0, str(ROOT / "python" / "tests"))
    from exported_toys import export_onnx  # type: ignore[import-not-found]
    from exported_toys import make as make_toy

    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_key_value_heads": 1}
    models = []
    for name, dynamo, opset in [("llama", False, 17), ("llama", True, 24), ("mixtral", True, 18)]:
        toy = make_toy(name, vocab_size=32, **sizes)
        path = export_onnx(toy, folder / "decoder.onnx", dynamo=dynamo, opset=opset, kind="caches")
        whole = onnx.load(str(path))  # with its external data, which goes inside
        models.append(whole.SerializeToString())
    return models


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build-debug")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the models that failed")
    arguments = parser.parse_args()
    tests = arguments.build / "unittests"
    tools = [[str(tests / "awq-test-onnx"), "--each"], [str(tests / "awq-test-onnx-import")]]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        plant(folder)
        sweep = Sweep(tools, folder, random.Random(arguments.seed), arguments.keep)
        whole, parts = decoders(Path(scratch)), seeds()
        # What is not damaged is read, imported and, if it is a decoder, raised.
        sweep.run(whole, len(whole))
        sweep.run(parts, len(parts))
        if sweep.codes[0]["ok"] < len(whole) + len(parts) or sweep.codes[1]["raised"] < len(whole):
            sweep.problems.append(f"the models to begin with cannot be read: {sweep.codes}")
        sweep.run(whole, arguments.count // 10)
        sweep.run(parts, arguments.count - arguments.count // 10)
    read, imported = sweep.codes
    print(
        f"fuzz_onnx: {arguments.count} models, {read['ok']} of them read, {imported['ok']} imported, "
        f"{imported['raised']} raised; {len(read | imported) - 2} different errors"
    )
    for problem in sweep.problems:
        print(problem, file=sys.stderr)
    return 1 if sweep.problems else 0


if __name__ == "__main__":
    sys.exit(main())
