# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes broken safetensors files and indexes, and what the reader must say about each.

Usage: make_malformed_safetensors.py FOLDER

Every case is an entry of FOLDER (a file, or a model folder). FOLDER/expected.json
lists them: [{"path", "code", "message"}], where "message" is a part of the error's text.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT = 100_000_000  # bytes of a header


@dataclass(frozen=True)
class Case:
    """A broken file (its bytes) or folder (a function that fills it)."""

    name: str
    content: bytes | Callable[[Path], None]
    code: str
    message: str


def container(header: str | bytes, data: bytes = b"") -> bytes:
    text = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str = "U8", shape: Any = (2,), offsets: Any = (0, 2)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def one(dtype: str = "U8", shape: Any = (2,), offsets: Any = (0, 2), data: bytes = b"ab") -> bytes:
    """A file with one tensor "a"."""
    return container(json.dumps({"a": entry(dtype, shape, offsets)}), data)


def two(first: tuple[int, int], second: tuple[int, int], data: bytes) -> bytes:
    """A file with two tensors of two bytes each."""
    return container(json.dumps({"a": entry(offsets=first), "b": entry(offsets=second)}), data)


GOOD = one()
FIELDS = '"dtype":"U8","shape":[2],"data_offsets":[0,2]'


def length_cases() -> Iterator[Case]:
    yield Case("empty", b"", "AWQ1006", "the file is empty")
    yield Case("one_byte", b"{", "AWQ1010", "only 1 bytes")
    yield Case("seven_bytes", b"\x02" + b"\0" * 6, "AWQ1010", "only 7 bytes")
    yield Case("header_length_0", b"\0" * 8, "AWQ1011", "length is 0")
    yield Case("header_length_beyond_file", struct.pack("<Q", 3) + b"{}", "AWQ1013", "ends inside its header")
    yield Case("header_length_at_limit", struct.pack("<Q", LIMIT) + b"{}", "AWQ1013", "ends inside its header")
    yield Case("header_length_over_limit", struct.pack("<Q", LIMIT + 1) + b"{}", "AWQ1012", "limit of 100000000")
    yield Case("header_length_2_63", struct.pack("<Q", 1 << 63) + b"{}", "AWQ1012", "9223372036854775808")
    yield Case("header_length_2_64_less_1", b"\xff" * 8 + b"{}", "AWQ1012", "18446744073709551615")
    yield Case("header_length_2_64_less_8", struct.pack("<Q", (1 << 64) - 8) + b"{}", "AWQ1012", "limit")
    yield Case("truncated_header", GOOD[:20], "AWQ1013", "ends inside its header")


