#!/usr/bin/env python3
"""Writes a small module to quantize, with its calibration statistics in one of three places.

make_module.py attribute|resource|file FOLDER writes FOLDER/module.mlir: a norm and two linears whose
weights are constants. The statistics of what the linears read are dense elements in the IR, resources
of the file, or FOLDER/statistics.safetensors; the numbers are the same.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
import random
import struct
import sys
from pathlib import Path

K, N, TOKENS = 16, 4, 64
SITE = "layer.input"


def f32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def packed(values: list[float]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def statistics(numbers: random.Random) -> dict[str, tuple[list[int], list[float]]]:
    """Of activations whose first channel is far more active than the others."""
    x = [[f32(numbers.gauss(0, 16 if k == 0 else 1)) for k in range(K)] for _ in range(TOKENS)]
    columns = list(zip(*x, strict=True))
    gram = [[f32(sum(a * b for a, b in zip(columns[i], columns[j], strict=True))) for j in range(K)] for i in range(K)]
    return {
        "mean_abs": ([K], [f32(sum(map(abs, c)) / TOKENS) for c in columns]),
        "max_abs": ([K], [max(map(abs, c)) for c in columns]),
        "mean_square": ([K], [f32(sum(v * v for v in c) / TOKENS) for c in columns]),
        "gram": ([K, K], [gram[max(i, j)][min(i, j)] for i in range(K) for j in range(K)]),
    }


def tensor_type(shape: list[int]) -> str:
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


def dense(shape: list[int], values: list[float]) -> str:
    # Hexadecimal elements: the very bits.
    return f'dense<"0x{packed(values).hex().upper()}"> : {tensor_type(shape)}'


def attribute(parts: dict[str, dict[str, tuple[list[int], list[float]]]], resources: bool) -> str:
    def element(part: str, key: str, shape: list[int], values: list[float]) -> str:
        return f"dense_resource<{part}_{key}> : {tensor_type(shape)}" if resources else dense(shape, values)

    texts = [
        f"{part} = {{tokens = {TOKENS} : i64, "
        + ", ".join(f"{key} = {element(part, key, *value)}" for key, value in values.items())
        + "}"
        for part, values in parts.items()
    ]
    return f" {{statistics = {{{', '.join(texts)}}}}}"


def write_statistics(path: Path, parts: dict[str, dict[str, tuple[list[int], list[float]]]]) -> None:
    header: dict[str, object] = {
        "__metadata__": {
            "format": "awq-statistics",
            "version": "1",
            "model_sha256": "",
            "tokenizer_sha256": "",
            "data_sha256": "",
        }
    }
    data = b""
    for part, values in parts.items():
        tensors = {"tokens": ("I64", [1], struct.pack("<q", TOKENS))}
        tensors |= {key: ("F32", shape, packed(numbers)) for key, (shape, numbers) in values.items()}
        for key, (dtype, shape, content) in tensors.items():
            offsets = [len(data), len(data) + len(content)]
            header[f"{SITE}/{part}/{key}"] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
            data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main() -> None:
    place, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    numbers = random.Random(4)
    parts = {"fit": statistics(numbers), "guard": statistics(numbers)}
    weights = [[f32(numbers.uniform(-1, 1)) for _ in range(N * K)] for _ in range(2)]
    observed = attribute(parts, place == "resource") if place != "file" else ""
    text = f"""func.func @layer(%x: tensor<?x{K}xf32>) -> (tensor<?x{N}xf32>, tensor<?x{N}xf32>) {{
  %g = arith.constant dense<1.0> : tensor<{K}xf32>
  %v = arith.constant {dense([N, K], weights[0])}
  %w = arith.constant {dense([N, K], weights[1])}
  %n = decoder.rms_norm %x, %g {{awq.name = "norm", epsilon = 1.0e-05 : f64}} : tensor<?x{K}xf32>, tensor<{K}xf32>
  %o = awq.observe %n "{SITE}"{observed} : tensor<?x{K}xf32>
  %y = awq.linear %o, %v {{awq.name = "first"}} : (tensor<?x{K}xf32>, tensor<{N}x{K}xf32>) -> tensor<?x{N}xf32>
  %z = awq.linear %o, %w {{awq.name = "second"}} : (tensor<?x{K}xf32>, tensor<{N}x{K}xf32>) -> tensor<?x{N}xf32>
  return %y, %z : tensor<?x{N}xf32>, tensor<?x{N}xf32>
}}
"""
    if place == "resource":
        blobs = [
            f'{part}_{key}: "0x04000000{packed(value[1]).hex().upper()}"'
            for part, values in parts.items()
            for key, value in values.items()
        ]
        text += "{-# dialect_resources: { builtin: {\n" + ",\n".join(blobs) + "\n} } #-}\n"
    if place == "file":
        write_statistics(folder / "statistics.safetensors", parts)
    (folder / "module.mlir").write_text(text)


if __name__ == "__main__":
    main()
