# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C++ reader and writer of safetensors against broken files and the reference implementation.

AWQ_TEST_MUTATIONS sets the number of mutated files (default 4000).
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import random
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
import safetensors.torch
import torch

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin")).resolve().parent / "unittests" / "awq-test-io"
MUTATIONS = int(os.environ.get("AWQ_TEST_MUTATIONS", "4000"))

pytestmark = pytest.mark.tools


def load_generator() -> ModuleType:
    path = ROOT / "test" / "IO" / "make_malformed_safetensors.py"
    spec = importlib.util.spec_from_file_location("make_malformed_safetensors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


GENERATOR = load_generator()
CASES = GENERATOR.all_cases()


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOL, *arguments], capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("malformed")
    GENERATOR.write_corpus(folder)
    return folder


def test_corpus_is_large_and_covers_every_code() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)
    reader_codes = {f"AWQ{number}" for number in [*range(1006, 1030), 1003, 1050, 1052, 1053, 1054, 1055, 1056]}
    assert reader_codes <= {case.code for case in CASES}


@pytest.mark.parametrize("index", range(len(CASES)), ids=[case.name for case in CASES])
def test_refused_with_code_and_remedy(corpus: Path, index: int) -> None:
    expected = json.loads((corpus / "expected.json").read_text())[index]
    result = run("open", corpus / expected["path"])
    lines = result.stdout.splitlines()
    assert result.returncode == 3, result.stdout + result.stderr
    assert lines[0].startswith(f"error[{expected['code']}]: "), result.stdout
    assert expected["message"] in result.stdout
    assert lines[1].startswith(f"  where: {corpus}/"), result.stdout
    assert lines[2].startswith("  help: "), result.stdout
    assert len(lines) == 3
    assert len(result.stdout) < 1500


# --- The reference implementation accepts and refuses the same files. ---


def valid_file() -> bytes:
    tensors: dict[str, Any] = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "layer.0.weight": np.arange(4, dtype=np.uint8),
        "s": np.array(7, dtype=np.int64),
        "e": np.zeros((0, 3), dtype=np.float16),
    }
    return safetensors.numpy.save(tensors, metadata={"format": "np", "k": "v"})


TOKENS = [
    *"{}[],:",
    *(" ", '"', "\\", "\\u0000", '"a"', '"s"', '"e"', '"dtype"', '"shape"', '"data_offsets"', '"__metadata__"'),
    *("0", "1", "2", "3", "6", "24", "28", "36", "-1", "-0", "1.0", "1e2", "1e999", "null", "true", "NaN"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616"),
    *('"F32"', '"U8"', '"F4"', '"F6_E3M2"', '"BF16"', '"f32"', '"C64"', "[]", "{}", "[0,0]", '"x":1,', '"x":[{}],'),
]


def mutate_bytes(rng: random.Random, file: bytes) -> bytes:
    data = bytearray(file)
    for _ in range(rng.randint(1, 3)):
        # Mostly in the length and the header, where it matters.
        at = rng.randrange(min(len(data), 8 if rng.random() < 0.1 else 300)) if data else 0
        kind = rng.randrange(5)
        if kind == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[at] = rng.randrange(256)
        elif kind == 2:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 4)))
        elif kind == 3:
            del data[at : at + rng.randint(1, 4)]
        else:
            del data[rng.randrange(len(data) + 1) :]
    return bytes(data)


def split(file: bytes) -> tuple[str, bytes]:
    (length,) = struct.unpack_from("<Q", file)
    return file[8 : 8 + length].decode(), file[8 + length :]


def mutate_text(rng: random.Random, file: bytes) -> bytes:
    """Replaces, inserts or removes tokens of the header; the length stays right."""
    header, data = split(file)
    pieces = safe_tokens(header)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(pieces))
        kind = rng.randrange(4)
        if kind == 0:
            pieces[at] = rng.choice(TOKENS)
        elif kind == 1:
            pieces.insert(at, rng.choice(TOKENS))
        elif kind == 2 and len(pieces) > 1:
            del pieces[at]
        else:
            other = rng.randrange(len(pieces))
            pieces[at], pieces[other] = pieces[other], pieces[at]
    return bytes(GENERATOR.container("".join(pieces), data))


def safe_tokens(header: str) -> list[str]:
    pieces: list[str] = []
    at = 0
    while at < len(header):
        if header[at] == '"':
            end = header.index('"', at + 1) + 1
        elif header[at].isalnum():
            end = at + 1
            while end < len(header) and header[end].isalnum():
                end += 1
        else:
            end = at + 1
        pieces.append(header[at:end])
        at = end
    return pieces


