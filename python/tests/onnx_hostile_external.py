# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX models that name files they should not, for test_onnx_container.py."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from onnx import TensorProto
from onnx import helper as make
from onnx_hostile import Case, good

CASES: list[Case] = []

# --- External data: eight floats in w.bin unless the case says otherwise. ---

Keys = list[tuple[str, str]]


def external_tensor(keys: Keys) -> TensorProto:
    result = TensorProto(name="t", data_type=1, dims=[8], data_location=TensorProto.EXTERNAL)
    for key, value in keys:
        result.external_data.add(key=key, value=value)
    return result


def external(
    name: str, code: str, keys: Keys, *mentions: str, prepare: Callable[[Path], object] = lambda _: None
) -> None:
    model = good()
    model.graph.initializer.append(external_tensor(keys))
    content = model.SerializeToString()

    def write(folder: Path) -> None:
        (folder / "model.onnx").write_bytes(content)
        (folder / "w.bin").write_bytes(bytes(range(32)))
        (folder.parent / "secret.bin").write_bytes(b"S" * 32)
        prepare(folder)

    CASES.append(Case(name, code, write, ('tensor "t"', *mentions)))


for label, location in {
    "absolute": "/etc/passwd",
    "absolute-proc": "/proc/self/environ",
    "parent": "../secret.bin",
    "parent-alone": "..",
    "parent-behind-folder": "a/../../secret.bin",
    "parent-that-stays": "a/../w.bin",
    "backslash": "..\\secret.bin",
    "backslash-inside": "a\\w.bin",
    "percent": "%2e%2e/secret.bin",
    "percent-slash": "..%2Fsecret.bin",
    "empty": "",
    "dot": ".",
    "dot-slash": "./",
    "dot-inside": "a/./w.bin",
    "empty-part": "a//w.bin",
    "slash-behind": "w.bin/",
    "nul": "w.bin\0.txt",
    "newline": "w.bin\n",
    "ort-marker": "*/_ORT_MEM_ADDR_/*",
    "hash-marker": "#w.bin",
    "too-long": "a/" * 2100 + "w.bin",
}.items():
    external(f"location-{label}", "AWQ1090", [("location", location)], "location")


def hard_link(folder: Path) -> None:
    (folder / "w.bin").unlink()
    os.link(folder.parent / "secret.bin", folder / "w.bin")


def linked_parent(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "w.bin").write_bytes(bytes(32))
    (folder / "a").symlink_to(outside)


def replaced(change: Callable[[Path], object]) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / "w.bin").unlink()
        change(folder / "w.bin")

    return prepare


def bound_socket(path: Path) -> None:
    old = Path.cwd()
    os.chdir(path.parent)  # a socket's path may have 107 bytes only
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(old)


W: Keys = [("location", "w.bin")]
external("symlink", "AWQ1091", W, "link", prepare=replaced(lambda p: p.symlink_to("../secret.bin")))
external("symlink-inside", "AWQ1091", W, "link", prepare=replaced(lambda p: p.symlink_to("model.onnx")))
external("symlink-dangling", "AWQ1091", W, "link", prepare=replaced(lambda p: p.symlink_to("nothing")))
external("symlink-to-proc", "AWQ1091", W, "link", prepare=replaced(lambda p: p.symlink_to("/proc/self/environ")))
external("symlinked-parent", "AWQ1091", [("location", "a/w.bin")], "link", prepare=linked_parent)
external("symlink-loop", "AWQ1091", W, prepare=replaced(lambda p: p.symlink_to("w.bin")))
external("hard-link", "AWQ1091", W, "hard link", prepare=hard_link)
external("folder", "AWQ1092", W, "folder", prepare=replaced(lambda p: p.mkdir()))
external("pipe", "AWQ1092", W, "pipe", prepare=replaced(lambda p: os.mkfifo(p)))
external("socket", "AWQ1092", W, "socket", prepare=replaced(bound_socket))
if os.geteuid() == 0:
    ZERO = os.makedev(1, 5)
    external("device", "AWQ1092", W, "device", prepare=replaced(lambda p: os.mknod(p, stat.S_IFCHR | 0o600, ZERO)))
