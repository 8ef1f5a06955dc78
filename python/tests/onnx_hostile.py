# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Broken ONNX models for test_onnx_container.py: each with the error code it must get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto, FunctionProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, numpy_helper
from onnx import helper as make

Edit = Callable[[ModelProto], object]


@dataclass(frozen=True)
class Case:
    """`write` puts the model, and what it needs, into a folder; `mentions` must be in the error."""

    name: str
    code: str
    write: Callable[[Path], None]
    mentions: tuple[str, ...] = ()
    exit: int = 3


CASES: list[Case] = []


# --- The wire format, for what no library writes. ---


def varint(value: int) -> bytes:
    value &= 2**64 - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def field(number_: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return varint(number_ << 3 | 2) + varint(len(data)) + data


OPSET = field(8, number(2, 21))


def model_of(graph: bytes, *more: bytes) -> bytes:
    return number(1, 10) + field(7, graph) + OPSET + b"".join(more)


# --- A good model, and ways to spoil it. ---


def weight() -> TensorProto:
    return numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4), "w")


def good() -> ModelProto:
    """y = x @ w + b, with w raw and b typed."""
    nodes = [
        make.make_node("MatMul", ["x", "w"], ["xw"], name="mul"),
        make.make_node("Add", ["xw", "b"], ["y"], name="add"),
    ]
    graph = make.make_graph(
        nodes,
        "g",
        [make.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
        [make.make_tensor_value_info("y", TensorProto.FLOAT, [2, "n"])],
        [weight(), make.make_tensor("b", TensorProto.FLOAT, [4], [1, 2, 3, 4])],
    )
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 21)], ir_version=10)


def raw(name: str, code: str, content: bytes, *mentions: str, exit: int = 3) -> None:  # noqa: A002
    CASES.append(Case(name, code, lambda folder: (folder / "model.onnx").write_bytes(content), mentions, exit))


def edit(name: str, code: str, change: Edit, *mentions: str, exit: int = 3) -> None:  # noqa: A002
    model = good()
    change(model)
    raw(name, code, model.SerializeToString(), *mentions, exit=exit)


def patch(name: str, code: str, old: bytes, new: bytes, *mentions: str) -> None:
    content = good().SerializeToString()
    assert old in content
    assert len(old) == len(new)
    raw(name, code, content.replace(old, new), *mentions)


def tensor(name: str, code: str, content: TensorProto, *mentions: str, exit: int = 3) -> None:  # noqa: A002
    """The model with one more initializer, by default named "t"."""
    content.name = content.name or "t"
    edit(name, code, lambda m: m.graph.initializer.append(content), 'tensor "t"', *mentions, exit=exit)


def attribute(name: str, code: str, content: AttributeProto, *mentions: str, exit: int = 3) -> None:  # noqa: A002
    edit(name, code, lambda m: m.graph.node[0].attribute.append(content), 'node "mul"', *mentions, exit=exit)


def node(name: str, code: str, content: NodeProto, *mentions: str, exit: int = 3) -> None:  # noqa: A002
    edit(name, code, lambda m: m.graph.node.append(content), *mentions, exit=exit)


# --- What is no ONNX model at all. ---