def mutate_fields(rng: random.Random, file: bytes) -> bytes:
    """Changes the meaning of the header and keeps its form."""
    header, data = split(file)
    root: dict[str, Any] = json.loads(header)
    names = [name for name in root if name != "__metadata__"]
    for _ in range(rng.randint(1, 2)):
        tensor = root[rng.choice(names)]
        if not isinstance(tensor["shape"], list):
            continue  # broken by the mutation before
        kind = rng.randrange(7)
        if kind == 0:
            tensor["data_offsets"][rng.randrange(2)] += rng.choice([-24, -1, 1, 4, 8])
        elif kind == 1:
            tensor["shape"].insert(0, rng.choice([0, 1, 2, 3, 1 << 31, 1 << 62, 1 << 63]))
        elif kind == 2 and tensor["shape"]:
            tensor["shape"].pop()
        elif kind == 3:
            tensor["dtype"] = rng.choice(["F32", "I32", "F4", "U8", "F8_E4M3", "F6_E2M3", "F64", "F16", "F128"])
        elif kind == 4:
            tensor[rng.choice(["x", "dtype", "shape"])] = rng.choice(
                [1, None, {"dtype": []}, "U8", [6], [2, 3], [3, 2]]
            )
        elif kind == 5:
            tensor["shape"] = rng.sample(tensor["shape"], len(tensor["shape"]))
        else:
            data = data + b"x" if rng.random() < 0.5 else data[: rng.randrange(len(data) + 1)]
    items = list(root.items())
    rng.shuffle(items)
    return bytes(GENERATOR.container(json.dumps(dict(items), ensure_ascii=rng.random() < 0.5), data))


# The package has no types for this function.
deserialize: Callable[[bytes], Any] = safetensors.deserialize


def reference_accepts(file: bytes) -> bool:
    try:
        deserialize(file)
    except safetensors.SafetensorError:
        return False
    return True


class RepeatedKeyError(Exception):
    """A JSON object has a key twice."""


def unique_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise RepeatedKeyError
    return dict(pairs)


def reason_to_be_stricter(file: bytes) -> str | None:
    """Why a file that the reference accepts is refused here; judged without the C++ code.

    The format's text asks for each of these; the reference is laxer by accident of its JSON library.
    """
    header, _ = split(file)
    if header[:1] != "{":
        return "the header does not begin with {"
    try:
        root = json.loads(header, object_pairs_hook=unique_object)
    except RepeatedKeyError:
        return "a key appears twice"
    if root.get("__metadata__", {}) is None:
        return "__metadata__ is null"
    tensors = [value for name, value in root.items() if name != "__metadata__"]
    if any(isinstance(tensor, list) for tensor in tensors):
        return "a tensor is an array instead of an object"
    if any(size >= 1 << 63 for tensor in tensors for size in tensor["shape"]):
        return "an empty tensor with a dimension beyond int64"
    return None


def test_agrees_with_the_reference_on_mutated_files(tmp_path: Path) -> None:
    rng = random.Random(20240607)
    seed_file = valid_file()
    assert reference_accepts(seed_file)
    mutators = [mutate_bytes, mutate_text, mutate_fields]
    files = [seed_file, *(mutators[i % 3](rng, seed_file) for i in range(MUTATIONS))]
    counts: Counter[str] = Counter()
    for begin in range(0, len(files), 500):
        batch = files[begin : begin + 500]
        paths = [tmp_path / str(i) for i in range(len(batch))]
        for path, file in zip(paths, batch, strict=True):
            path.write_bytes(file)
        result = run("check", *paths)
        assert result.returncode == 0, result.stderr
        answers = result.stdout.splitlines()
        assert len(answers) == len(batch)
        for file, answer in zip(batch, answers, strict=True):
            accepted = answer == "ok"
            expected = reference_accepts(file)
            counts["accepted" if expected else "refused"] += 1
            if accepted == expected:
                continue
            assert not accepted, f"only the reference refuses {file!r}"
            reason = reason_to_be_stricter(file)
            assert reason, f"only the reference accepts {file!r}: {answer}"
            counts[reason] += 1
    print(dict(counts))
    # The mutations must exercise both outcomes.
    assert counts["accepted"] > MUTATIONS / 20
    assert counts["refused"] > MUTATIONS / 2


# --- Equal tensors in both directions. ---


def sample_tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    values = torch.randn(17, 33, generator=generator) * 100
    integers = torch.randint(-100, 100, (5, 7), generator=generator)
    tensors = {
        f"t.{dtype}".replace("torch.", ""): values.to(dtype)
        for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn)
    }
    tensors |= {
        f"t.{dtype}".replace("torch.", ""): integers.to(dtype)
        for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
    }
    return tensors | {"scalar": torch.tensor(3.5), "empty": torch.zeros(0, 4), 'é "\\\n': torch.ones(1)}


