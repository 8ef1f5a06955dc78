"""How much memory quantizing a model will take, told before it begins.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from awq_mlir.calibration import GUARD_SHARE
from awq_mlir.progress import Event
from awq_mlir.quantize import Settings, check_model, search_options
from awq_mlir.toolchain import run_program


def plan(model: Path, settings: Settings) -> dict[str, Any]:
    """The facts of a calibration of `model`, a folder or an ONNX model, in bytes of memory:

    `process_bytes` of the program with its compiled layers, `hidden_bytes` of the hidden states of all samples,
    `work_bytes` of what a layer needs on top, and `peak_bytes`, their sum. `layer_bytes` and `gram_bytes` are the
    weights of the largest layer in float32 and its Gram matrices. Weights in files are mapped and do not count.
    """
    check_model(model, settings)
    # What memory depends on are sizes, and not what the samples say.
    guard = np.zeros(settings.samples, np.uint8)
    guard[: max(1, settings.samples // GUARD_SHARE)] = 1
    tokens = np.zeros((settings.samples, settings.sequence_length), np.int32)
    facts: dict[str, Any] = {}

    def keep(event: Event) -> None:
        if event.get("event") == "plan":
            facts.update({key: value for key, value in event.items() if key != "event"})

    with tempfile.TemporaryDirectory() as scratch:
        samples = Path(scratch) / "calibration.safetensors"
        save_file({"tokens": tokens, "guard": guard}, samples)
        arguments = [str(model), "--emit=plan", f"--calibration={samples}", *search_options(settings)]
        run_program("awq-compile", arguments, keep)
    return facts