raw("empty", "AWQ1006", b"", "is empty")
raw("lfs-pointer", "AWQ1007", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull")
raw("zip", "AWQ1008", b"PK\x03\x04" + bytes(60), "zip")
raw("pickle", "AWQ1008", b"\x80\x02}q\x00.", "pickle")
raw("gguf", "AWQ1009", b"GGUF\x03" + bytes(30), "GGUF")
raw("web-page", "AWQ1009", b"<!DOCTYPE html><html></html>", "web page")
raw("text", "AWQ1009", b"Not a model, but a note about one.\n" * 4, "text")
raw("json", "AWQ1009", b'{"ir_version": 10}', "text")
raw("onnx-text", "AWQ1009", b'<ir_version: 10, opset_import: ["" : 21]>\ng (float[1] x) => (float[1] y) {}', "text")
raw("safetensors", "AWQ1009", (2).to_bytes(8, "little") + b"{}", "safetensors")
raw("ort-format", "AWQ1009", b"\x1c\0\0\0ORTM" + bytes(40), "ONNX Runtime")

# --- The wire format. ---

raw("one-byte", "AWQ1060", b"\x08", "byte 1")
raw("varint-overrun", "AWQ1060", b"\x08" + b"\xff" * 10 + b"\x01", "64 bits", "byte 1")
raw("varint-of-65-bits", "AWQ1060", b"\x08" + b"\xff" * 9 + b"\x02", "64 bits")
raw("only-ones", "AWQ1060", b"\xff" * 100)
raw("length-of-2-gib", "AWQ1060", number(1, 10) + b"\x3a" + varint(2**31 + 5) + bytes(9), "only 9 are left")
raw("length-of-2-to-the-64", "AWQ1060", number(1, 10) + b"\x3a" + varint(2**64 - 1) + bytes(9))
raw("group", "AWQ1060", number(1, 10) + b"\x3b", "wire type 3")
raw("wire-type-7", "AWQ1060", number(1, 10) + b"\x3f", "wire type 7")
raw("field-0", "AWQ1060", number(1, 10) + b"\x02\x00", "no field 0")
raw("field-of-33-bits", "AWQ1060", number(1, 10) + varint(1 << 35) + b"\0")
raw("ir-version-as-bytes", "AWQ1060", field(1, b"\x0a"), "ir_version")
raw("graph-as-number", "AWQ1060", number(1, 10) + number(7, 1), '"graph"')
raw("part-over-its-end", "AWQ1060", model_of(b"\x0a\x09abc"), "has 9 bytes, but only 3")
raw("node-name-over-its-end", "AWQ1060", model_of(field(1, b"\x1a\x20abc")), "node 0")
raw("second-node-broken", "AWQ1060", model_of(field(1, field(4, "Relu")) + field(1, b"\x22\x20abc")), "node 1")
raw("packed-ints-cut", "AWQ1060", model_of(field(1, field(4, "A") + field(5, field(8, b"\x01\xff")))), "node 0")
raw("packed-floats-of-5-bytes", "AWQ1060", model_of(field(1, field(5, field(7, bytes(5))))), "floats")
FLOATS = field(8, "t") + number(2, 1) + number(1, 1)
raw("float-data-of-5-bytes", "AWQ1060", model_of(field(5, FLOATS + field(4, bytes(5)))), 'tensor "t"', "4 bytes")
raw("double-data-of-7-bytes", "AWQ1060", model_of(field(5, FLOATS + field(10, bytes(7)))), 'tensor "t"', "8 bytes")
INT64S = field(8, "t") + number(2, 7) + number(1, 1)
raw("int64-data-cut", "AWQ1060", model_of(field(5, INT64S + field(7, b"\1\x80"))), 'tensor "t"', "int64_data")
raw("int64-data-overlong", "AWQ1060", model_of(field(5, INT64S + field(7, b"\xff" * 10 + b"\1"))), 'tensor "t"')
raw("float-data-as-varint", "AWQ1060", model_of(field(5, FLOATS + number(4, 1))), 'tensor "t"', "float_data")
raw("raw-data-as-varint", "AWQ1060", model_of(field(5, FLOATS + number(9, 1))), 'tensor "t"', "raw_data")


def nested_graphs(depth: int) -> bytes:
    graph = b""
    for _ in range(depth):
        graph = field(1, field(4, "If") + field(5, field(1, "g") + number(20, 5) + field(6, graph)))
    return model_of(graph)


raw("nested-too-deep", "AWQ1061", nested_graphs(40), "nested more than 64")
raw("nested-40000-deep", "AWQ1061", nested_graphs(2000), "nested more than 64")

TINY_NODE = field(1, field(4, "A"))
raw("million-empty-nodes", "AWQ1062", model_of(field(1, b"") * 4_000_000), exit=4)
raw("tiny-nodes", "AWQ1062", model_of(TINY_NODE * 400_000), "memory", exit=4)
INTS = field(1, field(4, "A") + field(5, field(1, "i") + number(20, 7) + field(8, bytes(2_000_000))))
raw("two-million-ints", "AWQ1062", model_of(INTS), "node 0", exit=4)
MANY_INT64 = number(2, 7) + field(8, "t") + number(1, 20_000_000) + field(7, bytes(20_000_000))
raw("int64-of-one-byte", "AWQ1062", model_of(field(5, MANY_INT64)), 'tensor "t"', exit=4)

raw("graph-twice", "AWQ1063", model_of(b"", field(7, b"")), '"graph"', "twice")
raw("ir-version-twice", "AWQ1063", number(1, 10) + model_of(b""), "twice")
RAW = field(9, bytes(4))
raw("raw-data-twice", "AWQ1063", model_of(field(5, FLOATS + RAW + RAW)), "initializer 0", "raw_data", "twice")
CLASH = field(1, number(1, 3) + field(2, "n"))
X_TYPE = field(1, number(1, 1) + field(2, CLASH))
raw("dim-value-and-param", "AWQ1063", model_of(field(11, field(1, "x") + field(2, X_TYPE))), "input 0", "dim_param")
TWO_TYPES = field(1, number(1, 1)) + field(4, b"")
raw("type-twice", "AWQ1063", model_of(field(11, field(1, "x") + field(2, TWO_TYPES))), "sequence_type")

# --- The model as a whole. ---

edit("no-ir-version", "AWQ1064", lambda m: m.ClearField("ir_version"), "no IR version")
edit("ir-version-0", "AWQ1064", lambda m: setattr(m, "ir_version", 0))
edit("ir-version-negative", "AWQ1064", lambda m: setattr(m, "ir_version", -1), "-1")
edit("ir-version-15", "AWQ1065", lambda m: setattr(m, "ir_version", 15), "15", exit=4)
edit("ir-version-huge", "AWQ1065", lambda m: setattr(m, "ir_version", 2**62), exit=4)
edit("no-opset", "AWQ1066", lambda m: m.ClearField("opset_import"), "imports no operators")
edit("opset-0", "AWQ1066", lambda m: setattr(m.opset_import[0], "version", 0), "version 0")
edit("opset-negative", "AWQ1066", lambda m: setattr(m.opset_import[0], "version", -3), "version -3")
edit("opset-without-version", "AWQ1066", lambda m: m.opset_import.add(domain="a.b"), '"a.b"')
edit("opset-twice", "AWQ1066", lambda m: m.opset_import.add(domain="", version=20), "twice")
edit("opset-twice-by-alias", "AWQ1066", lambda m: m.opset_import.add(domain="ai.onnx", version=21), "twice")
edit("no-graph", "AWQ1067", lambda m: m.ClearField("graph"), "no graph")
edit("training-info", "AWQ1077", lambda m: m.training_info.add(), "training", exit=4)
edit("sparse-initializer", "AWQ1078", lambda m: m.graph.sparse_initializer.add(), "sparse", exit=4)

# --- Names. ---

node("op-type-missing", "AWQ1068", NodeProto(name="odd", output=["z"]), 'node "odd"', "operator")
patch("node-name-not-utf-8", "AWQ1068", b"\x1a\x03mul", b"\x1a\x03m\xffl", "node", "UTF-8")
patch("value-name-not-utf-8", "AWQ1068", b"\x0a\x02xw", b"\x0a\x02\xc0\x80", 'node "add"', "UTF-8")
patch("tensor-name-not-utf-8", "AWQ1068", b"\x42\x01b", b"\x42\x01\xfe", "initializer #1", "UTF-8")
patch("graph-name-not-utf-8", "AWQ1068", b"\x12\x01g", b"\x12\x01\x80", "graph")
patch("dim-name-not-utf-8", "AWQ1068", b"\x12\x01n", b"\x12\x01\xed", 'output "y"')
node("nul-in-op-type", "AWQ1068", make.make_node("A\0B", ["x"], ["z"], name="odd"), 'node "odd"', "NUL")
node("nul-in-input", "AWQ1068", make.make_node("A", ["x\0"], ["z"], name="odd"), 'node "odd"', "NUL")
node("name-of-1-mb", "AWQ1068", make.make_node("A", ["x"], ["z" * 2**20], name="odd"), 'node "odd"', "1048576 bytes")
node("attribute-nameless", "AWQ1068", NodeProto(op_type="A", name="odd", attribute=[AttributeProto()]), 'node "odd"')
edit("initializer-nameless", "AWQ1068", lambda m: m.graph.initializer.append(TensorProto()), "initializer #2")
edit("input-nameless", "AWQ1068", lambda m: m.graph.input.append(ValueInfoProto()), "input #1")
edit("function-nameless", "AWQ1068", lambda m: m.functions.append(FunctionProto()), "function #0")
edit("nul-in-domain", "AWQ1068", lambda m: m.opset_import.add(domain="\0", version=1), "domain")
BAD_TEXT = field(14, field(1, "key") + field(2, b"\xff"))
raw("metadata-not-utf-8", "AWQ1068", model_of(b"", BAD_TEXT), '"key"')
raw("producer-not-utf-8", "AWQ1068", model_of(b"", field(2, b"\xff")), "producer")

# --- Values: defined once, before their use. ---


def branch(*nodes: NodeProto, output: str = "o") -> NodeProto:
    """An If with one branch of these nodes."""
    graph = make.make_graph(nodes, "branch", [], [make.make_tensor_value_info(output, TensorProto.FLOAT, [1])])
    return make.make_node("If", ["x"], ["z"], name="choose", then_branch=graph)


RELU = make.make_node("Relu", ["x"], ["o"], name="inner")
node("output-twice", "AWQ1069", make.make_node("Relu", ["x"], ["xw"], name="again"), 'node "again"', '"xw"')
node("output-twice-in-node", "AWQ1069", make.make_node("Split", ["x"], ["z", "z"], name="again"), 'node "again"')
node("output-shadows-input", "AWQ1069", make.make_node("Relu", ["w"], ["x"], name="again"), 'node "again"')
node("output-shadows-initializer", "AWQ1069", make.make_node("Relu", ["x"], ["w"], name="again"), 'node "again"')
edit("input-twice", "AWQ1069", lambda m: m.graph.input.append(m.graph.input[0]), '"x"')
AGAIN = make.make_node("Relu", ["x"], ["xw"], name="inner")
node("branch-shadows", "AWQ1069", branch(AGAIN, output="xw"), 'node "choose"', 'node "inner"', "then_branch")
node("input-undefined", "AWQ1070", make.make_node("Relu", ["nothing"], ["z"], name="odd"), 'node "odd"', '"nothing"')
edit("output-undefined", "AWQ1070", lambda m: setattr(m.graph.output[0], "name", "nothing"), '"nothing"')
node("branch-reads-undefined", "AWQ1070", branch(make.make_node("Relu", ["q"], ["o"], name="inner")), 'node "inner"')
node("branch-output-undefined", "AWQ1070", branch(RELU, output="q"), 'node "choose"', '"q"')
edit(
    "branch-value-used-outside",
    "AWQ1070",
    lambda m: m.graph.node.extend([branch(RELU), make.make_node("A", ["o"], ["p"])]),
    '"o"',
)
edit("cycle", "AWQ1071", lambda m: m.graph.node[0].input.__setitem__(0, "y"), 'node "mul"', 'node "add"', "cycle")
edit("node-reads-itself", "AWQ1071", lambda m: m.graph.node[0].input.__setitem__(0, "xw"), 'node "mul"')
edit("out-of-order", "AWQ1071", lambda m: m.graph.node.append(m.graph.node.pop(0)), 'node "add"', 'node "mul"')
edit("initializer-twice", "AWQ1072", lambda m: m.graph.initializer.append(weight()), 'tensor "w"', "twice")

# --- Attributes. ---

INT, FLOAT = AttributeProto.INT, AttributeProto.FLOAT
attribute("attribute-without-type", "AWQ1073", AttributeProto(name="a", i=1), 'attribute "a"')
attribute("attribute-type-99", "AWQ1073", AttributeProto(name="a"), "no type 0")
raw(
    "attribute-type-unknown",
    "AWQ1073",
    model_of(field(1, field(4, "A") + field(5, field(1, "a") + number(20, 99)))),
    "99",
)
attribute("attribute-of-other-type", "AWQ1073", AttributeProto(name="a", type=INT, f=1), 'attribute "a"')
attribute("attribute-with-two-values", "AWQ1073", AttributeProto(name="a", type=INT, i=1, f=1), 'attribute "a"')
attribute("attribute-tensor-missing", "AWQ1073", AttributeProto(name="a", type=AttributeProto.TENSOR), "no value")
attribute("attribute-graph-missing", "AWQ1073", AttributeProto(name="a", type=AttributeProto.GRAPH), "no value")
attribute("reference-outside-function", "AWQ1073", AttributeProto(name="a", type=INT, ref_attr_name="b"), "no function")
attribute("reference-with-value", "AWQ1073", AttributeProto(name="a", type=INT, i=2, ref_attr_name="b"), "has a value")
TWICE = NodeProto(op_type="A", name="odd", attribute=[make.make_attribute("a", 1), make.make_attribute("a", 2)])
node("attribute-twice", "AWQ1073", TWICE, 'node "odd"', '"a"', "twice")
SPARSE = AttributeProto(name="a", type=AttributeProto.SPARSE_TENSOR)
SPARSE.sparse_tensor.dims.append(1)
attribute("sparse-attribute", "AWQ1078", SPARSE, "sparse", exit=4)
BAD_VALUE = make.make_attribute("value", TensorProto(data_type=TensorProto.FLOAT, dims=[3], raw_data=bytes(4)))
attribute("tensor-in-attribute", "AWQ1083", BAD_VALUE, 'attribute "value"')
node(
    "domain-not-imported",
    "AWQ1074",
    make.make_node("A", ["x"], ["z"], name="odd", domain="com.acme"),
    'node "odd"',
    "com.acme",
)

# --- Functions. ---


def function(name: str, *nodes: NodeProto, attributes: tuple[str, ...] = ()) -> FunctionProto:
    opsets = [make.make_opsetid("", 21), make.make_opsetid("f", 1)]
    return make.make_function("f", name, ["a"], ["o"], list(nodes), opsets, list(attributes))


def call(name: str) -> NodeProto:
    return make.make_node(name, ["a"], ["o"], name="call", domain="f")


def functions(name: str, code: str, *bodies: FunctionProto, mentions: tuple[str, ...]) -> None:
    edit(name, code, lambda m: (m.opset_import.add(domain="f", version=1), m.functions.extend(bodies)), *mentions)


BODY = make.make_node("Relu", ["a"], ["o"], name="body")
functions("function-twice", "AWQ1075", function("A", BODY), function("A", BODY), mentions=('function "A"', "twice"))
functions("function-calls-itself", "AWQ1076", function("A", call("A")), mentions=('function "A"',))
functions(
    "functions-call-each-other",
    "AWQ1076",
    function("A", call("B")),
    function("B", call("A")),
    mentions=("calls itself",),
)
INSIDE = make.make_node(
    "If", ["a"], ["o"], then_branch=branch(make.make_node("A", ["a"], ["i"], domain="f"), output="i").attribute[0].g
)
functions("function-calls-itself-in-branch", "AWQ1076", function("A", INSIDE), mentions=('function "A"',))
FOREIGN = make.make_node("Relu", ["a"], ["o"], name="body", domain="g")
functions("function-domain-not-imported", "AWQ1074", function("A", FOREIGN), mentions=('function "A"', 'node "body"'))
OUTER = make.make_node("Relu", ["x"], ["o"], name="body")
functions("function-reads-graph", "AWQ1070", function("A", OUTER), mentions=('function "A"', 'node "body"'))
LOST = make.make_node("Relu", ["a"], ["p"], name="body")
functions("function-output-undefined", "AWQ1070", function("A", LOST), mentions=('function "A"', '"o"'))
REFERENCE = make.make_node("Relu", ["a"], ["o"], name="body")
REFERENCE.attribute.append(AttributeProto(name="k", type=INT, ref_attr_name="n"))
functions("reference-unknown", "AWQ1073", function("A", REFERENCE, attributes=("m",)), mentions=('node "body"', '"n"'))

# --- Tensors. ---

T = TensorProto
tensor("segment", "AWQ1079", T(data_type=1, segment=T.Segment(begin=0, end=1)), "segment", exit=4)
tensor("type-undefined", "AWQ1080", T(data_type=0, dims=[1], raw_data=bytes(4)), "UNDEFINED")
tensor("type-missing", "AWQ1080", T(dims=[1], raw_data=bytes(4)), "UNDEFINED")
tensor("type-unknown", "AWQ1080", T(data_type=99, dims=[1], raw_data=bytes(4)), "99", exit=4)
tensor("type-negative", "AWQ1080", T(data_type=-1, dims=[1], raw_data=bytes(4)), "-1", exit=4)
edit(
    "value-type-undefined", "AWQ1080", lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 0), 'input "x"'
)
edit(
    "value-type-unknown",
    "AWQ1080",
    lambda m: setattr(m.graph.output[0].type.tensor_type, "elem_type", 77),
    '"y"',
    exit=4,
)
tensor("dim-negative", "AWQ1081", T(data_type=1, dims=[2, -1]), "[2, -1]", "negative")
tensor("dim-huge", "AWQ1081", T(data_type=1, dims=[2**63 - 1]), "overflows")
tensor("dims-overflow", "AWQ1081", T(data_type=2, dims=[2**32, 2**32]), "overflows")
tensor("dims-overflow-to-small", "AWQ1081", T(data_type=2, dims=[2**32, 2**32, 4], raw_data=b"abcd"), "overflows")
tensor("bits-overflow", "AWQ1081", T(data_type=11, dims=[2**58]), "overflows")
tensor("rank-17", "AWQ1082", T(data_type=1, dims=[1] * 17, raw_data=bytes(4)), "17", exit=4)
edit(
    "value-rank-17",
    "AWQ1082",
    lambda m: m.graph.input[0].type.tensor_type.shape.dim.extend([onnx.TensorShapeProto.Dimension()] * 15),
    exit=4,
)
edit(
    "value-dim-negative",
    "AWQ1086",
    lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", -1),
    '"x"',
    "-1",
)
tensor("raw-too-short", "AWQ1083", T(data_type=1, dims=[2], raw_data=bytes(7)), "8 bytes", "has 7")
tensor("raw-too-long", "AWQ1083", T(data_type=1, dims=[2], raw_data=bytes(9)), "has 9")
tensor("int4-odd-rounded-down", "AWQ1083", T(data_type=22, dims=[3], raw_data=bytes(1)), "2 bytes")
tensor("int4-not-packed", "AWQ1083", T(data_type=22, dims=[4], int32_data=[1, 2, 3, 4]), "2 numbers", "has 4")
tensor("uint2-odd-rounded-down", "AWQ1083", T(data_type=25, dims=[5], int32_data=[1]), "2 numbers")
tensor("floats-too-few", "AWQ1083", T(data_type=1, dims=[3], float_data=[1, 2]), "3 numbers", "has 2")
tensor("floats-too-many", "AWQ1083", T(data_type=1, dims=[1], float_data=[1, 2]), "has 2")
tensor("complex-half", "AWQ1083", T(data_type=14, dims=[2], float_data=[1, 2]), "4 numbers")
tensor("no-data", "AWQ1083", T(data_type=1, dims=[2]), "no data")
tensor("huge-without-data", "AWQ1083", T(data_type=2, dims=[2**40], raw_data=b"abcd"), "has 4")
tensor("zero-size-with-data", "AWQ1083", T(data_type=1, dims=[0, 2], raw_data=bytes(8)), "has 8")
tensor("strings-too-few", "AWQ1083", T(data_type=8, dims=[2], string_data=[b"a"]), "2 strings")
tensor("raw-and-floats", "AWQ1084", T(data_type=1, dims=[1], raw_data=bytes(4), float_data=[1]), "twice")
tensor("floats-and-doubles", "AWQ1084", T(data_type=1, dims=[1], float_data=[1], double_data=[1]), "twice")
tensor("ints-for-floats", "AWQ1084", T(data_type=1, dims=[1], int32_data=[1]), "int32_data", "float_data")
tensor("int64-in-int32-data", "AWQ1084", T(data_type=7, dims=[1], int32_data=[1]), "int64_data")
tensor("strings-for-floats", "AWQ1084", T(data_type=1, dims=[1], string_data=[b"abcd"]), "string_data")
tensor("string-raw", "AWQ1084", T(data_type=8, dims=[1], raw_data=b"abcd"), "STRING")
raw("data-location-7", "AWQ1084", model_of(field(5, FLOATS + RAW + number(14, 7))), 'tensor "t"', "location 7")
tensor("uint8-300", "AWQ1085", T(data_type=2, dims=[2], int32_data=[7, 300]), "300", "UINT8")
tensor("int8-below", "AWQ1085", T(data_type=3, dims=[1], int32_data=[-129]), "-129")
tensor("bool-2", "AWQ1085", T(data_type=9, dims=[1], int32_data=[2]), "BOOL")
tensor("uint16-negative", "AWQ1085", T(data_type=4, dims=[1], int32_data=[-1]), "-1")
tensor("int16-above", "AWQ1085", T(data_type=5, dims=[1], int32_data=[40000]), "40000")
tensor("half-above", "AWQ1085", T(data_type=10, dims=[1], int32_data=[65536]), "FLOAT16")
tensor("int4-byte-above", "AWQ1085", T(data_type=22, dims=[2], int32_data=[256]), "INT4")
tensor("uint32-above", "AWQ1085", T(data_type=12, dims=[1], uint64_data=[2**32]), "4294967296")
