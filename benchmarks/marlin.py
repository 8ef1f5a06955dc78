"""What Marlin's kernels cost by their machine code, counted like ours.

Marlin is built from its own source (IST-DASLab/marlin), which is not part of this project.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import re
from pathlib import Path

import sass

# Marlin<threads, blocks of 16 tokens, of 16 rows, of 16 channels, stages, groups of 16 channels>.
_KERNEL = re.compile(r"_Z6MarlinILi\d+ELi(\d+)ELi\d+ELi\d+ELi\d+ELi(n?\d+)E")
_GROUPS_OF_128 = "8"
# Codes that a warp copies for 256 weights. Its copies of activations are predicated and not counted on.
CODE_BYTES = 128


def source(folder: Path) -> Path:
    """The file with the kernels, in a checkout of Marlin."""
    found = folder / "marlin" / "marlin_cuda_kernel.cu"
    if not found.is_file():
        raise FileNotFoundError(f"{folder} is no checkout of Marlin: {found} is not there")
    return found


def count(listing: str, copies: bool) -> dict[int, float]:
    """Instructions per 256 weights of the kernels for groups of 128, by tokens, in what `nvdisasm -c` prints.

    With `copies` a turn has to start as many copies as it uses up, as in our counts; without, it may be one at the
    end of the work that starts none, which is how Marlin's counts are usually given.
    """
    counts: dict[int, float] = {}
    for function in sass.functions(listing):
        found = _KERNEL.match(function.name)
        if not found or found.group(2) != _GROUPS_OF_128:
            continue
        blocks = int(found.group(1))
        # Weights are the B operand: 128 of them meet 16 tokens.
        loop = sass.main_loop(function, 2 * blocks, CODE_BYTES if copies else 0)
        if loop:
            tokens = 16 * blocks
            counts[tokens] = min(round(loop.per_256_weights, 1), counts.get(tokens, float("inf")))
    return dict(sorted(counts.items()))
