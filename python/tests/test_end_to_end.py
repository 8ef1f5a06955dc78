"""From the float model to 4-bit text through the command and the built tools, with transformers as oracle.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import make_golden_greedy as golden
import numpy as np
import pytest
import torch
from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
from compressed_tensors.entrypoints.convert.converters.autoawq import AutoAWQConverter
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from awq_mlir.errors import AwqError
from awq_mlir.generate import Sampler, Sampling, generate
from awq_mlir.runtime import Model
from awq_mlir.toolchain import find_program

pytestmark = [pytest.mark.tools, pytest.mark.model]

GROUP = 64
LINEARS = 210
WINDOWS = 2


def call(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "awq_mlir", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf8", check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def call_json(*arguments: object) -> Any:
    return json.loads(call(*arguments, "--json").stdout)


@dataclass(frozen=True)
class Made:
    """Everything made once for this file."""

    folder: Path
    text: Path

    def bundle(self, kind: str) -> Path:
        return self.folder / f"{kind}.bundle"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, smollm2: Path, root: Path) -> Made:
    try:
        find_program("awq-compile")
    except AwqError as error:
        pytest.fail(str(error))
    folder = tmp_path_factory.mktemp("made")
    corpora = root / "build" / "corpora"
    # The demo takes every step on this model, and toys do in other tests.
    size = ("--samples", 20, "--sequence-length", 256, "--quality", "fast")
    call("quantize", smollm2, "-o", folder / "awq", "--calib", corpora / "calib.jsonl", *size)
    call("quantize", smollm2, "-o", folder / "rtn", "--method", "rtn")
    call("compile", smollm2, "-o", folder / "float.bundle")
    for kind in ("rtn", "awq"):
        call("compile", folder / kind, "-o", folder / f"{kind}.bundle")
    return Made(folder, corpora / "eval_anarchism.txt")


@pytest.fixture(scope="module")
def reference(smollm2: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32).eval()


def logits_of(model: Any, ids: Sequence[int]) -> Any:
    with torch.no_grad():
        return model(torch.tensor([list(ids)])).logits[0].numpy()


def test_greedy_tokens_are_transformers(made: Made, reference: Any) -> None:
    cases = json.loads(golden.GOLDEN.read_text(encoding="utf8"))["cases"]
    assert len(cases) == 5
    with Model(made.bundle("float")) as model:
        for case in cases:
            with model.session(256) as session:
                ours = generate(session, case["prompt_tokens"], Sampler(Sampling()), set(), 64, lambda _: None)
            assert ours.tokens == case["tokens"]
            assert ours.tokens == golden.greedy(reference, case["prompt_tokens"])[0]


def test_logits_are_transformers(made: Made, reference: Any, smollm2: Path) -> None:
    tokenizer = Tokenizer.from_file(str(smollm2 / "tokenizer.json"))
    ids = tokenizer.encode(made.text.read_text(encoding="utf8")[:3000]).ids[:300]
    expected = logits_of(reference, ids)
    with Model(made.bundle("float")) as model, model.session(512) as session:
        whole = session.forward_all(ids)
        session.reset()
        pieces = [session.forward_all(ids[:100]), session.forward_all(ids[100:101]), session.forward_all(ids[101:])]
    assert np.abs(whole - expected).max() < 2e-3
    assert np.abs(np.concatenate(pieces) - expected).max() < 2e-3


def test_awq_beats_rounding_on_another_text(made: Made) -> None:
    common = ("--text", made.text, "--ctx", 1024, "--windows", WINDOWS, "--reference", made.bundle("float"))
    plain = call_json("eval", made.bundle("float"), *common)
    assert plain["kl"] == 0.0
    assert plain["top1_agreement"] == 1.0
    assert plain["tokens"] == WINDOWS * 1023
    found = {kind: call_json("eval", made.bundle(kind), *common) for kind in ("rtn", "awq")}
    assert found["awq"]["kl"] < found["rtn"]["kl"]
    assert plain["perplexity"] < found["awq"]["perplexity"] < found["rtn"]["perplexity"]


def test_a_folder_is_evaluated_like_its_bundle(made: Made) -> None:
    common = ("--text", made.text, "--ctx", 256, "--windows", 1)
    of_folder, of_bundle = (call_json("eval", made.folder / name, *common) for name in ("awq", "awq.bundle"))
    assert of_folder["perplexity"] == of_bundle["perplexity"]


def independent_model(folder: Path, float_folder: Path) -> Any:
    """The checkpoint as compressed-tensors reads it, dequantized into transformers' float model."""
    config = json.loads((folder / "config.json").read_text())["quantization_config"]
    converter = AutoAWQConverter.from_autoawq_config(config)
    stored: dict[str, torch.Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        stored |= load_file(path)
    converter.validate(stored)
    names = [name.removesuffix(".qweight") for name in stored if name.endswith(".qweight")]
    assert len(names) == LINEARS
    tensors = converter.process(dict(stored))
    for name in names:
        shape = torch.Size(tensors.pop(f"{name}.weight_shape").tolist())
        scales = tensors.pop(f"{name}.weight_scale").float()
        codes = unpack_from_int32(tensors.pop(f"{name}.weight_packed"), 4, shape).float()
        zeros = unpack_from_int32(
            tensors.pop(f"{name}.weight_zero_point"), 4, torch.Size(scales.shape), packed_dim=0
        ).float()
        spread = scales.repeat_interleave(GROUP, 1)
        tensors[f"{name}.weight"] = (codes - zeros.repeat_interleave(GROUP, 1)) * spread
    model = AutoModelForCausalLM.from_pretrained(float_folder, dtype=torch.float32).eval()
    missing, unexpected = model.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=False)
    assert not unexpected
    assert set(missing) <= {"lm_head.weight"}  # tied to the embedding
    return model