external("missing", "AWQ1093", [("location", "nothing.bin")], "nothing.bin", "does not exist")
external("missing-folder", "AWQ1093", [("location", "a/b/w.bin")], "does not exist")
external("file-as-folder", "AWQ1093", [("location", "w.bin/x")], "does not exist")
external("location-part-too-long", "AWQ1090", [("location", "n" * 300)], "255 bytes")
external("no-keys", "AWQ1095", [], "no location")
external("no-location", "AWQ1095", [("offset", "0"), ("length", "32")], "no location")
external("unknown-key", "AWQ1095", [*W, ("basepath", "/etc")], "basepath")
external("attribute-key", "AWQ1095", [*W, ("__class__", "x")], "__class__")
external("location-twice", "AWQ1095", [*W, *W], "twice")
external("offset-twice", "AWQ1095", [*W, ("offset", "0"), ("offset", "0")], "twice")
for label, value in {
    "negative": "-1",
    "text": "abc",
    "empty": "",
    "hex": "0x10",
    "exponent": "1e1",
    "space": " 0",
    "plus": "+0",
    "float": "0.0",
    "of-20-digits": "9" * 20,
    "of-64-bits": str(2**63),
}.items():
    external(f"offset-{label}", "AWQ1096", [*W, ("offset", value)], "offset")
    external(f"length-{label}", "AWQ1096", [*W, ("length", value)], "length")
external("offset-beyond", "AWQ1096", [*W, ("offset", "33"), ("length", "32")], "w.bin", "beyond")
external("length-beyond", "AWQ1096", [*W, ("offset", "4"), ("length", "32")], "w.bin", "beyond")
BIG = str(2**63 - 1)
external("offset-and-length-overflow", "AWQ1096", [*W, ("offset", "16"), ("length", BIG)], "beyond")
external("offset-of-63-bits", "AWQ1096", [*W, ("offset", BIG), ("length", BIG)], "beyond")
external("length-too-short", "AWQ1096", [*W, ("length", "31")], "31 bytes", "need 32")
external("rest-too-short", "AWQ1096", [*W, ("offset", "1")], "31 bytes")
external("file-empty", "AWQ1096", W, "0 bytes", prepare=lambda f: (f / "w.bin").write_bytes(b""))
external("file-too-long", "AWQ1096", W, "33 bytes", prepare=lambda f: (f / "w.bin").write_bytes(bytes(33)))
external("checksum-wrong", "AWQ1098", [*W, ("checksum", "0" * 40)], "SHA-1", "w.bin")
external("checksum-no-sha-1", "AWQ1098", [*W, ("checksum", "abc")], "SHA-1")


def also_external(name: str, code: str, change: Callable[[TensorProto], object], *mentions: str) -> None:
    content = external_tensor([*W, ("length", "32")])
    change(content)

    def write(folder: Path) -> None:
        model = good()
        model.graph.initializer.append(content)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        (folder / "w.bin").write_bytes(bytes(64))

    CASES.append(Case(name, code, write, ('tensor "t"', *mentions)))


also_external("external-and-raw", "AWQ1084", lambda t: setattr(t, "raw_data", bytes(32)), "twice")
also_external("external-and-typed", "AWQ1084", lambda t: t.float_data.extend([0] * 8), "twice")
also_external("external-strings", "AWQ1084", lambda t: setattr(t, "data_type", 8), "strings")
also_external("external-keys-but-inline", "AWQ1084", lambda t: setattr(t, "data_location", 0), "location")


def overlapping(folder: Path) -> None:
    model = good()
    for index in range(2):
        content = external_tensor([*W, ("offset", str(4 * index)), ("length", "32")])
        content.name = f"t{index}"
        model.graph.initializer.append(content)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "w.bin").write_bytes(bytes(64))


CASES.append(Case("overlap", "AWQ1097", overlapping, ('tensor "t0"', 'tensor "t1"', "w.bin")))


def in_attribute(folder: Path) -> None:
    model = good()
    content = external_tensor([("location", "../secret.bin")])
    model.graph.node.append(make.make_node("Constant", [], ["c"], name="constant", value=content))
    (folder / "model.onnx").write_bytes(model.SerializeToString())


CASES.append(Case("external-in-attribute", "AWQ1090", in_attribute, ('node "constant"', 'attribute "value"')))
