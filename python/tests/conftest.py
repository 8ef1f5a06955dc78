"""What the tests share: where things are, toy tokenizers, and scripts as modules.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "build" / "models" / "smollm2"


# Files that take minutes come first, so that no process has one of them left when the others are done.
SLOW = ["test_end_to_end.py", "test_onnx_models.py", "test_onnx_quantize.py", "test_iree.py", "test_raise_linalg.py"]
SLOW += ["test_gpu_static.py", "test_linalg_models.py", "test_smollm2.py", "test_embedding.py", "test_install.py"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long sweeps are for `make test-all`, which asks for them by their mark."""
    items.sort(key=lambda item: SLOW.index(item.path.name) if item.path.name in SLOW else len(SLOW))
    if "long" in config.getoption("markexpr"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def load_script() -> Callable[[str], ModuleType]:
    """Imports a program from scripts/ as a module."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def byte_tokenizer() -> Tokenizer:
    """A tokenizer with one token per byte: characters beyond ASCII take several tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<end>"])
    return tokenizer


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The demo's float model; `make test` makes it."""
    if not (MODEL / "model.safetensors").is_file():
        pytest.fail(f"{MODEL} is missing: run build/venv/bin/python scripts/make_smollm2.py")
    return MODEL


@pytest.fixture(scope="session")
def toy_onnx(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a toy of exported_toys as ONNX; what was exported once, in any process of this run, is copied."""
    from exported_toys import export_onnx, make

    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exported"
    shared.mkdir(exist_ok=True)

    def write(name: str, path: Path, *, dynamo: bool, opset: int, kind: str) -> Path:
        kept = shared / f"{name}-{dynamo}-{opset}-{kind}.onnx"
        if not kept.exists():
            made = tmp_path_factory.mktemp("export") / "model.onnx"
            export_onnx(make(name), made, dynamo=dynamo, opset=opset, kind=kind).rename(kept)
        shutil.copyfile(kept, path)
        return path

    return write
