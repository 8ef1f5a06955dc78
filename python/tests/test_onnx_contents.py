# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C++ reader of ONNX models against the onnx package: the same contents, the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, numpy_helper
from onnx import helper as make
from onnx_hostile import field, good, model_of, number, varint
from onnx_hostile_external import external_tensor
from onnx_tool import needs_tool, read

pytestmark = needs_tool


def element_bytes(tensor: TensorProto, folder: Path) -> bytes:
    """The elements as the reader gives them, by way of NumPy."""
    array = numpy_helper.to_array(tensor, str(folder))
    bits = {
        TensorProto.INT4: 4,
        TensorProto.UINT4: 4,
        TensorProto.FLOAT4E2M1: 4,
        TensorProto.INT2: 2,
        TensorProto.UINT2: 2,
    }.get(tensor.data_type)
    if bits is None:
        return array.tobytes()
    codes = array.reshape(-1).view(np.uint8) & (1 << bits) - 1
    per_byte = 8 // bits
    codes = np.pad(codes, (0, -len(codes) % per_byte)).reshape(-1, per_byte)
    shifts = np.arange(per_byte) * bits
    return (codes << shifts).sum(axis=1).astype(np.uint8).tobytes()


def tensor_summary(tensor: TensorProto, folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": tensor.name,
        "type": TensorProto.DataType.Name(tensor.data_type),
        "shape": list(tensor.dims),
        "elements": int(np.prod(tensor.dims, dtype=np.int64)),
    }
    if tensor.data_type == TensorProto.STRING:
        data = b""
        if tensor.string_data:
            result["strings"] = [text.hex() for text in tensor.string_data]
    else:
        data = element_bytes(tensor, folder)
    result |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return result


def value_summary(value: onnx.ValueInfoProto) -> dict[str, Any]:
    if not value.type.HasField("tensor_type"):
        kind = value.type.WhichOneof("value") or ""
        return {"name": value.name, "type": "UNDEFINED", "kind": kind.removesuffix("_type"), "shape": None}
    content = value.type.tensor_type
    shape = [dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in content.shape.dim]
    kind = TensorProto.DataType.Name(content.elem_type)
    return {
        "name": value.name,
        "type": kind,
        "kind": "tensor",
        "shape": shape if content.HasField("shape") else None,
    }


def attribute_summary(attribute: onnx.AttributeProto, folder: Path) -> dict[str, Any]:
    result: dict[str, Any] = {"kind": attribute.type}
    if attribute.ref_attr_name:
        return result | {"reference": attribute.ref_attr_name}
    value = onnx.helper.get_attribute_value(attribute)
    plural = attribute.type in (6, 7, 8, 9, 10)
    values = list(value) if plural else [value]
    if attribute.type in (1, 6):
        result["floats"] = values
    elif attribute.type in (2, 7):
        result["ints"] = values
    elif attribute.type in (3, 8):
        result["strings"] = [text.hex() for text in values]
    elif attribute.type in (4, 9):
        result["tensors"] = [tensor_summary(tensor, folder) for tensor in values]
    elif attribute.type in (5, 10):
        result["graphs"] = [graph_summary(graph, folder) for graph in values]
    return {key: item for key, item in result.items() if item != []}


def node_summary(node: onnx.NodeProto, folder: Path) -> dict[str, Any]:
    return {
        "name": node.name,
        "domain": node.domain.replace("ai.onnx", "") if node.domain == "ai.onnx" else node.domain,
        "op": node.op_type,
        "overload": node.overload,
        "inputs": list(node.input),
        "outputs": list(node.output),
        "attributes": {item.name: attribute_summary(item, folder) for item in node.attribute},
        "metadata": {item.key: item.value for item in node.metadata_props},
    }


def graph_summary(graph: onnx.GraphProto, folder: Path) -> dict[str, Any]:
    initializers = {tensor.name for tensor in graph.initializer}
    return {
        "name": graph.name,
        "nodes": [node_summary(node, folder) for node in graph.node],
        "initializers": [tensor_summary(tensor, folder) for tensor in graph.initializer],
        "inputs": [value_summary(value) for value in graph.input if value.name not in initializers],
        "outputs": [value_summary(value) for value in graph.output],
        "values": [value_summary(value) for value in graph.value_info],
    }


def opset_summary(opsets: Any) -> dict[str, int]:
    return {"" if item.domain == "ai.onnx" else item.domain: item.version for item in opsets}


def model_summary(path: Path) -> dict[str, Any]:
    model = onnx.load(path, load_external_data=False)
    folder = path.parent
    return {
        "ir": model.ir_version,
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "opsets": opset_summary(model.opset_import),
        "metadata": {item.key: item.value for item in model.metadata_props},
        "graph": graph_summary(model.graph, folder),
        "functions": [
            {
                "domain": item.domain,
                "name": item.name,
                "overload": item.overload,
                "inputs": list(item.input),
                "outputs": list(item.output),
                "attributes": list(item.attribute),
                "defaults": {each.name: attribute_summary(each, folder) for each in item.attribute_proto},
                "opsets": opset_summary(item.opset_import),
                "nodes": [node_summary(node, folder) for node in item.node],
            }
            for item in model.functions
        ],
    }


