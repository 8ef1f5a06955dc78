# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models written as ONNX: the checker takes them, and onnxruntime makes the logits that awq-run makes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from architecture_toys import FAMILIES
from import_toys import BIN, TOYS, import_model, quantize_folder
from test_logits_toys import logits_of

pytestmark = pytest.mark.tools

Array = np.ndarray[Any, Any]
TOKENS, SPLIT = 24, 10  # longer than every toy's window
TOLERANCE = 2e-4
MADE = {toy.name: toy for toy in [*TOYS, *FAMILIES]}

FLOAT = [
    "llama-tied",
    "llama-head-dim",
    "llama-xielu",
    "llama-laplace",
    "qwen2-window",
    "qwen3",
    "gemma2",
    "gemma3",
    "phi3",
    "phi",
    "opt",
    "gpt_neox",
    "falcon",
    "starcoder2",
    "cohere",
    "gptj",
    "mixtral",
    "deepseek_v3",
]
QUANTIZED = [
    "llama",
    "llama-tied",
    "llama-head-dim",
    "llama-yarn-mscale",
    "llama-biases",
    "mistral-window",
    "qwen3",
    "gemma2",
    "gemma3",
    "qwen3_moe",
    "deepseek_v2",
]
PLAIN_ATTENTION = {"deepseek_v2"}  # keys and values of different sizes


@dataclass
class Decoder:
    """An exported model in onnxruntime, with its caches."""

    model: Path
    past: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Products in float32 also where DequantizeLinear and MatMul become MatMulNBits.
        options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")
        self.session = onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]

    def reset(self, batch: int = 1) -> None:
        caches = [value for value in self.session.get_inputs() if value.name.startswith("past")]
        self.past = {c.name: np.zeros((batch, c.shape[1], 0, c.shape[3]), np.float32) for c in caches}

    def run(self, ids: Array, mask: Array) -> Array:
        feeds = {"input_ids": ids.astype(np.int64), "attention_mask": mask.astype(np.int64), **self.past}
        results = dict(zip(self.outputs, self.session.run(None, feeds), strict=True))
        logits: Array = results.pop("logits")
        self.past = {name.replace("present", "past_key_values"): value for name, value in results.items()}
        return logits

    def logits(self, ids: Array) -> Array:
        """All at once."""
        self.reset()
        return self.run(ids[None], np.ones((1, len(ids))))[0]

    def logits_with_past(self, ids: Array) -> Array:
        """A prompt, some tokens at once, and the rest one by one."""
        self.reset()
        parts = [ids[:SPLIT], ids[SPLIT : SPLIT + 4], *np.split(ids[SPLIT + 4 :], len(ids) - SPLIT - 4)]
        done, rows = 0, []
        for part in parts:
            done += len(part)
            rows.append(self.run(part[None], np.ones((1, done)))[0])
        return np.concatenate(rows)


def some_tokens(vocabulary: int = 96) -> Array:
    return np.random.default_rng(7).integers(0, vocabulary, TOKENS).astype(np.int32)


