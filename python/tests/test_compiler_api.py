# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler library from Python: the results of awq-compile without a process, and errors in parts."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from import_toys import BIN, SIZES
from test_quantize_model import calibration, make_model

from awq_mlir import compiler as library
from awq_mlir.compiler import Compiler, Diagnostic, Severity
from awq_mlir.errors import AwqError, Kind
from awq_mlir.runtime import Model

pytestmark = pytest.mark.tools

LAYER = """
func.func @f(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %w = arith.constant dense<0.5> : tensor<2x16xf32>
  %y = awq.linear %x, %w : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
"""
ROUNDING = "awq-quantize-pipeline{group=16 search-scales=false search-clips=false refit=false refine=false}"
# Options that programs rely on: none may go before the interface's version does.
OPTIONS = """activations autoawq batch-invariant bits calibration chip force fuse group-size journal kernel-mode mattr
mcpu method mtriple plain-scales refine-codes refit-scales restart resume scale-ratios search-clips shrinkage skip
skip-tokens source statistics statistics-gram threads"""


@pytest.fixture
def compiler() -> Iterator[Compiler]:
    with Compiler() as made:
        yield made


def failure(call: Any, *arguments: Any) -> AwqError:
    with pytest.raises(AwqError) as caught:
        call(*arguments)
    return caught.value


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_the_library_is() -> None:
    assert library.version() == (Path(__file__).resolve().parents[2] / "VERSION").read_text().strip()
    assert library.phases()[:3] == ["import", "groups", "pack"]
    assert library.phases()[-1] == "llvm"
    described = {option["name"]: option for option in library.options()}
    assert set(OPTIONS.split()) <= set(described)
    assert described["bits"] == {"name": "bits", "type": "int", "default": "4", "help": "bits per weight"}
    assert all(option["help"] and option["type"] in {"text", "bool", "int", "float", "list"} for option in
               described.values())  # fmt: skip


def test_the_wrapper_declares_what_the_header_does() -> None:
    """Name, number of arguments and kind of result of every function, as the golden list has them."""
    golden = Path(__file__).resolve().parents[2] / "test" / "CAPI" / "Inputs" / "compiler-abi-1.txt"
    lines = re.findall(r"^function (.*?)\b(awq\w+)\((.*)\)$", golden.read_text(encoding="utf8"), re.MULTILINE)
    declared = {
        name: (0 if values == "void" else values.count(",") + 1, result.strip()) for result, name, values in lines
    }
    kinds = {"void": {None}, "int": {ctypes.c_int}, "int32_t": {ctypes.c_int32}, "uint64_t": {ctypes.c_uint64}}
    texts = {ctypes.c_char_p, ctypes.c_void_p}
    assert {name for name, _, _ in library._FUNCTIONS} == set(declared)
    for name, result, arguments in library._FUNCTIONS:
        count, kind = declared[name]
        assert (name, len(arguments)) == (name, count)
        assert result in kinds.get(kind, texts), name


def test_text_and_bytecode(compiler: Compiler) -> None:
    with compiler.parse(LAYER) as module, compiler.parse(module.bytecode()) as again:
        assert again.text() == module.text()
        again.run_passes(ROUNDING)
        assert "awq.quantized_linear" in again.text()
    with compiler.parse(LAYER) as module:
        module.run_passes(f"builtin.module({ROUNDING},cse)")
        assert "awq.quantized_linear" in module.text()
    with compiler.parse(LAYER) as module:
        module.run_to("linalg")
        assert "awq.linear" not in module.text()