def without_places(summary: Any) -> Any:
    """Leaves out where bytes lie, which the onnx package does not tell."""
    if isinstance(summary, dict):
        tensor = "sha256" in summary
        return {k: without_places(v) for k, v in summary.items() if not (tensor and k in ("file", "offset"))}
    return [without_places(item) for item in summary] if isinstance(summary, list) else summary


def expect_same(path: Path) -> dict[str, Any]:
    summary = read(path)
    assert without_places(summary) == model_summary(path)
    return summary


def save(model: ModelProto, path: Path) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def test_plain_model(tmp_path: Path) -> None:
    expect_same(save(good(), tmp_path / "model.onnx"))


ELEMENT_TYPES = [number for name, number in TensorProto.DataType.items() if 0 < number < 27 and name != "STRING"]


def typed_tensor(kind: int, count: int, rng: np.random.Generator) -> TensorProto:
    dtype = make.tensor_dtype_to_np_dtype(kind)
    bits = {21: 4, 22: 4, 23: 4, 25: 2, 26: 2}.get(kind, 8 * dtype.itemsize)
    if kind == TensorProto.BOOL:
        values = rng.integers(0, 2, count).astype(bool)
    elif kind in (14, 15):
        values = (rng.standard_normal(count) + 1j * rng.standard_normal(count)).astype(dtype)
    elif bits < 8:
        values = rng.integers(0, 1 << bits, count, dtype=np.uint8).view(dtype)
    else:
        values = rng.integers(0, 256, count * dtype.itemsize, dtype=np.uint8).view(dtype)
        if kind in (1, 11):
            values = rng.standard_normal(count).astype(dtype)  # NaN's bits do not survive Python
    return numpy_helper.from_array(values.reshape(count), "raw")


@pytest.mark.parametrize("kind", ELEMENT_TYPES, ids=[TensorProto.DataType.Name(kind) for kind in ELEMENT_TYPES])
@pytest.mark.parametrize("count", [0, 1, 3, 8, 1001])
def test_element_type(tmp_path: Path, kind: int, count: int) -> None:
    """Raw, typed, in another file, and in an attribute: the same bytes."""
    raw = typed_tensor(kind, count, np.random.default_rng(count))
    typed = as_typed(raw)
    outside = TensorProto(name="outside", data_type=kind, dims=[count], data_location=TensorProto.EXTERNAL)
    outside.external_data.add(key="location", value="./data/w.bin")
    outside.external_data.add(key="offset", value="3")  # nothing asks for alignment
    outside.external_data.add(key="length", value=str(len(raw.raw_data)))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.bin").write_bytes(b"abc" + raw.raw_data + b"behind")
    constant = make.make_node("Constant", [], ["c"], value=raw)
    model = good()
    model.graph.initializer.extend([raw, typed, outside])
    model.graph.node.append(constant)
    summary = expect_same(save(model, tmp_path / "model.onnx"))["graph"]
    tensors = [*summary["initializers"][2:], summary["nodes"][2]["attributes"]["value"]["tensors"][0]]
    assert {tensor["sha256"] for tensor in tensors} == {hashlib.sha256(raw.raw_data).hexdigest()}
    assert (tensors[0]["file"] != "") == (len(raw.raw_data) >= 1024)
    if count:
        assert (tensors[2]["file"], tensors[2]["offset"]) == (f"{tmp_path}/data/w.bin", 3)


def as_typed(raw: TensorProto) -> TensorProto:
    """The same elements in the field for their type."""
    typed = TensorProto(name="typed", data_type=raw.data_type, dims=raw.dims)
    name, number_type = {
        TensorProto.FLOAT: ("float_data", "<f4"),
        TensorProto.COMPLEX64: ("float_data", "<f4"),
        TensorProto.DOUBLE: ("double_data", "<f8"),
        TensorProto.COMPLEX128: ("double_data", "<f8"),
        TensorProto.INT64: ("int64_data", "<i8"),
        TensorProto.UINT32: ("uint64_data", "<u4"),
        TensorProto.UINT64: ("uint64_data", "<u8"),
        TensorProto.INT8: ("int32_data", "<i1"),
        TensorProto.INT16: ("int32_data", "<i2"),
        TensorProto.INT32: ("int32_data", "<i4"),
        TensorProto.UINT16: ("int32_data", "<u2"),
        TensorProto.FLOAT16: ("int32_data", "<u2"),
        TensorProto.BFLOAT16: ("int32_data", "<u2"),
    }.get(raw.data_type, ("int32_data", "<u1"))  # a byte has one element, two or four
    getattr(typed, name).extend(np.frombuffer(raw.raw_data, number_type).tolist())
    return typed


