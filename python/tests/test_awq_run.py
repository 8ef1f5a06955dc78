# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""awq-run on small modules, against numpy."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from import_toys import BIN
from safetensors.numpy import load_file, save_file

pytestmark = pytest.mark.tools

Arrays = dict[str, np.ndarray[Any, Any]]

LINEAR = """
module attributes {{awq.parameter_files = ["{weights}"]}} {{
  ml_program.global private @w(#ml_program.extern<tensor<48x32xf32>>) : tensor<48x32xf32>
  ml_program.global private @b(#ml_program.extern<tensor<48xf32>>) : tensor<48xf32>
  func.func @linear(%x: tensor<?x32xf32>) -> tensor<?x48xf32> {{
    %w = ml_program.global_load_const @w : tensor<48x32xf32>
    %b = ml_program.global_load_const @b : tensor<48xf32>
    %y = awq.linear %x, %w bias %b
      : (tensor<?x32xf32>, tensor<48x32xf32>, tensor<48xf32>) -> tensor<?x48xf32>
    %z = decoder.activation %y {{kind = #decoder.activation_kind<silu>}} : tensor<?x48xf32>
    return %z : tensor<?x48xf32>
  }}
}}
"""

TWO_ENTRIES = """
func.func @double(%x: tensor<4xf32> {awq.name = "x"}) -> tensor<4xf32> {
  %y = arith.addf %x, %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
func.func @scale(%x: tensor<?xf32>, %s: f32) -> (tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %f = linalg.fill ins(%s : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %y = arith.mulf %x, %f : tensor<?xf32>
  return %x, %y : tensor<?xf32>, tensor<?xf32>
}
"""


