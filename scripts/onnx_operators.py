#!/usr/bin/env python3
# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the table of operators in docs/ONNX.md from what the importer knows.

It asks build/unittests/awq-test-onnx-nodes, which the target awq-unittests builds.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "ONNX.md"
BUILD = Path(os.environ.get("AWQ_MLIR_BIN", ROOT / "build" / "bin")).resolve().parent
TOOL = BUILD / "unittests" / "awq-test-onnx-nodes"
BEGIN = "<!-- Made by scripts/onnx_operators.py; do not edit. -->\n"
END = "<!-- The end of what scripts/onnx_operators.py made. -->\n"


def row(operator: dict[str, Any], newest: int) -> str:
    since, until = operator["since"], operator["until"]
    versions = str(since) if since == until else f"{since} to {until}"
    if until == newest and not operator["domain"]:
        versions = f"{since} on"
    return f"| {operator['name']} | {versions} | {operator['limits']} |\n"


def section() -> str:
    done = subprocess.run([TOOL, "--operators"], capture_output=True, text=True, check=True)
    operators = json.loads(done.stdout)
    newest = max(operator["until"] for operator in operators)
    text = BEGIN
    for domain in sorted({operator["domain"] for operator in operators}):
        title = f"`{domain}`" if domain else f"standard operators, up to opset {newest}"
        text += f"\n| {title} | opsets | limits |\n| --- | --- | --- |\n"
        text += "".join(row(operator, newest) for operator in operators if operator["domain"] == domain)
    return text + "\n" + END


def page() -> str:
    """The page, with the table as it should be."""
    before, rest = PAGE.read_text().split(BEGIN)
    return before + section() + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page())