def test_unpacked_and_cut_numbers(tmp_path: Path) -> None:
    """Writers may put numbers one by one, or in several runs."""
    halves = np.arange(6, dtype="<f4").tobytes()
    floats = number(2, 1) + field(8, "f") + number(1, 2) + number(1, 4)
    floats += field(4, halves[:8]) + varint(4 << 3 | 5) + halves[8:12] + field(4, halves[12:]) + field(4, halves[:8])
    ints = (
        number(2, 7) + field(8, "i") + field(1, b"\x05") + number(7, -1) + field(7, b"\x02\x03") + number(7, 2**63 - 1)
    )
    ints += number(7, 0)
    path = tmp_path / "model.onnx"
    path.write_bytes(model_of(field(5, floats) + field(5, ints)))
    expect_same(path)


def test_everything_in_one_model(tmp_path: Path) -> None:
    model = good()
    graph = model.graph
    graph.initializer.append(make.make_tensor("strings", TensorProto.STRING, [2], [b"\xff\0", b"text"]))
    graph.initializer.append(make.make_tensor("a/../../etc", TensorProto.FLOAT, [], [1.5]))
    graph.initializer.append(make.make_tensor("empty", TensorProto.FLOAT, [2, 0, 5], []))
    graph.input.append(make.make_tensor_value_info("w", TensorProto.FLOAT, [3, 4]))  # a default
    graph.input.append(make.make_tensor_value_info("unranked", TensorProto.INT4, None))
    graph.input.append(make.make_tensor_sequence_value_info("list", TensorProto.FLOAT, None))
    graph.value_info.append(make.make_tensor_value_info("xw", TensorProto.FLOAT, ["a + b", 4, None]))
    then = make.make_graph([make.make_node("Neg", ["y"], ["n"])], "then", [], [make.make_empty_tensor_value_info("n")])
    other = make.make_graph([], "else", [], [make.make_empty_tensor_value_info("y")])
    choose = make.make_node("If", ["unranked"], ["z", ""], then_branch=then, else_branch=other)
    choose.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'layer']")
    plain = make.make_node(
        "Many", ["", "x"], ["m"], domain="f", f=0.1, i=-(2**63), s=b"\xff", fs=[1.5, -2.0], ints=[1, 2]
    )
    plain.attribute.append(make.make_attribute("texts", ["a", "b"]))
    plain.overload = "second"
    body = make.make_node("Relu", ["a"], ["o"])
    body.attribute.append(onnx.AttributeProto(name="k", type=onnx.AttributeProto.INT, ref_attr_name="n"))
    opsets = [make.make_opsetid("ai.onnx", 21)]
    function = make.make_function("f", "Many", ["q", "a"], ["o"], [body], opsets, ["n"], [make.make_attribute("d", 2)])
    function.overload = "second"
    graph.node.extend([choose, plain, make.make_node("Relu", ["x"], ["last"], domain="ai.onnx")])
    model.functions.append(function)
    model.opset_import.add(domain="f", version=1)
    model.producer_name, model.producer_version = "test", "1"
    model.metadata_props.add(key="k", value="v")
    model.doc_string = "not read"
    expect_same(save(model, tmp_path / "model.onnx"))


def test_empty_tensor_of_any_shape(tmp_path: Path) -> None:
    model = good()
    model.graph.initializer.append(TensorProto(name="t", data_type=1, dims=[2**62, 2**62, 0]))
    assert read(save(model, tmp_path / "model.onnx"))["graph"]["initializers"][2]["elements"] == 0


def test_external_file_of_the_package(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save_model(good(), path, save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    summary = expect_same(path)
    assert summary["graph"]["initializers"][0]["file"] == f"{tmp_path}/model.onnx.data"


def test_equal_tensors_stored_once(tmp_path: Path) -> None:
    model = good()
    digest = hashlib.sha1(bytes(range(32))).hexdigest()
    for name in "ab":
        tensor = external_tensor([("location", "w.bin"), ("checksum", digest.upper())])
        tensor.name = f"t{name}"
        model.graph.initializer.append(tensor)
    (tmp_path / "w.bin").write_bytes(bytes(range(32)))
    expect_same(save(model, tmp_path / "model.onnx"))


def test_model_behind_a_link(tmp_path: Path) -> None:
    """The user may name the model through links; only the model itself may not."""
    model = good()
    model.graph.initializer.append(external_tensor([("location", "w.bin")]))
    real = tmp_path / "real"
    real.mkdir()
    save(model, real / "model.onnx")
    (real / "w.bin").write_bytes(bytes(32))
    (tmp_path / "linked").symlink_to(real)
    read(tmp_path / "linked" / "model.onnx")


def test_large_inline_data_stay_in_the_file(tmp_path: Path) -> None:
    size = 256 << 20
    path = tmp_path / "model.onnx"
    head = number(2, 2) + field(8, "big") + number(1, size) + b"\x4a"
    length = varint(size)
    graph = b"".join([b"\x2a", varint(len(head) + len(length) + size), head, length])  # initializer
    with path.open("wb") as file:
        file.write(number(1, 10) + field(8, number(2, 21)) + b"\x3a" + varint(len(graph) + size) + graph)
        begin = file.tell()
        file.truncate(begin + size)
    tensor = read(path)["graph"]["initializers"][0]
    assert (tensor["file"], tensor["offset"], tensor["bytes"]) == (str(path), begin, size)