def test_errors_in_parts(tmp_path: Path) -> None:
    seen: list[Diagnostic] = []
    with Compiler(on_diagnostic=seen.append) as compiler:
        error = failure(compiler.load, tmp_path / "none")
        assert (error.kind, error.code, error.where) == (Kind.USAGE, "AWQ1512", str(tmp_path / "none"))
        assert error.help.startswith("name a Hugging Face folder")
        assert seen == [Diagnostic(Severity.ERROR, error.code, error.message, error.where, error.help)]
        (tmp_path / "config.json").write_text("{")
        assert failure(compiler.load, tmp_path).kind == Kind.MALFORMED
        assert failure(compiler.parse, "nonsense", "here.mlir").where.startswith('loc("here.mlir":1:1')
        assert failure(compiler.parse, b"ML\xefR\x0dnonsense").code == "AWQ1511"
        with compiler.parse(LAYER) as module:
            assert failure(module.run_passes, "no-such-pass").code == "AWQ1671"
            assert "statistics" in failure(module.run_passes, "awq-quantize-pipeline{group=16}").message
            assert failure(module.run_to, "nowhere").code == "AWQ1516"
            assert failure(module.write_bundle, tmp_path / "bundle").code == "AWQ1514"
            assert failure(module.write_checkpoint, tmp_path / "out").code == "AWQ1673"
            assert failure(module.write_kernels, tmp_path / "out").code == "AWQ1531"
            assert "awq.linear" in module.text()


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("bit", 4, "AWQ1668"), ("bits", "four", "AWQ1669"), ("bits", -1, "AWQ1669"), ("force", "yes", "AWQ1669")],
)
def test_options_that_are_none(compiler: Compiler, name: str, value: Any, code: str) -> None:
    with pytest.raises(AwqError) as caught:
        compiler.set(**{name: value})
    assert caught.value.code == code


def test_remarks_and_exceptions_of_callbacks() -> None:
    seen: list[Diagnostic] = []
    with Compiler(on_diagnostic=seen.append) as compiler, compiler.parse(LAYER) as module:
        module.run_passes("func.func(awq-apply-scales),awq-find-scaling-groups{remarks}")
    assert [diagnostic.severity for diagnostic in seen[:2]] == [Severity.REMARK, Severity.NOTE]
    assert seen[0].message.startswith("no scaling group: 'awq.linear' blocks")
    assert seen[0].where == 'loc("memory":4:8)'

    def angry(_: Diagnostic) -> None:
        raise LookupError("not now")

    with Compiler(on_diagnostic=angry) as compiler, pytest.raises(LookupError, match="not now"):
        compiler.load("nowhere")


def test_modules_outlive_their_compiler() -> None:
    compiler = Compiler()
    module = compiler.parse(LAYER)
    compiler.close()
    compiler.close()
    module.run_passes(ROUNDING)
    assert "awq.quantized_linear" in module.text()
    module.close()
    with pytest.raises(ValueError, match="closed"):
        module.text()
    with pytest.raises(ValueError, match="closed"):
        compiler.parse(LAYER)


