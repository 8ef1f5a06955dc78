"""Finds and runs the C++ programs.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from awq_mlir.errors import AwqError, Kind, ToolError

Event = Mapping[str, Any]

VARIABLE = "AWQ_MLIR_BIN"
RECORD = Path(sys.prefix) / "share" / "awq-mlir" / "tools.json"
LIBRARY = "libAWQRuntime.so"


def candidate_folders() -> list[Path]:
    """Where the programs may be, best first: the variable, the build's record, beside Python, PATH."""
    folders = []
    if value := os.environ.get(VARIABLE):
        folders.append(Path(value))
    try:
        record = json.loads(RECORD.read_text(encoding="utf8"))
        folders.append(Path(record["bin"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    folders.append(Path(sys.prefix) / "bin")
    if found := shutil.which("awq-compile"):
        folders.append(Path(found).resolve().parent)
    return folders


def find_program(name: str) -> Path:
    folders = candidate_folders()
    for folder in folders:
        program = folder / name
        if program.is_file() and os.access(program, os.X_OK):
            return program
    raise AwqError(
        Kind.RESOURCES,
        "AWQ1643",
        f"the program {name} was not found",
        "looked in " + ", ".join(dict.fromkeys(str(folder) for folder in folders)),
        f"build it with `make build`, or set {VARIABLE} to the folder that holds it",
    )


def find_library(name: str = LIBRARY) -> Path:
    """A library (the runtime's if not said otherwise), in lib beside the folder of the programs."""
    folders = candidate_folders()
    for folder in folders:
        for library in (folder.parent / "lib" / name, folder.parent / "lib64" / name, folder / name):
            if library.is_file():
                return library
    raise AwqError(
        Kind.RESOURCES,
        "AWQ1643",
        f"the library {name} was not found",
        "looked beside " + ", ".join(dict.fromkeys(str(folder) for folder in folders)),
        f"build it with `make build`, or set {VARIABLE} to the bin folder of an installation",
    )


def run_program(name: str, arguments: list[str], on_event: Callable[[Event], None]) -> None:
    """Runs a program that reports events as JSON lines; raises what it reports as an error.

    However this function is left (Ctrl-C included), the program is not running any more.
    """
    command = [str(find_program(name)), *arguments]
    environment = dict(os.environ)
    # A ptxas that was installed beside Python is used if the machine has none of its own.
    environment["PATH"] = os.pathsep.join((environment.get("PATH", os.defpath), str(Path(sys.prefix) / "bin")))
    reported = ""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=environment, encoding="utf8", errors="replace"
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                event = _parse(line)
                if event is None:
                    continue
                if event["event"] == "error":
                    reported = str(event.get("text", "")).rstrip()
                else:
                    on_event(event)
            status = process.wait()
        finally:
            _stop(process)
        errors.seek(0)
        said = errors.read().decode("utf8", "replace").rstrip()
    if status != 0:
        raise _failure(name, status, reported or said, command)
    if said:
        print(said, file=sys.stderr)


def _parse(line: str) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _failure(name: str, status: int, text: str, command: list[str]) -> AwqError:
    if status == -signal.SIGKILL:
        return AwqError(
            Kind.RESOURCES,
            "AWQ1644",
            f"{name} was killed from outside, most likely because memory ran out",
            " ".join(command),
            "close other programs, or use a machine with more memory",
        )
    known = {int(kind) for kind in Kind}
    if status in known and text:
        return ToolError(Kind(status), text)
    how = f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return AwqError(
        Kind.INTERNAL,
        "AWQ1644",
        f"{name} {how}" + (f":\n{text}" if text else ""),
        " ".join(command),
        "this is a defect of awq-mlir: please report it with the command above",
    )
