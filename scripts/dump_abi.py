#!/usr/bin/env python3
"""Prints the C interface of a shared library: what its headers promise and what it exports.

One line per enumerator, callback type and function of the stable headers, with the C signature, then
the names of the unstable functions. Fails if the library exports a C function that no header declares,
or lacks one. The output for each interface version is kept in test/CAPI/Inputs: a line that is there
must stay as long as the version does.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HEADERS = Path(__file__).resolve().parent.parent / "include" / "awq-c"
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DIRECTIVE = re.compile(r"^\s*#(?:.*\\\n)*.*$", re.MULTILINE)
FUNCTION = re.compile(r"\bAWQ_\w+_API\s+([^;{]*?\b(\w+)\s*\([^;]*\))\s*;")
CALLBACK = re.compile(r"\btypedef\s+([^;{]*\(\s*\*\s*\w+\s*\)\s*\([^;]*\))\s*;")
ENUM = re.compile(r"\benum\s+(\w+)\s*\{([^}]*)\}")
UNSTABLE = re.compile(r"\bMLIR_CAPI_EXPORTED\s+[^;]*?\b(\w+)\s*\(")
DIALECT = re.compile(r"\bMLIR_DECLARE_CAPI_DIALECT_REGISTRATION\(\s*\w+\s*,\s*(\w+)\s*\)")
VERSION = re.compile(r"#define\s+AWQ_\w+_ABI_VERSION\s+(\d+)")


@dataclass(frozen=True)
class Interface:
    """A library and the headers of its stable and unstable functions."""

    library: str
    stable: tuple[str, ...]
    unstable: tuple[str, ...] = ()


INTERFACES = {
    "compiler": Interface("libAWQCompiler.so", ("Status.h", "Compiler.h"), ("Dialects.h", "Passes.h")),
    "runtime": Interface("libAWQRuntime.so", ("Status.h", "Runtime.h")),
}
# Functions that compiled models call, whose interface is that of the bundle's version.
FOR_MODELS = re.compile(r"awq_rt_\w+|memrefCopy")


def one_line(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"\( ", "(", re.sub(r" \)", ")", text))


def code(name: str) -> str:
    """A header without comments and directives."""
    return DIRECTIVE.sub("", COMMENT.sub(" ", (HEADERS / name).read_text(encoding="utf8")))


def stable_lines(headers: tuple[str, ...]) -> tuple[list[str], set[str]]:
    """The promises of the headers, and the names of their functions."""
    lines, names = [], set()
    for header in headers:
        text = code(header)
        for enum, body in ENUM.findall(text):
            lines += [f"enum {enum}: {one_line(value)}" for value in body.split(",") if value.strip()]
        lines += [f"type {one_line(callback)}" for callback in CALLBACK.findall(text)]
        for signature, name in FUNCTION.findall(text):
            lines.append(f"function {one_line(signature)}")
            names.add(name)
    return lines, names


def unstable_names(headers: tuple[str, ...]) -> set[str]:
    names = set()
    for header in headers:
        text = code(header)
        names |= set(UNSTABLE.findall(text))
        names |= {f"mlirGetDialectHandle__{name}__" for name in DIALECT.findall(text)}
    return names


def exported_names(nm: str, library: Path) -> set[str]:
    """The C functions that a library exports: no mangled names."""
    command = [nm, "-D", "--defined-only", "--extern-only", "--format=posix", str(library)]
    listed = subprocess.run(command, capture_output=True, encoding="utf8", check=True).stdout
    symbols = {line.split()[0].split("@")[0] for line in listed.splitlines() if line.split()[1] in "TWDBV"}
    return {name for name in symbols if not name.startswith("_") and not FOR_MODELS.fullmatch(name)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interface", choices=INTERFACES)
    parser.add_argument("--lib", type=Path, default=HEADERS.parents[1] / "build" / "lib", help="the libraries' folder")
    parser.add_argument("--nm", default="nm")
    arguments = parser.parse_args()
    interface = INTERFACES[arguments.interface]
    lines, stable = stable_lines(interface.stable)
    unstable = unstable_names(interface.unstable)
    exported = exported_names(arguments.nm, arguments.lib / interface.library)
    version = VERSION.search((HEADERS / interface.stable[-1]).read_text(encoding="utf8"))
    assert version is not None
    print(f"interface {arguments.interface}, version {version[1]}")
    print("\n".join(lines))
    for name in sorted(unstable):
        print(f"unstable {name}")
    for name in sorted((stable | unstable) - exported):
        print(f"not exported: {name}")
    for name in sorted(exported - stable - unstable):
        print(f"in no header: {name}")
    sys.exit(exported != stable | unstable)


if __name__ == "__main__":
    main()
