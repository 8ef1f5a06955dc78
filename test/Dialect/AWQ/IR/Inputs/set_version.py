#!/usr/bin/env python3
"""Copies an MLIR bytecode file and sets the version of one dialect in it.

The file's sections are walked as MLIR's docs/BytecodeFormat.md says; nothing but the version's one
byte changes.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

STRINGS, DIALECTS = 0, 1


@dataclass
class Cursor:
    """A place in the file."""

    data: bytearray
    at: int = 0

    def varint(self) -> int:
        """MLIR's prefix varint: the number of trailing zeros is the number of further bytes."""
        first = self.data[self.at]
        size = 1 if first & 1 else 9 if first == 0 else (first & -first).bit_length()
        value = int.from_bytes(self.data[self.at : self.at + size], "little")
        self.at += size
        return value >> 8 if size == 9 else value >> size

    def sections(self) -> dict[int, tuple[int, int]]:
        """Where the contents of each section begin, and their length, to the end of the data."""
        found = {}
        while self.at < len(self.data):
            head = self.data[self.at]
            self.at += 1
            length = self.varint()
            if head & 0x80:
                alignment = self.varint()
                self.at += -self.at % alignment
            found[head & 0x7F] = (self.at, length)
            self.at += length
        return found


def strings(data: bytearray, start: int, length: int) -> list[str]:
    cursor = Cursor(data, start)
    sizes = [cursor.varint() for _ in range(cursor.varint())]
    at = start + length  # sizes are stored last string first, the bytes in order
    names = []
    for size in sizes:
        at -= size
        names.append(bytes(data[at : at + size - 1]).decode())
    return names[::-1]


def versions(data: bytearray) -> dict[str, int]:
    """Where the version of each dialect that has one is."""
    cursor = Cursor(data, 4)
    cursor.varint()
    cursor.at = data.index(0, cursor.at) + 1  # the producer
    sections = cursor.sections()
    names = strings(data, *sections[STRINGS])
    dialects = Cursor(data, sections[DIALECTS][0])
    found = {}
    for _ in range(dialects.varint()):
        name = dialects.varint()
        if name & 1:
            dialects.at += 1  # the id of the section around the version
            length = dialects.varint()
            found[names[name >> 1]] = dialects.at
            dialects.at += length
    return found


def main() -> None:
    source, target, dialect, version = sys.argv[1:]
    data = bytearray(Path(source).read_bytes())
    data[versions(data)[dialect]] = int(version) << 1 | 1
    Path(target).write_bytes(data)


if __name__ == "__main__":
    main()
