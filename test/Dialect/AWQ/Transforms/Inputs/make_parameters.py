# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a safetensors file with w F32 [2, 16] = -4.0, -3.5, ... 3.5 in both rows and g F32 [16] = 2."""

import json
import struct
import sys
from pathlib import Path

WEIGHTS = [-4.0 + 0.5 * i for i in range(16)] * 2
HEADER = json.dumps(
    {
        "w": {"dtype": "F32", "shape": [2, 16], "data_offsets": [0, 128]},
        "g": {"dtype": "F32", "shape": [16], "data_offsets": [128, 192]},
    }
).encode()

with Path(sys.argv[1]).open("wb") as file:
    file.write(struct.pack("<Q", len(HEADER)) + HEADER + struct.pack("<48f", *WEIGHTS, *([2.0] * 16)))