def run(program: Path, inputs: Arrays, *options: str) -> subprocess.CompletedProcess[str]:
    source, target = program.with_suffix(".in"), program.with_suffix(".out")
    save_file(inputs, source)
    command = [BIN / "awq-run", program, "--input", source, "--output", target, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def results(program: Path, inputs: Arrays, *options: str) -> Arrays:
    done = run(program, inputs, *options)
    assert done.returncode == 0, done.stderr
    return load_file(program.with_suffix(".out"))


@pytest.fixture
def linear(tmp_path: Path) -> tuple[Path, Arrays]:
    """A linear layer with SiLU whose weights lie in a file."""
    random = np.random.default_rng(1)
    weights = {
        "w": random.standard_normal((48, 32), dtype=np.float32),
        "b": random.standard_normal(48, dtype=np.float32),
    }
    save_file(weights, tmp_path / "weights.safetensors")
    program = tmp_path / "linear.mlir"
    program.write_text(LINEAR.format(weights=tmp_path / "weights.safetensors"))
    return program, weights


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    program = tmp_path / "entries.mlir"
    program.write_text(TWO_ENTRIES)
    return program


@pytest.mark.parametrize("rows", [1, 2, 7, 130])
def test_linear(linear: tuple[Path, Arrays], rows: int) -> None:
    program, weights = linear
    x = np.random.default_rng(rows).standard_normal((rows, 32), dtype=np.float32)
    y = x.astype(np.float64) @ weights["w"].T.astype(np.float64) + weights["b"]
    found = results(program, {"arg0": x})
    assert list(found) == ["result0"]
    np.testing.assert_allclose(found["result0"], y / (1 + np.exp(-y)), rtol=1e-5, atol=1e-5)


def test_threads_do_not_change_a_bit(linear: tuple[Path, Arrays]) -> None:
    program, _ = linear
    x = np.random.default_rng(3).standard_normal((515, 32), dtype=np.float32)
    one, two = (results(program, {"arg0": x}, f"--threads={n}")["result0"] for n in (1, 2))
    assert one.tobytes() == two.tobytes()


def test_bytecode(linear: tuple[Path, Arrays]) -> None:
    program, _ = linear
    binary = program.with_suffix(".mlirbc")
    subprocess.run([BIN / "awq-opt", program, "-emit-bytecode", "-o", binary], check=True)
    x = np.ones((3, 32), dtype=np.float32)
    assert results(binary, {"arg0": x})["result0"].tobytes() == results(program, {"arg0": x})["result0"].tobytes()


def test_names_and_scalars(entries: Path) -> None:
    x = np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(results(entries, {"x": x}, "--entry=double")["result0"], 2 * x)
    found = results(entries, {"arg0": x, "arg1": np.array(3, dtype=np.float32)}, "--entry=scale")
    np.testing.assert_array_equal(found["result0"], x)
    np.testing.assert_array_equal(found["result1"], 3 * x)


@pytest.mark.parametrize(
    ("inputs", "options", "code", "words"),
    [
        ({"x": np.zeros(4, np.float32)}, [], "AWQ1520", "--entry: double, scale"),
        ({"x": np.zeros(4, np.float32)}, ["--entry=triple"], "AWQ1520", "no entry point 'triple'"),
        ({"y": np.zeros(4, np.float32)}, ["--entry=double"], "AWQ1521", "there is no argument 'y'"),
        ({"x": np.zeros(5, np.float32)}, ["--entry=double"], "AWQ1521", "it must be f32 [4]"),
        ({"x": np.zeros(4, np.int32)}, ["--entry=double"], "AWQ1521", "is given as I32 [4]"),
        ({"arg0": np.zeros(4, np.float32)}, ["--entry=scale"], "AWQ1521", "'arg1' is missing"),
    ],
)
def test_wrong_use(entries: Path, inputs: Arrays, options: list[str], code: str, words: str) -> None:
    done = run(entries, inputs, *options)
    assert done.returncode == 2
    assert code in done.stderr and words in done.stderr
    assert not entries.with_suffix(".out").exists()


def test_parameter_in_no_file(linear: tuple[Path, Arrays]) -> None:
    program, weights = linear
    save_file({"w": weights["w"]}, program.with_name("weights.safetensors"))
    done = run(program, {"arg0": np.zeros((1, 32), np.float32)})
    assert done.returncode == 3
    assert "AWQ1522" in done.stderr and "'b' is in no file" in done.stderr


def test_parameter_of_another_shape(linear: tuple[Path, Arrays]) -> None:
    program, weights = linear
    save_file({"w": weights["w"].T.copy(), "b": weights["b"]}, program.with_name("weights.safetensors"))
    done = run(program, {"arg0": np.zeros((1, 32), np.float32)})
    assert done.returncode == 3
    assert "AWQ1522" in done.stderr


def test_not_a_module(tmp_path: Path) -> None:
    program = tmp_path / "broken.mlir"
    program.write_text("func.func @f(")
    done = run(program, {"x": np.zeros(1, np.float32)})
    assert done.returncode == 3
    assert "AWQ1511" in done.stderr
    done = run(tmp_path / "absent.mlir", {"x": np.zeros(1, np.float32)})
    assert done.returncode == 2
    assert "AWQ1512" in done.stderr


EMBED = """
func.func @embed(%ids: tensor<?xi32>) -> tensor<?x4xf32> {
  %table = arith.constant dense<1.0> : tensor<2x4xf32>
  %y = decoder.embedding %ids, %table : (tensor<?xi32>, tensor<2x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
"""


@pytest.mark.parametrize("token", [-1, 2, 1000000000])
def test_token_outside_the_vocabulary(tmp_path: Path, token: int) -> None:
    program = tmp_path / "embed.mlir"
    program.write_text(EMBED)
    assert results(program, {"tokens": np.array([0, 1], np.int32)})
    done = run(program, {"tokens": np.array([0, token], np.int32)})
    assert done.returncode == 2, done.stderr
    assert f"holds {token} at index 1" in done.stderr
    assert "from 0 to 1" in done.stderr


def attend_module(cache: str = "tensor<?x1x16xf32>", position: str = "%p") -> str:
    """Attention with caches of a type, at a position: an argument, or what is computed of it."""
    return f"""
func.func @attend(%q: tensor<?x2x16xf32>, %k: tensor<?x1x16xf32>, %kc: {cache}, %vc: {cache}, %p: index)
    -> (tensor<?x2x16xf32>, {cache}, {cache}) {{
  %sum = arith.addi %p, %p : index
  %o, %k1, %v1 = decoder.attention %q, %k, %k, %kc, %vc, {position} {{scale = 1.0 : f64}}
    : (tensor<?x2x16xf32>, tensor<?x1x16xf32>, tensor<?x1x16xf32>, {cache}, {cache})
    -> (tensor<?x2x16xf32>, {cache}, {cache})
  return %o, %k1, %v1 : tensor<?x2x16xf32>, {cache}, {cache}
}}
"""


@pytest.mark.parametrize("position", [-1000, 1 << 40])
def test_position_out_of_range(tmp_path: Path, position: int) -> None:
    program = tmp_path / "attend.mlir"
    program.write_text(attend_module())
    inputs = {"arg0": np.zeros((1, 2, 16), np.float32), "arg1": np.zeros((1, 1, 16), np.float32)}
    done = run(program, {**inputs, "position": np.array(position, np.int64)})
    assert done.returncode == 2, done.stderr
    assert f"is {position}" in done.stderr


def attend(rows: int) -> Arrays:
    return {"arg0": np.ones((rows, 2, 16), np.float32), "arg1": np.ones((rows, 1, 16), np.float32)}


def test_caches_are_made_for_the_rows_that_are_written(tmp_path: Path) -> None:
    """No tokens tell how many rows attention writes; the keys do."""
    program = tmp_path / "attend.mlir"
    program.write_text(attend_module())
    position = np.array(3, np.int64)
    found = results(program, {**attend(4), "position": position}, "--max-seq=1")
    assert found["k_cache.0"].shape == (7, 1, 16)
    np.testing.assert_array_equal(found["k_cache.0"][:, 0, 0], [0, 0, 0, 1, 1, 1, 1])
    given = {"k_cache.0": np.zeros((7, 1, 16), np.float32), "v_cache.0": np.zeros((7, 1, 16), np.float32)}
    again = results(program, {**attend(4), **given, "position": position})
    np.testing.assert_array_equal(again["k_cache.0"], found["k_cache.0"])


@pytest.mark.parametrize("cache", ["k_cache.0", "v_cache.0"])
def test_cache_too_small_for_its_rows(tmp_path: Path, cache: str) -> None:
    program = tmp_path / "attend.mlir"
    program.write_text(attend_module())
    sizes = {"k_cache.0": 7, "v_cache.0": 7, cache: 6}
    given = {name: np.zeros((size, 1, 16), np.float32) for name, size in sizes.items()}
    done = run(program, {**attend(4), **given, "position": np.array(3, np.int64)})
    assert done.returncode == 2, done.stderr
    assert "AWQ1521" in done.stderr and f"'{cache}' has 6 rows, and 7 are used" in done.stderr


def test_cache_of_a_fixed_size(tmp_path: Path) -> None:
    program = tmp_path / "attend.mlir"
    program.write_text(attend_module(cache="tensor<6x1x16xf32>"))
    assert results(program, {**attend(4), "position": np.array(2, np.int64)})["k_cache.0"].shape == (6, 1, 16)
    done = run(program, {**attend(4), "position": np.array(3, np.int64)})
    assert done.returncode == 2, done.stderr
    assert "'k_cache.0' has 6 rows, and 7 are used" in done.stderr


def test_rows_that_do_not_follow_from_the_inputs(tmp_path: Path) -> None:
    program = tmp_path / "attend.mlir"
    program.write_text(attend_module(position="%sum"))
    done = run(program, {**attend(4), "arg4": np.array(1, np.int64)})
    assert done.returncode == 2, done.stderr
    assert "'k_cache.0' is written in places that do not follow from the inputs" in done.stderr


SLICES = """
func.func @main(%x: tensor<?x?xf32> {awq.name = "x"}, %n: tensor<1xi64> {awq.name = "n"})
    -> (tensor<?x?xf32> {awq.name = "argument"}, tensor<?x?xf32> {awq.name = "own"}) {
  %c0 = arith.constant 0 : index
  %v = tensor.extract %n[%c0] : tensor<1xi64>
  %k = arith.index_cast %v : i64 to index
  %d = tensor.dim %x, %c0 : tensor<?x?xf32>
  %y = arith.addf %x, %x : tensor<?x?xf32>
  %0 = tensor.extract_slice %x[0, 0] [%d, %k] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
  %1 = tensor.extract_slice %y[0, 0] [%d, %k] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
  return %0, %1 : tensor<?x?xf32>, tensor<?x?xf32>
}
"""


@pytest.mark.parametrize("columns", [0, 1, 2, 4])
def test_columns_of_a_tensor_are_returned_dense(tmp_path: Path, columns: int) -> None:
    program = tmp_path / "slices.mlir"
    program.write_text(SLICES)
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = results(program, {"x": x, "n": np.array([columns])})
    np.testing.assert_array_equal(found["argument"], x[:, :columns])
    np.testing.assert_array_equal(found["own"], 2 * x[:, :columns])