def digests(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[list[int], str]]:
    return {
        name: (list(tensor.shape), hashlib.sha256(tensor.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest())
        for name, tensor in tensors.items()
    }


def dump(path: Path) -> dict[str, dict[str, Any]]:
    result = run("dump", path)
    assert result.returncode == 0, result.stdout
    return {line["name"]: line for line in map(json.loads, result.stdout.splitlines())}


def test_reads_what_torch_wrote(tmp_path: Path) -> None:
    tensors = sample_tensors()
    safetensors.torch.save_file(tensors, tmp_path / "a.safetensors")
    read = dump(tmp_path / "a.safetensors")
    assert {name: (line["shape"], line["sha256"]) for name, line in read.items()} == digests(tensors)
    assert read["t.bfloat16"]["dtype"] == "BF16"
    assert read["t.float16"]["dtype"] == "F16"
    assert read["t.float8_e4m3fn"]["dtype"] == "F8_E4M3"


def test_reads_what_numpy_wrote(tmp_path: Path) -> None:
    tensors = {str(np.dtype(kind)): np.arange(24, dtype=kind).reshape(2, 3, 4) for kind in "bBhHiIlLefd"}
    safetensors.numpy.save_file(tensors, tmp_path / "a.safetensors")
    read = dump(tmp_path / "a.safetensors")
    assert read.keys() == tensors.keys()
    for name, array in tensors.items():
        assert read[name]["sha256"] == hashlib.sha256(array.tobytes()).hexdigest(), name
        assert read[name]["shape"] == [2, 3, 4]


def test_python_reads_what_the_writer_wrote(tmp_path: Path) -> None:
    tensors = sample_tensors()
    source, copy = tmp_path / "a.safetensors", tmp_path / "copy.safetensors"
    safetensors.torch.save_file(tensors, source, metadata={"format": "pt", "note": 'ü\n"'})
    result = run("copy", source, copy)
    assert result.returncode == 0, result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "copy.safetensors"]
    loaded = safetensors.torch.load_file(copy)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype, name
        assert loaded[name].shape == tensor.shape, name
        assert torch.equal(loaded[name].reshape(-1).view(torch.uint8), tensor.reshape(-1).view(torch.uint8)), name
    with safetensors.safe_open(copy, "pt") as file:
        assert file.metadata() == {"format": "pt", "note": 'ü\n"'}


def test_a_million_tensors(tmp_path: Path) -> None:
    entry = '"%d":{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}'
    header = "{" + ",".join(entry % (i, i, i + 1) for i in range(1_000_000)) + "}"
    path = tmp_path / "many.safetensors"
    path.write_bytes(GENERATOR.container(header, b"x" * 1_000_000))
    assert len(header) < GENERATOR.LIMIT
    result = run("open", path)
    assert result.stdout == "ok\n", result.stdout


def test_full_disk(tmp_path: Path) -> None:
    """A file system of 1 MiB, in a user namespace, with a file of 2 MiB to be written to it."""
    if shutil.which("unshare") is None:
        pytest.skip("needs the program unshare")
    disk = tmp_path / "disk"
    disk.mkdir()
    source = tmp_path / "a.safetensors"
    safetensors.numpy.save_file({"a": np.zeros(1 << 21, dtype=np.uint8)}, source)
    copy = f'"{TOOL}" copy "{source}" "{disk}/b"; echo "exit $?"; ls -A "{disk}"'
    script = f'mount -t tmpfs -o size=1m none "{disk}" && {{ {copy}; }}'
    result = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        pytest.skip(f"this machine does not let users mount: {result.stderr.strip()}")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("error[AWQ1041]: "), result.stdout
    assert "No space left on device" in lines[0]
    assert lines[2].startswith("  help: free space")
    assert lines[3:] == ["exit 5"], "the partial file must be gone"


def test_killed_writer_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    """Whenever the writer is killed, the output is absent or complete."""
    source, copy = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    safetensors.numpy.save_file({"a": np.zeros(1 << 24, dtype=np.uint8)}, source)
    finished = 0
    for milliseconds in range(0, 60, 3):
        copy.unlink(missing_ok=True)
        process = subprocess.Popen([TOOL, "copy", source, copy])
        try:
            process.wait(timeout=milliseconds / 1000)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if copy.exists():
            finished += 1
            assert run("open", copy).stdout == "ok\n"
    result = run("copy", source, copy)
    assert result.returncode == 0, f"a partial file that was left must not be in the way: {result.stdout}"
    assert not copy.with_suffix(".safetensors.partial").exists()
