# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models that are well-formed files and break the rules of their ops: imported or refused, never a crash."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from exported_toys import tool

NUMBERS = [0, 1, -1, 2, 3, -2, 7, 100, -100, 2**31, -(2**31), 2**62, -(2**63)]
OPS = [
    "Add",
    "Reshape",
    "Gather",
    "MatMul",
    "Slice",
    "Concat",
    "Softmax",
    "Expand",
    "Where",
    "Split",
    "Attention",
    "Pad",
]
CHANGES = 150


def change_attribute(node: Any, chance: random.Random) -> None:
    attribute = chance.choice(node.attribute)
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i = chance.choice(NUMBERS)
    elif attribute.type == onnx.AttributeProto.INTS and attribute.ints:
        attribute.ints[chance.randrange(len(attribute.ints))] = chance.choice(NUMBERS)
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = chance.choice([0.0, float("nan"), float("inf"), -1.0, 1e30])
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = b"x"


def change_shape(graph: Any, chance: random.Random) -> None:
    tensor = chance.choice(graph.input).type.tensor_type
    if tensor.shape.dim:
        chance.choice(tensor.shape.dim).dim_value = chance.choice([0, 1, 2, 3, 5, 17, 2**31])
    if chance.random() < 0.3:
        tensor.elem_type = chance.choice([1, 2, 3, 6, 7, 9, 10, 11, 16])
    if chance.random() < 0.1:
        tensor.shape.dim.add().dim_value = 2


def change(graph: Any, chance: random.Random) -> None:
    """One change that leaves a file which can be read."""
    node = chance.choice(graph.node)
    kind = chance.random()
    if kind < 0.35 and node.attribute:
        change_attribute(node, chance)
    elif kind < 0.5 and node.input:
        names = [*node.input, "", *(value.name for value in graph.input)]
        node.input[chance.randrange(len(node.input))] = chance.choice(names)
    elif kind < 0.6 and node.input:
        del node.input[chance.randrange(len(node.input))]
    elif kind < 0.85:
        change_shape(graph, chance)
    else:
        node.op_type = chance.choice(OPS)


@pytest.mark.parametrize("opset", [17, 24])
def test_changed_models_are_imported_or_refused(opset: int, tmp_path: Path, toy_onnx: Callable[..., Path]) -> None:
    exported = toy_onnx("llama", tmp_path / "model.onnx", dynamo=opset > 17, opset=opset, kind="none")
    model = onnx.load(str(exported))
    changed = tmp_path / "changed.onnx"
    for seed in range(CHANGES):
        chance = random.Random(seed)
        other = copy.deepcopy(model)
        for _ in range(chance.choice([1, 1, 2, 3])):
            change(other.graph, chance)
        changed.write_bytes(other.SerializeToString())
        imported = tool("awq-translate", "--import-onnx", changed, "-o", tmp_path / "changed.mlir")
        assert imported.returncode in (0, 3, 4), (seed, imported.stderr[-2000:])
        if imported.returncode == 0:
            raised = tool("awq-opt", "--awq-raise-decoder", tmp_path / "changed.mlir", "-o", tmp_path / "raised.mlir")
            assert raised.returncode == 0, (seed, raised.stderr[-2000:])