@pytest.mark.parametrize("kind", ["rtn", "awq"])
def test_an_independent_reader_sees_the_same_model(made: Made, smollm2: Path, kind: str) -> None:
    tokenizer = Tokenizer.from_file(str(smollm2 / "tokenizer.json"))
    ids = tokenizer.encode(made.text.read_text(encoding="utf8")[:2000]).ids[:128]
    expected = logits_of(independent_model(made.folder / kind, smollm2), ids)
    with Model(made.bundle(kind)) as model, model.session(256) as session:
        ours = session.forward_all(ids)
    assert np.abs(ours - expected).max() < 2e-2
    assert (ours.argmax(-1) == expected.argmax(-1)).mean() > 0.98


def test_the_checkpoint_is_complete(made: Made, smollm2: Path) -> None:
    folder = made.folder / "awq"
    names = {path.name for path in folder.iterdir()}
    assert {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "LICENSE"} <= names
    for name in ("tokenizer.json", "tokenizer_config.json", "LICENSE"):
        assert (folder / name).read_bytes() == (smollm2 / name).read_bytes()
    config = json.loads((folder / "config.json").read_text())
    assert config["quantization_config"]["quant_method"] == "awq"
    assert config["quantization_config"]["version"] == "gemm"
    assert (config["quantization_config"]["bits"], config["quantization_config"]["group_size"]) == (4, GROUP)


def test_the_same_command_gives_the_same_bytes(made: Made, smollm2: Path, tmp_path: Path) -> None:
    call("quantize", smollm2, "-o", tmp_path / "again", "--method", "rtn", "--threads", 1)
    for path in (made.folder / "rtn").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_quantizing_twice_is_refused(made: Made, tmp_path: Path) -> None:
    done = call("quantize", made.folder / "awq", "-o", tmp_path / "twice", "--method", "rtn", status=4)
    assert "AWQ1234" in done.stderr
    assert not list(tmp_path.iterdir())


def test_groups_that_do_not_fit_are_an_error_that_names_them(smollm2: Path, tmp_path: Path) -> None:
    arguments = ("quantize", smollm2, "-o", tmp_path / "out", "--method", "rtn", "--group-size", 128)
    command = [sys.executable, "-m", "awq_mlir", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf8", check=False)
    assert done.returncode in {2, 4}, done.stderr
    assert "576" in done.stderr
    assert "128" in done.stderr
    assert not list(tmp_path.iterdir())


def test_run_writes_the_text_of_the_json_answer(made: Made) -> None:
    common = ("run", made.bundle("awq"), "--prompt", "Say hello.", "--max-new-tokens", 12, "--threads", 2)
    answer = call_json(*common)
    streamed = call(*common)
    assert streamed.stdout == answer["text"] + "\n"
    assert "tokens/s" in streamed.stderr
    assert 1 <= len(answer["tokens"]) <= 12
    sampled = [call_json(*common, "--temperature", 1.0, "--seed", seed)["tokens"] for seed in (1, 1, 2)]
    assert sampled[0] == sampled[1] != sampled[2]
    assert call_json(*common, "--no-chat")["prompt_tokens"] < answer["prompt_tokens"]


def test_run_says_when_the_context_is_full(made: Made) -> None:
    done = call("run", made.bundle("awq"), "--prompt", "Once upon a time", "--no-chat", "--max-seq", 12)
    assert "context of 12 tokens is full; --max-seq enlarges it, up to 8192" in done.stderr
    refused = call("run", made.bundle("awq"), "--prompt", "word " * 30, "--max-seq", 12, status=2)
    assert "--max-seq" in refused.stderr


def test_a_damaged_bundle_is_an_error(made: Made, tmp_path: Path) -> None:
    bundle = made.bundle("awq")
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in bundle.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    code = bytearray((copy / "model.so").read_bytes())
    code[len(code) // 2] ^= 1
    (copy / "model.so").write_bytes(code)
    done = call("run", copy, "--prompt", "x", status=3)
    assert "error[AWQ14" in done.stderr
    assert "model.so" in done.stderr


@pytest.mark.parametrize("chip", ["sm_80", "sm_90a"])
def test_kernels_for_nvidia_chips(made: Made, tmp_path: Path, chip: str) -> None:
    call("compile", made.folder / "awq", "-o", tmp_path / "ptx", "--target", "nvvm", "--chip", chip)
    manifest = json.loads((tmp_path / "ptx" / "manifest.json").read_text())
    assert manifest["target"] == {"kind": "nvvm", "chip": chip, "activations": "f16"}
    assert manifest["kernels"]
    for kernel in manifest["kernels"]:
        text = (tmp_path / "ptx" / kernel["file"]).read_text()
        assert f".target {chip}" in text
        assert "mma.sync" in text
        if kernel["cubin"]:
            assert kernel["spill_bytes"] == 0
            assert (tmp_path / "ptx" / kernel["cubin"]).stat().st_size > 0
