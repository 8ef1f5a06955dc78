# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs awq-test-onnx, which opens ONNX models on behalf of the tests."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin")).resolve().parent / "unittests" / "awq-test-onnx"

needs_tool = [
    pytest.mark.tools,
    pytest.mark.skipif(not TOOL.exists(), reason="built with AWQ_ENABLE_ONNX=OFF"),
]


def run(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TOOL, path], capture_output=True, text=True, check=False, timeout=60)


def read(path: Path) -> dict[str, Any]:
    result = run(path)
    assert result.returncode == 0, result.stdout + result.stderr
    summary: dict[str, Any] = json.loads(result.stdout)
    return summary


def read_each(paths: list[Path]) -> list[tuple[int, str, int, int]]:
    """Exit code, error code, milliseconds and bytes of memory of each; one process, which must survive."""
    lines = "".join(f"{path}\n" for path in paths)
    result = subprocess.run([TOOL, "--each"], input=lines, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, result.stderr
    outcomes = [json.loads(line) for line in result.stdout.splitlines()]
    assert [outcome["path"] for outcome in outcomes] == [str(path) for path in paths]
    return [(item["exit"], item["code"], item["ms"], item["peak"] << 10) for item in outcomes]