def foreign_cases() -> Iterator[Case]:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 538090408\n"
    yield Case("git_lfs_pointer", pointer, "AWQ1007", "git lfs pull")
    yield Case("torch_zip", b"PK\x03\x04\x00\x00\x08\x08" + b"\0" * 50, "AWQ1008", "can run code")
    yield Case("torch_pickle", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "AWQ1008", "can run code")
    yield Case("gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "AWQ1009", "GGUF")
    yield Case("web_page", b"\n<!DOCTYPE html><html><body>404</body></html>", "AWQ1009", "web page")
    yield Case("text", b"these are no weights at all", "AWQ1012", "limit")


def header_cases() -> Iterator[Case]:
    yield Case("leading_space", container(' {"a":{' + FIELDS + "}}", b"ab"), "AWQ1014", 'does not begin with "{"')
    yield Case("byte_order_mark", container(b"\xef\xbb\xbf{}"), "AWQ1014", 'does not begin with "{"')
    yield Case("header_array", container("[]"), "AWQ1014", 'does not begin with "{"')
    yield Case("not_utf8", container(b'{"\xff":{' + FIELDS.encode() + b"}}", b"ab"), "AWQ1014", "not UTF-8")
    yield Case("utf8_overlong", container(b'{"\xc0\xaf":{' + FIELDS.encode() + b"}}", b"ab"), "AWQ1014", "byte 10")
    yield Case("utf8_surrogate", container(b'{"\xed\xa0\x80":{' + FIELDS.encode() + b"}}", b"ab"), "AWQ1014", "UTF-8")
    yield Case("nul_after_header", container(b"{}\0\0\0"), "AWQ1014", "byte 10")
    yield Case("lone_surrogate_escape", container('{"\\ud800":{' + FIELDS + "}}", b"ab"), "AWQ1015", "not valid JSON")
    yield Case("unclosed", container('{"a":{' + FIELDS + "}", b"ab"), "AWQ1015", "not valid JSON")
    yield Case("text_after_header", container('{"a":{' + FIELDS + "}}{}", b"ab"), "AWQ1015", "not valid JSON")
    yield Case("trailing_comma", container('{"a":{' + FIELDS + "},}", b"ab"), "AWQ1015", "not valid JSON")
    yield Case("comment", container('{/**/"a":{' + FIELDS + "}}", b"ab"), "AWQ1015", "byte 10")
    yield Case("nan_shape", container('{"a":{"dtype":"U8","shape":[NaN]}}'), "AWQ1015", "not valid JSON")
    yield Case("deep_arrays", container('{"a":{"x":' + "[" * 100_000), "AWQ1015", "nested more than 32 deep")
    yield Case("deep_objects", container('{"a":{"x":' + '{"x":' * 100_000), "AWQ1015", "nested more than 32 deep")
    yield Case("duplicate_tensor", container('{"a":{' + FIELDS + '},"a":{' + FIELDS + "}}", b"ab"), "AWQ1016", "twice")
    escaped = '{"a":{' + FIELDS + '},"\\u0061":{' + FIELDS + "}}"
    yield Case("duplicate_tensor_escaped", container(escaped, b"ab"), "AWQ1016", 'tensor "a"')
    yield Case("duplicate_field", container('{"a":{"dtype":"U8",' + FIELDS + "}}", b"ab"), "AWQ1016", '"dtype"')
    yield Case("duplicate_metadata", container('{"__metadata__":{},"__metadata__":{}}'), "AWQ1016", "__metadata__")
    yield Case("duplicate_metadata_key", container('{"__metadata__":{"k":"1","k":"2"}}'), "AWQ1016", '"k"')


def field_cases() -> Iterator[Case]:
    yield Case("entry_number", container('{"a":1}'), "AWQ1017", "not an object")
    yield Case("entry_null", container('{"a":null}'), "AWQ1017", "null")
    yield Case("entry_array", container('{"a":["U8",[2],[0,2]]}', b"ab"), "AWQ1017", "an array")
    for field in ("dtype", "shape", "data_offsets"):
        kept = {key: value for key, value in entry().items() if key != field}
        yield Case(f"without_{field}", container(json.dumps({"a": kept}), b"ab"), "AWQ1017", f'"{field}" is missing')
    yield Case("dtype_number", container('{"a":{"dtype":1}}'), "AWQ1017", "the number 1")
    yield Case("shape_number", one(shape=2), "AWQ1017", "the number 2")
    yield Case("offsets_one", one(offsets=[0]), "AWQ1017", "fewer than two")
    yield Case("offsets_three", one(offsets=[0, 2, 2]), "AWQ1017", "more than two")
    yield Case("offset_negative", one(offsets=[-2, 0]), "AWQ1017", "negative number -2")
    yield Case("offset_float", one(offsets=[0, 2.0]), "AWQ1017", "2.0")
    yield Case("offset_2_64", one(offsets=[0, 1 << 64]), "AWQ1017", "18446744073709551616")
    yield Case("metadata_null", container('{"__metadata__":null}'), "AWQ1017", "null")
    yield Case("metadata_number", container('{"__metadata__":{"k":1}}'), "AWQ1017", "not a string")
    yield Case("metadata_nested", container('{"__metadata__":{"k":{"l":"m"}}}'), "AWQ1017", "an object")
    yield Case("metadata_array", container('{"__metadata__":["k"]}'), "AWQ1017", "an array")
    for name, dtype in (("unknown", "F128"), ("lower_case", "u8"), ("empty", ""), ("huge", "F" * 100_000)):
        yield Case(f"dtype_{name}", one(dtype=dtype), "AWQ1018", "unknown element type")


def shape_cases() -> Iterator[Case]:
    dimensions: Mapping[str, Any] = {
        "negative": -2,
        "float": 2.0,
        "string": "2",
        "null": None,
        "boolean": True,
        "nested": [2],
        "2_63": 1 << 63,
        "2_64": 1 << 64,
    }
    for name, dimension in dimensions.items():
        yield Case(f"shape_{name}", one(shape=[dimension]), "AWQ1019", "dimension")
    yield Case("shape_minus_zero", container('{"a":{"dtype":"U8","shape":[-0],"data_offsets":[0,0]}}'), "AWQ1019", "-")
    yield Case("shape_product_overflow", one(shape=[1 << 32, 1 << 32]), "AWQ1019", "overflows")
    yield Case("shape_wraps_to_size", one(shape=[(1 << 62) + 1, 4], offsets=(0, 4), data=b"abcd"), "AWQ1019", "overfl")
    yield Case("shape_overflow_then_zero", one(shape=[1 << 62, 4, 0], offsets=(0, 0), data=b""), "AWQ1019", "overflows")
    yield Case("shape_bits_overflow", one("F64", [1 << 58], (0, 0), b""), "AWQ1019", "overflows")
    yield Case("f4_odd", one("F4", [3]), "AWQ1019", "whole bytes")
    yield Case("f6_uneven", one("F6_E2M3", [2]), "AWQ1019", "whole bytes")


def layout_cases() -> Iterator[Case]:
    yield Case("size_too_small", one(shape=[3]), "AWQ1020", "needs 3")
    yield Case("size_too_large", one(shape=[1]), "AWQ1020", "needs 1")
    yield Case("size_of_scalar", one(shape=[]), "AWQ1020", "needs 1")
    yield Case("size_of_empty", one(shape=[0, 7]), "AWQ1020", "needs 0")
    yield Case("offsets_reversed", one(offsets=(2, 0)), "AWQ1021", "run backwards")
    yield Case("offsets_overlap", two((0, 2), (1, 3), b"abc"), "AWQ1021", "overlap")
    yield Case("offsets_equal", two((0, 2), (0, 2), b"ab"), "AWQ1021", "overlap")
    yield Case("offsets_hole", two((0, 2), (3, 5), b"abcde"), "AWQ1021", "hole")
    yield Case("offsets_hole_at_start", one(offsets=(1, 3), data=b"abc"), "AWQ1021", "hole")
    yield Case("offset_past_2_63", one(offsets=(1 << 63, (1 << 63) + 2)), "AWQ1021", "hole")
    yield Case("data_missing", one(data=b""), "AWQ1022", "ends inside this tensor")
    yield Case("data_cut", two((0, 2), (2, 4), b"abc"), "AWQ1022", 'tensor "b"')
    yield Case("data_trailing", one(data=b"abc"), "AWQ1022", "1 bytes follow")
    yield Case("data_without_tensor", container("{}", b"x"), "AWQ1022", "1 bytes follow")
    exabyte = one(shape=[1 << 60], offsets=(0, 1 << 60))
    yield Case("exabyte_tensor", exabyte, "AWQ1022", "ends inside this tensor")


def index_case(name: str, index: Any, code: str, message: str, **shards: bytes) -> Case:
    """A model folder with an index (JSON value or raw bytes) and shards NAME.safetensors."""

    def fill(folder: Path) -> None:
        raw = index if isinstance(index, bytes) else json.dumps(index).encode()
        (folder / "model.safetensors.index.json").write_bytes(raw)
        for shard, content in shards.items():
            (folder / f"{shard}.safetensors").write_bytes(content)

    return Case(f"index_{name}", fill, code, message)


def index_cases() -> Iterator[Case]:
    b = container(json.dumps({"b": entry()}), b"cd")
    both = {"a": "s1.safetensors", "b": "s2.safetensors"}
    yield index_case("empty", b"", "AWQ1050", "not valid JSON")
    yield index_case("unclosed", b'{"weight_map": {', "AWQ1050", "index.json")
    yield index_case("deep", b"[" * 100_000, "AWQ1052", "more than 32 deep")
    yield index_case("duplicate_key", b'{"weight_map":{"a":"x","a":"y"}}', "AWQ1053", '"a"')
    yield index_case("byte_order_mark", b"\xef\xbb\xbf{}", "AWQ1054", "byte order mark")
    yield index_case("nan", b'{"metadata":{"total_size":NaN}}', "AWQ1055", "NaN")
    yield index_case("not_utf8", b'{"\xff":1}', "AWQ1056", "UTF-8")
    yield index_case("array", [], "AWQ1024", "not a JSON object")
    yield index_case("no_map", {}, "AWQ1024", 'no "weight_map"')
    yield index_case("empty_map", {"weight_map": {}}, "AWQ1024", "names no tensor")
    yield index_case("shard_number", {"weight_map": {"a": 1}}, "AWQ1024", "not a string")
    names = {
        "absolute": "/etc/passwd",
        "parent": "../s1.safetensors",
        "hidden_parent": "x/../../s1.safetensors",
        "subfolder": "sub/s1.safetensors",
        "backslash": "..\\s1.safetensors",
        "dot": ".",
        "empty_name": "",
        "nul": "s1.safetensors\0",
        "long": "s" * 100_000,
    }
    for name, shard in names.items():
        yield index_case(f"shard_{name}", {"weight_map": {"a": shard}}, "AWQ1025", "plain file name", s1=GOOD)
    yield index_case("shard_missing", {"weight_map": both}, "AWQ1026", '"s2.safetensors" is missing', s1=GOOD)
    yield index_case("tensor_twice", {"weight_map": both}, "AWQ1027", "in two files", s1=GOOD, s2=GOOD)
    absent = {"a": "s1.safetensors", "z": "s1.safetensors"}
    yield index_case("tensor_absent", {"weight_map": absent}, "AWQ1028", 'tensor "z"', s1=GOOD)
    swapped = {"a": "s2.safetensors", "b": "s1.safetensors"}
    yield index_case("tensor_elsewhere", {"weight_map": swapped}, "AWQ1028", 'tensor "a"', s1=GOOD, s2=b)
    for name, size in (("small", 3), ("large", 5), ("zero", 0)):
        index = {"metadata": {"total_size": size}, "weight_map": both}
        yield index_case(f"total_size_{name}", index, "AWQ1029", "the shards hold 4", s1=GOOD, s2=b)
    for name, text in (("negative", -4), ("string", "4")):
        index = {"metadata": {"total_size": text}, "weight_map": both}
        yield index_case(f"total_size_{name}", index, "AWQ1024", "total_size", s1=GOOD, s2=b)
    yield index_case("shard_broken", {"weight_map": both}, "AWQ1022", "s2.safetensors", s1=GOOD, s2=b + b"x")
    yield index_case("shard_pointer", {"weight_map": both}, "AWQ1007", "s2", s1=GOOD, s2=b"version https://git-lfs\n")


def folder_cases() -> Iterator[Case]:
    def pickle(folder: Path) -> None:
        (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04")

    def link(target: str) -> Callable[[Path], None]:
        return lambda folder: (folder / "model.safetensors").symlink_to(target)

    def pipe(folder: Path) -> None:
        os.mkfifo(folder / "model.safetensors")

    def one_inode(folder: Path) -> None:
        (folder / "s1.safetensors").write_bytes(GOOD)
        (folder / "s2.safetensors").hardlink_to(folder / "s1.safetensors")
        index = {"weight_map": {"a": "s1.safetensors", "b": "s2.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    yield Case("folder_empty", lambda _: None, "AWQ1023", "neither model.safetensors")
    yield Case("folder_pickle", pickle, "AWQ1023", "pytorch_model.bin")
    yield Case("folder_link_to_device", link("/dev/zero"), "AWQ1003", "a device")
    yield Case("folder_link_to_folder", link("."), "AWQ1003", "a folder")
    yield Case("folder_pipe", pipe, "AWQ1003", "a pipe")
    yield Case("folder_one_inode_twice", one_inode, "AWQ1027", "in two files")


def all_cases() -> list[Case]:
    groups = (
        length_cases,
        foreign_cases,
        header_cases,
        field_cases,
        shape_cases,
        layout_cases,
        index_cases,
        folder_cases,
    )
    return [case for group in groups for case in group()]


def write_corpus(folder: Path) -> list[dict[str, str]]:
    """Writes every case below an existing folder and returns the expectations."""
    expected = []
    for case in all_cases():
        if isinstance(case.content, bytes):
            path = folder / f"{case.name}.safetensors"
            path.write_bytes(case.content)
        else:
            path = folder / case.name
            path.mkdir()
            case.content(path)
        expected.append({"path": path.name, "code": case.code, "message": case.message})
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    return expected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="an empty or absent folder")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{len(write_corpus(folder))} cases in {folder}")


if __name__ == "__main__":
    main()