@pytest.mark.parametrize(("mode", "works"), [(ctypes.RTLD_LOCAL, False), (ctypes.RTLD_GLOBAL, True)])
def test_a_process_that_has_libmlir_already(mode: int, works: bool) -> None:
    """Traits of ops are told apart by addresses, which must be one library's."""
    program = f"""if True:
        import ctypes, re, subprocess
        from awq_mlir.compiler import Compiler
        from awq_mlir.toolchain import find_library
        needed = subprocess.run(["ldd", find_library("libAWQCompiler.so")], capture_output=True, text=True).stdout
        ctypes.CDLL(re.search(r"=> (\\S*libMLIR\\S*)", needed)[1], mode={mode})
        Compiler().parse("func.func private @f()").close()
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100)
    assert (done.returncode == 0) == works, done.stderr
    if not works:
        assert "error[AWQ1675]: libMLIR was loaded before this library, out of its sight" in done.stderr


def test_compilers_of_several_threads_are_independent() -> None:
    texts: list[str] = []

    def work() -> None:
        with Compiler() as compiler, compiler.parse(LAYER) as module:
            module.run_passes(ROUNDING)
            module.run_to("llvm")
            texts.append(module.text())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts) == 4
    assert len(set(texts)) == 1


@pytest.mark.parametrize("method", ["rtn", "awq"])
def test_checkpoints_are_those_of_the_command(method: str, tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama")
    tokens = calibration(tmp_path / "tokens.safetensors")
    flags = [f"--quantize={method}", "--group-size=16", "--skip=down_proj", "--progress=none"]
    if method == "awq":
        flags.append(f"--calibration={tokens}")
    command = [BIN / "awq-compile", model, "-o", tmp_path / "command", *flags]
    subprocess.run(command, check=True, timeout=300)

    events: list[Mapping[str, Any]] = []
    with Compiler(on_event=events.append, method=method, group_size=16, skip=["down_proj"]) as compiler:
        if method == "awq":
            compiler.set(calibration=tokens)
        with compiler.load(model) as module:
            module.write_checkpoint(tmp_path / "library")
            assert failure(module.write_checkpoint, tmp_path / "library").kind == Kind.USAGE
            compiler.set(force=True)
            module.write_checkpoint(tmp_path / "library")
    assert files(tmp_path / "library") == files(tmp_path / "command")
    assert all("event" in event for event in events)
    assert events


def test_the_example(tmp_path: Path) -> None:
    """What docs/Embedding.md shows."""
    model = make_model(tmp_path / "model", "llama")
    example = Path(__file__).resolve().parents[2] / "examples" / "capi" / "quantize.py"
    subprocess.run([sys.executable, example, model, tmp_path / "out"], check=True, timeout=100)
    assert "quantization_config" in (tmp_path / "out" / "config.json").read_text(encoding="utf8")
    failed = subprocess.run(
        [sys.executable, example, "x", "y"], capture_output=True, text=True, check=False, timeout=100
    )
    assert failed.returncode == 1
    assert failed.stderr.startswith("error[AWQ1512]: no such input\n  where: x\n  help: ")


def logits_of(bundle: Path, ids: torch.Tensor) -> np.ndarray[Any, Any]:
    with Model(bundle) as model, model.session() as session:
        return session.forward_all(ids[0].to(torch.int32).numpy())


def test_bundles_run(compiler: Compiler, tmp_path: Path) -> None:
    """Of the float model, and of one whose linears passes have quantized, in a module that was copied as bytecode."""
    model = make_model(tmp_path / "model", "llama")
    with compiler.load(model) as module:
        before = module.text()
        module.write_bundle(tmp_path / "float")
        assert module.text() == before
        module.run_passes(ROUNDING.replace("group=16", f"bits=8 group=16 side-files={tmp_path}/side"))
        compiler.set(source=model)
        with compiler.parse(module.bytecode()) as copy:
            copy.write_bundle(tmp_path / "quantized")
    ids = torch.randint(0, SIZES["vocab_size"], (1, 12), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        expected = transformers.AutoModelForCausalLM.from_pretrained(model)(ids).logits[0].numpy()
    assert np.max(np.abs(logits_of(tmp_path / "float", ids) - expected)) <= 2e-3
    assert np.max(np.abs(logits_of(tmp_path / "quantized", ids) - expected)) <= 0.05 * np.max(np.abs(expected))
    assert (tmp_path / "quantized" / "config.json").exists()


def test_kernels(compiler: Compiler, tmp_path: Path) -> None:
    source = Path(__file__).resolve().parents[2] / "test" / "Pipelines" / "nvvm.mlir"
    with compiler.load(source) as module:
        module.write_kernels(tmp_path / "sm_80")
        compiler.set(chip="sm_90a")
        module.write_kernels(tmp_path / "sm_90a")
        compiler.set(chip="sm_10")
        assert failure(module.write_kernels, tmp_path / "sm_10").code == "AWQ1530"
    for chip in ("sm_80", "sm_90a"):
        assert f".target {chip}" in (tmp_path / chip / "kernels.ptx").read_text(encoding="utf8")