def export(model: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [BIN / "awq-compile", model, "--emit=onnx", "--progress=none", "-o", out, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def exported(model: Path, *options: str) -> Path:
    """The .onnx file of a model folder."""
    out = model / "onnx"
    result = export(model, out, *options)
    assert result.returncode == 0, result.stderr
    return out / "model.onnx"


def domains(path: Path) -> set[str]:
    return {node.domain for node in onnx.load(path, load_external_data=False).graph.node}


def check(path: Path, source: Path, folder: Path) -> None:
    """The checker's judgement, and logits with and without past."""
    onnx.checker.check_model(path, full_check=True)
    ids = some_tokens()
    expected = logits_of(source, ids, folder)
    decoder = Decoder(path)
    assert np.abs(decoder.logits(ids) - expected).max() <= TOLERANCE
    assert np.abs(decoder.logits_with_past(ids) - expected).max() <= TOLERANCE


# Toys


@pytest.mark.parametrize("name", FLOAT)
def test_float(name: str, tmp_path: Path) -> None:
    MADE[name].make(tmp_path)
    path = exported(tmp_path)
    assert domains(path) == {""}
    check(path, tmp_path, tmp_path)


@pytest.mark.parametrize("name", QUANTIZED)
def test_matmulnbits(name: str, tmp_path: Path) -> None:
    MADE[name].make(tmp_path)
    quantize_folder(tmp_path, 16)
    path = exported(tmp_path)  # the default for a quantized model
    operators = {node.op_type for node in onnx.load(path, load_external_data=False).graph.node}
    assert "MatMulNBits" in operators
    assert ("GroupQueryAttention" in operators) == (name not in PLAIN_ATTENTION)
    check(path, tmp_path, tmp_path)


@pytest.mark.parametrize("name", ["llama", "llama-tied", "mistral-window", "qwen3", "gemma2", "mixtral"])
def test_qdq(name: str, tmp_path: Path) -> None:
    MADE[name].make(tmp_path)
    quantize_folder(tmp_path, 16)
    path = exported(tmp_path, "--onnx-format=qdq")
    assert domains(path) == {""}
    check(path, tmp_path, tmp_path)


@pytest.mark.parametrize(("opset", "form"), [(22, "qdq"), (23, "float"), (23, "matmulnbits")])
def test_opsets(opset: int, form: str, tmp_path: Path) -> None:
    MADE["qwen3"].make(tmp_path)
    quantize_folder(tmp_path, 16)  # "float" dequantizes
    path = exported(tmp_path, f"--onnx-format={form}", f"--onnx-opset={opset}")
    model = onnx.load(path, load_external_data=False)
    assert {entry.domain: entry.version for entry in model.opset_import}[""] == opset
    check(path, tmp_path, tmp_path)


def test_left_padding(tmp_path: Path) -> None:
    """A padded sequence of a batch gets the logits that it gets alone."""
    MADE["llama-tied"].make(tmp_path)
    ids, padding = some_tokens(), 3
    decoder = Decoder(exported(tmp_path))
    alone = decoder.logits(ids)
    padded = np.concatenate([np.zeros(padding, np.int32), ids[:-padding]])
    mask = np.ones((2, TOKENS))
    mask[1, :padding] = 0
    decoder.reset(batch=2)
    first = decoder.run(np.stack([ids, padded])[:, :SPLIT], mask[:, :SPLIT])
    rest = decoder.run(np.stack([ids, padded])[:, SPLIT:], mask)
    both = np.concatenate([first, rest], axis=1)
    assert np.abs(both[0] - alone).max() <= TOLERANCE
    assert np.abs(both[1, padding:] - alone[:-padding]).max() <= TOLERANCE


@pytest.mark.parametrize(
    ("bits", "symmetric", "group"), [(4, True, 16), (8, False, 16), (8, True, 16), (3, False, 16), (3, True, 0)]
)
def test_schemes(bits: int, symmetric: bool, group: int, tmp_path: Path) -> None:
    """Schemes that checkpoints do not have, by way of modules; one file with everything in it."""
    MADE["llama-tied"].make(tmp_path)
    plain, quantized = tmp_path / "plain.mlir", tmp_path / "quantized.mlir"
    plain.write_text(import_model(tmp_path))
    options = f"bits={bits} group={group} symmetric={str(symmetric).lower()} side-files={tmp_path / 'new'}"
    switches = "search-scales=false search-clips=false refit=false refine=false"
    pipeline = f"builtin.module(awq-quantize-pipeline{{{options} {switches}}})"
    subprocess.run([BIN / "awq-opt", plain, f"--pass-pipeline={pipeline}", "-o", quantized], check=True, timeout=120)
    for form in ("matmulnbits", "qdq"):
        path = tmp_path / f"{form}.onnx"
        command = [BIN / "awq-translate", "--export-onnx", f"--onnx-format={form}", quantized, "-o", path]
        subprocess.run(command, check=True, timeout=120)
        check(path, quantized, tmp_path)


@pytest.mark.parametrize(
    ("name", "form", "opset"),
    [
        ("llama-tied", "float", 21),
        ("gemma2", "qdq", 21),
        ("cohere", "float", 21),
        ("qwen3", "qdq", 23),
        ("mistral-window", "matmulnbits", 21),
    ],
)
def test_read_again(name: str, form: str, opset: int, tmp_path: Path) -> None:
    """What is written is understood as the same decoder."""
    MADE[name].make(tmp_path)
    if form != "float":
        quantize_folder(tmp_path, 16)
    first = exported(tmp_path, f"--onnx-format={form}", f"--onnx-opset={opset}")
    again = tmp_path / "again"
    result = export(first, again, f"--onnx-format={form}")
    assert result.returncode == 0, result.stderr
    check(again / "model.onnx", tmp_path, tmp_path)


# Folders


def test_folder(tmp_path: Path) -> None:
    """Data at aligned offsets of one file, the configuration of onnxruntime-genai, and the tokenizer."""
    source = tmp_path / "model"
    MADE["llama-tied"].make(source)
    quantize_folder(source, 16)
    (source / "tokenizer.json").write_text("{}")
    (source / "notes.txt").write_text("stays")
    path = exported(source)
    assert sorted(entry.name for entry in path.parent.iterdir()) == [
        "genai_config.json",
        "generation_config.json",
        "model.onnx",
        "model.onnx.data",
        "tokenizer.json",
    ]
    config = json.loads((path.parent / "genai_config.json").read_text())
    assert config["model"]["decoder"]["num_key_value_heads"] == 2
    assert config["model"]["eos_token_id"] == [2, 3]
    assert config["search"]["past_present_share_buffer"] is True
    size = (path.parent / "model.onnx.data").stat().st_size
    end = 0
    for tensor in onnx.load(path, load_external_data=False).graph.initializer:
        place: Mapping[str, str] = {entry.key: entry.value for entry in tensor.external_data}
        if not place:
            assert len(tensor.raw_data) <= 64  # sizes, axes and numbers
            continue
        offset, length = int(place["offset"]), int(place["length"])
        assert place["location"] == "model.onnx.data"
        assert offset % (4096 if length >= 4096 else 64) == 0
        assert offset >= end
        end = offset + length
    assert end == size


def test_tied_table_is_there_once(tmp_path: Path) -> None:
    MADE["llama-tied"].make(tmp_path)
    graph = onnx.load(exported(tmp_path), load_external_data=False).graph
    assert [t.name for t in graph.initializer if list(t.dims) in ([96, 64], [64, 96])] == ["model.embed_tokens.weight"]


# Refusals


def test_refusals(tmp_path: Path) -> None:
    source = tmp_path / "model"
    MADE["llama"].make(source)

    def refused(status: int, code: str, model: Path, out: Path, *options: str) -> None:
        before = sorted(tmp_path.iterdir())
        result = export(model, out, *options)
        assert result.returncode == status, result.stderr
        assert f"error[{code}]" in result.stderr
        assert sorted(tmp_path.iterdir()) == before  # nothing is left

    refused(2, "AWQ1152", source, tmp_path / "out", "--onnx-format=qdq")
    refused(2, "AWQ1152", source, tmp_path / "out", "--onnx-format=int4")
    refused(2, "AWQ1152", source, tmp_path / "out", "--onnx-opset=24")
    refused(2, "AWQ1156", source, source, "--force")
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letters.txt").write_text("")
    refused(2, "AWQ1045", source, taken)
    refused(2, "AWQ1046", source, taken, "--force")
    module = tmp_path / "module.mlir"
    module.write_text("func.func @other() { return }")
    refused(4, "AWQ1151", module, tmp_path / "out")


def test_an_op_without_counterpart(tmp_path: Path) -> None:
    """The message names it."""
    module = tmp_path / "module.mlir"
    MADE["llama"].make(tmp_path)
    text = import_model(tmp_path)
    norm = "%model.norm.weight = ml_program"
    text = text.replace("rms_norm %arg0, %model.norm.weight", "rms_norm %odd, %model.norm.weight")
    module.write_text(text.replace(norm, f"%odd = math.absf %arg0 : tensor<?x64xf32>\n    {norm}"))
    result = export(module, tmp_path / "out")
    assert result.returncode == 4, result.stderr
    assert "error[AWQ1150]: 'math.absf' cannot be written as ONNX" in result.stderr
    assert not (tmp_path / "out").exists()


# SmolLM2

PROMPTS = ["The capital of France is", "Once upon a time, there was a"]
NEW_TOKENS = 32


@pytest.mark.model
def test_smollm2_writes_the_same_text(smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """32 tokens by our runtime, by onnxruntime in both formats, and by onnxruntime-genai."""
    from tokenizers import Tokenizer

    from awq_mlir.compile_model import compile_model
    from awq_mlir.runtime import Model

    monkeypatch.setenv("AWQ_MLIR_BIN", str(BIN))
    tokenizer = Tokenizer.from_file(str(smollm2 / "tokenizer.json"))
    prompts = [tokenizer.encode(prompt).ids for prompt in PROMPTS]
    quantized, bundle = tmp_path / "quantized", tmp_path / "bundle"
    command = [BIN / "awq-compile", smollm2, "--quantize=rtn", "--progress=none", "-o", quantized]
    subprocess.run(command, check=True, timeout=120)
    compile_model(quantized, bundle)
    expected = []
    with Model(bundle) as model:
        for prompt in prompts:
            with model.session(128) as session:
                tokens, logits = list(prompt), session.forward(prompt)
                for _ in range(NEW_TOKENS):
                    tokens.append(int(np.argmax(logits)))
                    logits = session.forward(tokens[-1:])
            expected.append(tokens)
    for form in ("matmulnbits", "qdq"):
        path = exported(quantized, f"--onnx-format={form}", "--force")
        decoder = Decoder(path)
        assert [continued(decoder, prompt) for prompt in prompts] == expected
        assert [generated(path.parent, prompt) for prompt in prompts] == expected


def continued(decoder: Decoder, prompt: list[int]) -> list[int]:
    decoder.reset()
    tokens, fresh = list(prompt), list(prompt)
    for _ in range(NEW_TOKENS):
        logits = decoder.run(np.array([fresh]), np.ones((1, len(tokens))))
        fresh = [int(np.argmax(logits[0, -1]))]
        tokens += fresh
    return tokens


def generated(folder: Path, prompt: list[int]) -> list[int]:
    """By onnxruntime-genai's own loop."""
    genai = pytest.importorskip("onnxruntime_genai")
    model = genai.Model(str(folder))
    parameters = genai.GeneratorParams(model)
    parameters.set_search_options(max_length=len(prompt) + NEW_TOKENS, do_sample=False)
    generator = genai.Generator(model, parameters)
    generator.append_tokens(prompt)
    while not generator.is_done():
        generator.generate_next_token()
    return [int(token) for token in generator.get_sequence(0)]
