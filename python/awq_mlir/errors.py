"""Errors that name the place and the remedy, and the exit codes of the command.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

from enum import IntEnum


class Kind(IntEnum):
    """What went wrong; the values are the command's exit codes."""

    USAGE = 2
    MALFORMED = 3
    UNSUPPORTED = 4
    RESOURCES = 5
    INTERNAL = 70


class AwqError(Exception):
    """One error. `str()` prints it the way the C++ programs print theirs."""

    def __init__(self, kind: Kind, code: str, message: str, where: str = "", help: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message
        self.where = where
        self.help = help

    def __str__(self) -> str:
        lines = [f"error[{self.code}]: {self.message}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.help:
            lines.append(f"  help: {self.help}")
        return "\n".join(lines)


class ToolError(AwqError):
    """An error that a C++ program or library has already put into words."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(kind, "", text)

    def __str__(self) -> str:
        return self.message
