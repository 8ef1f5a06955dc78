#!/usr/bin/env python3
"""Fails on an #include against the direction of the rooms (docs/Architecture.md).

Support -> IO -> Dialect/*/Utils -> Dialect/*/IR -> Calibration -> Dialect/*/Transforms
-> Conversion | Target -> Pipelines -> CAPI | Plugin -> tools

A file may include its own room and rooms to the left of it. ExecutionEngine's rooms stand beside:
Runtime uses Support and IO only and neither LLVM nor MLIR; GPUSimulator uses Support, IO and LLVM;
JIT may use everything up to Conversion; SimulatedLinears uses all of these, and Pipelines.
Rooms that are free of MLIR (Support, IO, Runtime, GPUSimulator, Dialect/*/Utils, Calibration) include
no header of it.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
TABLEGEN_INCLUDE = re.compile(r'^\s*include\s+"([^"]+)"', re.MULTILINE)
SUFFIXES = {".h", ".cpp", ".inc", ".td"}

ORDER = [
    "Support",
    "IO",
    "Utils",
    "IR",
    "Calibration",
    "Transforms",
    "Conversion",
    "Pipelines",
    "CAPI",
    "tools",
]
BESIDE = {"Target": "Conversion", "Plugin": "CAPI"}
RANK = {room: rank for rank, room in enumerate(ORDER)} | {room: ORDER.index(at) for room, at in BESIDE.items()}
RUNTIME_MAY_USE = {"Support", "IO"}
WITHOUT_MLIR = {"Support", "IO", "Utils", "Calibration", "Runtime", "GPUSimulator"}
WITHOUT_LLVM = {"Support", "IO", "Runtime"}
MAY_USE_RUNTIME = {"tools", "CAPI", "JIT", "Pipelines", "SimulatedLinears"}
MAY_USE_ALL = {"tools", "CAPI", "Plugin", "Pipelines", "JIT"}
MAY_USE_SIMULATOR = {"tools", "Pipelines", "JIT", "SimulatedLinears"}
# ExecutionEngine/JIT runs compiled IR: it sits beside Pipelines.
RANK["JIT"] = RANK["Pipelines"]
# ExecutionEngine/GPUSimulator runs LLVM IR: it needs no more than IO does.
RANK["GPUSimulator"] = RANK["IO"]
# ExecutionEngine/SimulatedLinears compiles kernels by Pipelines and runs them.
RANK["SimulatedLinears"] = RANK["CAPI"]


@dataclass(frozen=True)
class Room:
    """A room: its kind, and the folder that tells two rooms of one kind apart."""

    kind: str
    folder: str


def room_of(path: PurePosixPath) -> Room | None:
    """The room of a path below lib/ or include/awq/, of a tool, or nothing for umbrella headers."""
    parts = path.parts
    if parts[0] == "tools":
        return Room("tools", "tools")
    if parts[0] == "include" and len(parts) > 1 and parts[1] == "awq-c":
        return Room("CAPI", "CAPI")
    if parts[:2] == ("include", "awq"):
        parts = parts[2:]
    elif parts[0] == "lib":
        parts = parts[1:]
    else:
        return None
    if parts[0] == "Dialect" and len(parts) > 3:
        return Room(parts[2], "/".join(parts[:3]))
    if parts[0] == "ExecutionEngine" and len(parts) > 2:
        return Room(parts[1], "/".join(parts[:2]))
    if len(parts) > 1 and parts[0] in RANK:
        return Room(parts[0], "/".join(parts[:2]) if parts[0] in {"Conversion", "Target"} else parts[0])
    return None  # InitAllPasses.h and its like: for tools


def foreign_complaint(source: Room, included: str) -> str | None:
    """What is wrong with an include of LLVM, MLIR or an umbrella header, or nothing."""
    if included.startswith("mlir/") and source.kind in WITHOUT_MLIR:
        return f"{source.folder} is free of MLIR"
    if included.startswith(("llvm/", "mlir/")) and source.kind in WITHOUT_LLVM:
        return f"{source.folder} is free of LLVM"
    if included.startswith("awq/InitAll") and source.kind not in MAY_USE_ALL:
        return "InitAll headers are for tools"
    return None


def runtime_complaint(source: Room, target: Room, included: str) -> str | None:
    """The runtime uses little and is used by few; it implements its own C interface."""
    if source.kind == "Runtime":
        allowed = target.kind in RUNTIME_MAY_USE or included == "awq-c/Runtime.h"
        return None if allowed else f"Runtime may use {', '.join(sorted(RUNTIME_MAY_USE))} only"
    return None if source.kind in MAY_USE_RUNTIME else f"only {', '.join(sorted(MAY_USE_RUNTIME))} use the runtime"


def complaint(source: Room, included: str) -> str | None:
    """What is wrong with an include, or nothing."""
    if not included.startswith(("awq/", "awq-c/")) or included.startswith("awq/InitAll"):
        return foreign_complaint(source, included)
    target = room_of(PurePosixPath("include") / included)
    if target is None or target == source:
        return None
    if included == "awq-c/Runtime.h" and source.kind == "tools":
        return None
    if "Runtime" in (source.kind, target.kind):
        return runtime_complaint(source, target, included)
    if source.kind not in RANK or target.kind not in RANK:
        return f"the room of {included if target.kind not in RANK else source.folder} is not in the list of rooms"
    if target.kind == "GPUSimulator" and source.kind not in MAY_USE_SIMULATOR:
        return f"only {', '.join(sorted(MAY_USE_SIMULATOR))} use the simulator"
    if RANK[target.kind] > RANK[source.kind]:
        return f"{source.folder} may not use {target.folder}, which comes after it"
    return None


def check(root: Path) -> list[str]:
    """Every wrong include below `root`, as file:line: text."""
    found = []
    for top in ("include", "lib", "tools"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            relative = PurePosixPath(path.relative_to(root).as_posix())
            source = room_of(relative)
            if source is None:
                continue
            text = path.read_text(encoding="utf8")
            pattern = TABLEGEN_INCLUDE if path.suffix == ".td" else INCLUDE
            for match in pattern.finditer(text):
                problem = (
                    complaint(source, match.group(1)) if path.suffix != ".td" or "awq/" in match.group(1) else None
                )
                if problem:
                    line = text.count("\n", 0, match.start(1)) + 1
                    found.append(f"{relative}:{line}: include of {match.group(1)}: {problem}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", default=Path(__file__).resolve().parent.parent)
    problems = check(parser.parse_args().root)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} includes against the direction of the rooms")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
