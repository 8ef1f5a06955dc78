"""A model folder becomes a model of another format.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from awq_mlir.files import require
from awq_mlir.progress import Reporter, Silent
from awq_mlir.toolchain import run_program


class Destination(StrEnum):
    """What a model is converted to."""

    ONNX = "onnx"


class WeightFormat(StrEnum):
    """How an ONNX model holds weights."""

    FLOAT = "float"
    MATMULNBITS = "matmulnbits"  # onnxruntime's own operator
    QDQ = "qdq"  # DequantizeLinear and MatMul


def convert_to_onnx(
    model: Path,
    out: Path,
    weights: WeightFormat | None = None,
    opset: int = 21,
    force: bool = False,
    reporter: Reporter | None = None,
) -> list[Mapping[str, Any]]:
    """Writes the folder `out` with model.onnx and what onnxruntime-genai needs; returns the program's events.

    Without `weights`, a quantized model is written as matmulnbits and a float one as float.
    """
    require(model, "model folder")
    reporter = reporter or Silent()
    events: list[Mapping[str, Any]] = []

    def on_event(event: Mapping[str, Any]) -> None:
        events.append(event)
        reporter.event(event)

    arguments = [str(model), "--emit=onnx", f"--onnx-opset={opset}", "--progress=jsonl", "-o", str(out)]
    if weights is not None:
        arguments.append(f"--onnx-format={weights}")
    if force:
        arguments.append("--force")
    out.parent.mkdir(parents=True, exist_ok=True)
    with reporter:
        run_program("awq-compile", arguments, on_event)
    return events
