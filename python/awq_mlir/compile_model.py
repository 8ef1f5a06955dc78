"""A model folder becomes a bundle: machine code, weights and tokenizer in one folder.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from awq_mlir import hugging_face as hf
from awq_mlir.errors import AwqError, Kind
from awq_mlir.files import OutputFolder, require, require_folder
from awq_mlir.progress import Reporter, Silent
from awq_mlir.toolchain import run_program


class Target(StrEnum):
    """What a bundle's code runs on."""

    CPU = "cpu"
    NVVM = "nvvm"


def compile_model(
    model: Path,
    out: Path,
    target: Target = Target.CPU,
    chip: str | None = None,
    force: bool = False,
    threads: int = 0,
    reporter: Reporter | None = None,
) -> list[Mapping[str, Any]]:
    """Compiles a folder or an ONNX model, float or 4-bit, into the new bundle `out`; returns the program's events."""
    is_onnx = model.suffix == ".onnx"
    if not is_onnx:
        hf.read_config(model)
    if chip is not None and target is not Target.NVVM:
        raise AwqError(Kind.USAGE, "AWQ1645", "--chip names an NVIDIA chip", help="give --target nvvm with it")
    reporter = reporter or Silent()
    events: list[Mapping[str, Any]] = []

    def on_event(event: Mapping[str, Any]) -> None:
        events.append(event)
        reporter.event({**event, "path": str(out)} if event.get("event") == "written" else event)

    with OutputFolder(out, force, [model]) as folder, reporter:
        # Absolute, because a bundle of a float model refers to the model's own files.
        emit = "ptx" if target is Target.NVVM else "bundle"
        arguments = [str(model.resolve()), f"--emit={emit}", f"--target={target}", "--progress=jsonl"]
        if chip is not None:
            arguments.append(f"--chip={chip}")
        if threads:
            arguments.append(f"--threads={threads}")
        run_program("awq-compile", [*arguments, "-o", str(folder.result)], on_event)
        for source in hf.companions(model.parent if is_onnx else model):
            if not (folder.result / source.name).exists():
                shutil.copyfile(source, folder.result / source.name)
        folder.commit()
    return events


def compile_source(path: Path) -> Path:
    """What the compiler reads of `path`: an ONNX model itself, or a folder, or the ONNX model in a folder of those."""
    if path.suffix == ".onnx" and require(path, "model").is_file():
        return path
    model = require_folder(path, "model folder") / "model.onnx"
    return model if model.is_file() and not (path / "config.json").is_file() else path


@contextmanager
def as_bundle(path: Path, reporter: Reporter | None = None) -> Iterator[Path]:
    """The bundle at `path`; a model folder is compiled to a temporary one first."""
    require_folder(path, "bundle or model folder")
    if hf.is_bundle(path):
        yield path
        return
    if not (path / "config.json").is_file():
        raise AwqError(
            Kind.USAGE,
            "AWQ1641",
            "this is neither a bundle (no manifest.json) nor a model folder (no config.json)",
            str(path),
            "give what `awq-mlir compile` has made, or a Hugging Face folder",
        )
    with tempfile.TemporaryDirectory(prefix="awq-mlir-") as scratch:
        bundle = Path(scratch) / "bundle"
        compile_model(path, bundle, reporter=reporter)
        yield bundle
