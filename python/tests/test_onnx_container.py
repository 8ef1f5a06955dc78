# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C++ reader of ONNX models against hostile files."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from onnx_hostile import CASES as BROKEN
from onnx_hostile import TINY_NODE, Case, field, good, model_of, number
from onnx_hostile_external import CASES as EXTERNAL
from onnx_hostile_external import external_tensor
from onnx_tool import TOOL, needs_tool, read_each, run

CASES = [*BROKEN, *EXTERNAL]

pytestmark = needs_tool


# --- Hostile files. ---


def test_corpus_is_large_and_covers_every_code() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)
    codes = {f"AWQ{number}" for number in [*range(1006, 1010), *range(1060, 1087), *range(1090, 1099)]}
    assert codes - {case.code for case in CASES} == {"AWQ1094"}  # test_unreadable


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_refused_with_code_place_and_remedy(tmp_path: Path, case: Case) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    case.write(folder)
    path = folder / "model.onnx"
    begin = time.monotonic()
    result = run(path)
    assert time.monotonic() - begin < 2
    lines = result.stdout.splitlines()
    assert result.returncode == case.exit, result.stdout + result.stderr
    assert lines[0].startswith(f"error[{case.code}]: "), result.stdout
    assert lines[1].startswith(f"  where: {path}"), result.stdout
    assert lines[2].startswith("  help: "), result.stdout
    assert len(lines) == 3
    assert len(result.stdout) < 1500
    for text in case.mentions:
        assert text in result.stdout


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs another user")
def test_unreadable(tmp_path: Path) -> None:
    model = good()
    model.graph.initializer.append(external_tensor([("location", "w.bin")]))
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    (tmp_path / "w.bin").write_bytes(bytes(32))
    (tmp_path / "w.bin").chmod(0)
    # Without the right to read what is others'.
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", TOOL, tmp_path / "model.onnx"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 5, result.stdout + result.stderr
    assert "error[AWQ1094]" in result.stdout
    assert 'tensor "t"' in result.stdout
    assert "permission" in result.stdout


def test_special_files_as_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    assert [outcome[:2] for outcome in read_each([tmp_path / "no.onnx", tmp_path, tmp_path / "pipe.onnx"])] == [
        (2, "AWQ1001"),
        (3, "AWQ1003"),
        (3, "AWQ1003"),
    ]


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    content = good().SerializeToString()
    ends = sorted({round(index * (len(content) - 1) / 63) for index in range(64)})
    paths = []
    for end in ends:
        path = tmp_path / f"{end}.onnx"
        path.write_bytes(content[:end])
        paths.append(path)
    assert len(paths) == 64
    for (exit_code, _, spent, _), path in zip(read_each(paths), paths, strict=True):
        assert exit_code == 3, path
        assert spent < 1000


def test_flipped_bits_never_crash(tmp_path: Path) -> None:
    rng = random.Random(1)
    content = good().SerializeToString()
    paths = []
    for index in range(500):
        data = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path = tmp_path / f"{index}.onnx"
        path.write_bytes(data)
        paths.append(path)
    outcomes = read_each(paths)
    assert {outcome[0] for outcome in outcomes} <= {0, 3, 4}
    assert max(outcome[2] for outcome in outcomes) < 2000


def test_file_replaced_by_link_meanwhile(tmp_path: Path) -> None:
    """A race between check and use: whatever is opened, it is never what the link names."""
    folder = tmp_path / "model"
    folder.mkdir()
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"S" * 32)
    model = good()
    model.graph.initializer.append(external_tensor([("location", "w.bin")]))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (folder / "new").write_bytes(bytes(32))
            (folder / "new").replace(folder / "w.bin")
            (folder / "link").symlink_to(secret)
            (folder / "link").replace(folder / "w.bin")

    (folder / "w.bin").write_bytes(bytes(32))
    swapper = threading.Thread(target=swap)
    swapper.start()
    outputs = [run(folder / "model.onnx").stdout for _ in range(200)]
    stop.set()
    swapper.join()
    leaked = hashlib.sha256(secret.read_bytes()).hexdigest()
    assert not any(leaked in output for output in outputs)
    assert all(output.startswith(("{", "error[AWQ1091]", "error[AWQ1093]")) for output in outputs)


# --- Resources. ---

INT8_ENTRIES = 64 << 20
BOMBS = {
    "empty nodes": model_of(field(1, b"") * 10_000_000),
    "tiny nodes": model_of(TINY_NODE * 1_500_000),
    "values": model_of(field(13, field(1, "v")) * 2_000_000),
    "functions": model_of(b"", field(25, field(1, "f")) * 2_000_000),
    "opsets": model_of(b"", field(8, number(2, 1)) * 3_000_000),
    "metadata": model_of(b"", field(14, b"") * 5_000_000),
    "metadata text": model_of(b"", field(14, field(1, "k") + field(2, b"v" * (60 << 20)))),
    "nodes in an attribute": model_of(field(1, field(4, "A") + field(5, field(6, TINY_NODE * 1_000_000)))),
    "inputs of a node": model_of(field(1, field(4, "A") + field(1, "x") * 5_000_000)),
    "numbers": model_of(field(1, field(4, "A") + field(5, field(1, "a") + number(20, 7) + field(8, bytes(30 << 20))))),
    "strings": model_of(field(5, number(2, 8) + field(8, "t") + number(1, 5_000_000) + field(6, b"") * 5_000_000)),
    "int64 data": model_of(field(5, number(2, 7) + field(8, "t") + number(1, 30 << 20) + field(7, bytes(30 << 20)))),
    "int8 data, then an error": model_of(
        field(5, number(2, 3) + field(8, "t") + number(1, INT8_ENTRIES) + field(5, bytes(INT8_ENTRIES))) + field(1, b"")
    ),
    # Just within the limit, then an error.
    "nodes": model_of(field(1, field(4, "A") + field(1, "x" * 16) + field(2, "")) * 127_000 + field(1, b"")),
    "outputs": model_of(
        b"".join(field(1, field(4, "A") + field(2, f"{i:07}")) for i in range(138_000)) + field(12, "\n\1z")
    ),
    "lists": model_of(
        field(1, field(4, "A") + field(5, field(1, "a") + number(20, 7) + field(8, bytes(900_000)))) * 7 + field(1, b"")
    ),
    "unknown fields": model_of(number(99, 1) * 10_000_000 + field(1, b"")),
}


@pytest.mark.parametrize("name", list(BOMBS))
def test_refusal_is_quick_and_small(tmp_path: Path, name: str) -> None:
    """Within a second, and with 64 MiB beside the file at most."""
    path = tmp_path / "model.onnx"
    path.write_bytes(BOMBS[name])
    ((exit_code, _, spent, peak),) = read_each([path])
    assert exit_code in (3, 4)
    assert peak - path.stat().st_size < 64 << 20
    assert spent < 1000
