"""Reads the machine code of NVIDIA kernels, as nvdisasm prints it, and finds what their main loop costs.

The main loop of a kernel is its steady state: of all ways round that copy as much as they consume, the one with the
fewest instructions per weight. So work at the ends of a range counts nothing, and the copies that a turn must
start count in full. A kernel without cp.async has its copies made elsewhere, and any way round will do.

It counts instructions of a warp, not cycles. What other warps do (a warp that only copies) is not in the loop.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_FUNCTION = re.compile(r"\s*\.text\.([^\s:,]+):")
_LABEL = re.compile(r"(\.L_\w+):")
_INSTRUCTION = re.compile(r"\s*/\*[0-9a-f]+\*/\s+(.*?)\s*;")
_TARGET = re.compile(r"`\((\.L_\w+)\)")
# How many ways to a block are kept for each count of weights and copied bytes.
_WAYS = 4
# Weights that one instruction of a warp takes as its A operand: m16 by k16, and 16 by 32 bytes of two codes.
# The m16n8k8 product with zero points takes none.
# What only the ends of segments need: returns, divisions (which take reciprocals), and what others can see. A way
# through them may look cheap, since the compiler moves work out of it, such as that of a warp with nothing to store.
_ENDS = {"EXIT", "MUFU", "I2F", "F2I", "ATOM", "ATOMG", "RED", "STG", "MEMBAR"}
_WEIGHTS = {"HMMA.16816": 256, "IMMA.16832": 512}
# With wgmma, products with zero points look like others; but then only codes are loaded by 16 bytes a lane.
_WEIGHTS_OF_LOAD = {"LDS.128": 1024}


@dataclass
class Function:
    """One kernel: instructions, and the labels before some of them."""

    name: str
    code: list[str] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Loop:
    """The steady state of a kernel."""

    instructions: int
    weights: int
    mix: Counter[str]
    copies: int = 0  # cp.async, and the loads that load nothing which ptxas puts before the first of some

    @property
    def per_256_weights(self) -> float:
        return self.instructions * 256 / self.weights

    @property
    def without_copies_per_256_weights(self) -> float:
        return (self.instructions - self.copies) * 256 / self.weights


def opcode(instruction: str) -> str:
    """`LDS.128` of `@!P0 LDS.128 R0, [R1]`."""
    return re.sub(r"^@!?U?P\w+\s+", "", instruction).split()[0]


def functions(text: str) -> Iterator[Function]:
    """The functions in the output of `nvdisasm -c`."""
    current: Function | None = None
    for line in text.splitlines():
        if found := _FUNCTION.match(line):
            if current:
                yield current
            current = Function(found.group(1))
        elif current is None:
            continue
        elif found := _LABEL.match(line):
            current.labels[found.group(1)] = len(current.code)
        elif found := _INSTRUCTION.match(line):
            current.code.append(found.group(1))
    if current:
        yield current


def _weights(instruction: str, counts: dict[str, int]) -> int:
    op = opcode(instruction)
    return sum(count for name, count in counts.items() if op.startswith(name))


def _copied(instruction: str) -> int:
    """Bytes that a warp copies with one cp.async; none if a predicate may leave out lanes."""
    parts = opcode(instruction).split(".")
    if parts[0] != "LDGSTS" or instruction.startswith("@"):
        return 0
    return 32 * (16 if "128" in parts else 8 if "64" in parts else 4)


def _is_of_copy(instruction: str) -> bool:
    return opcode(instruction).startswith("LDGSTS") or instruction.startswith("@!PT LDS RZ")


class _Graph:
    """Basic blocks: start -> end, and which ones follow."""

    def __init__(self, function: Function) -> None:
        code = function.code
        starts = {0, *(place for place in function.labels.values() if place < len(code))}
        starts |= {i + 1 for i, text in enumerate(code) if self._leaves(text) and i + 1 < len(code)}
        ordered = sorted(starts)
        self.end = dict(zip(ordered, [*ordered[1:], len(code)], strict=True))
        names = {start: {opcode(text).split(".")[0] for text in code[start:end]} for start, end in self.end.items()}
        steady = {start for start in ordered if not names[start] & _ENDS}
        self.follows = {
            start: [after for after in self._followers(function, end) if after in steady]
            for start, end in self.end.items()
        }
        self.by_wgmma = any(opcode(text).startswith("HGMMA") for text in code)
        counts = _WEIGHTS_OF_LOAD if self.by_wgmma else _WEIGHTS
        self.weights = {
            start: sum(_weights(text, counts) for text in code[start:end]) for start, end in self.end.items()
        }
        self.copied = {start: sum(map(_copied, code[start:end])) for start, end in self.end.items()}

    @staticmethod
    def _leaves(instruction: str) -> bool:
        # ptxas makes some branches a call that leaves no return address.
        op = opcode(instruction)
        return op.split(".")[0] in ("BRA", "EXIT", "RET") or op == "CALL.REL.NOINC"

    def _followers(self, function: Function, end: int) -> list[int]:
        last = function.code[end - 1]
        falls = end < len(function.code)
        if not self._leaves(last):
            return [end] if falls else []
        target = _TARGET.search(last)
        after = []
        # BRA.DIV leaves for code that handles a warp whose lanes have parted.
        if target and "BRA.DIV" not in last and function.labels.get(target.group(1), len(function.code)) in self.end:
            after.append(function.labels[target.group(1)])
        conditional = last.startswith("@") or "BRA.DIV" in last or "," in last.split("`")[0]
        if conditional and falls:
            after.append(end)
        return after

    def rounds(self, first: int) -> Iterator[tuple[int, ...]]:
        """Ways from `first` back to it: for each count of weights and copied bytes the cheapest."""
        bound = sum(self.weights.values())
        heap: list[tuple[int, tuple[int, ...], int, int]] = [
            (self.end[first] - first, (first,), self.weights[first], self.copied[first])
        ]
        seen: Counter[tuple[int, int, int]] = Counter()
        while heap:
            cost, path, weights, copied = heapq.heappop(heap)
            for after in self.follows[path[-1]]:
                if after == first:
                    yield path
                total, bytes_ = weights + self.weights[after], copied + self.copied[after]
                # Some ways to a block, not only the cheapest: that one may have used blocks that are needed later.
                if after in path or total > bound or seen[after, total, bytes_] >= _WAYS:
                    continue
                seen[after, total, bytes_] += 1
                heapq.heappush(heap, (cost + self.end[after] - after, (*path, after), total, bytes_))


def main_loop(function: Function, token_tiles: int, consumed: int) -> Loop | None:
    """The steady state of a kernel, or nothing.

    Each weight fragment serves `token_tiles` instructions, but one wgmma; `consumed` bytes must be copied for 256
    weights by cp.async, if the kernel copies so.
    """
    graph = _Graph(function)
    if graph.by_wgmma:
        token_tiles = 1
    copies = any(graph.copied.values())
    best: Loop | None = None
    for first in (start for start, weights in graph.weights.items() if weights):
        for path in graph.rounds(first):
            weights = sum(graph.weights[block] for block in path) // token_tiles
            if copies and sum(graph.copied[block] for block in path) < consumed * weights / 256:
                continue
            texts = [function.code[i] for start in path for i in range(start, graph.end[start])]
            mix = Counter(opcode(text).split(".")[0] for text in texts)
            loop = Loop(len(texts), weights, mix, sum(map(_is_of_copy, texts)))
            if best is None or loop.per_256_weights < best.per_256_weights:
                best = loop
    return best
