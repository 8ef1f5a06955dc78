# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""config.json files, checkpoints and architecture files that must be refused, each with its code.

A case is a change of a good model; the tool must end with the exit code of the error's kind and
name the code, the place and the remedy.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from import_toys import ROOT, import_model, translate
from safetensors.numpy import save_file

pytestmark = pytest.mark.tools

MALFORMED, UNSUPPORTED = 3, 4
GOOD: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
Weights = dict[str, np.ndarray[Any, Any]]


def drop_dots(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: drop_dots(item) for key, item in value.items() if item is not ...}
    return value


@dataclass(frozen=True)
class Case:
    """A change of GOOD ("..." removes a field), or the whole text of the file."""

    name: str
    code: str
    exit_code: int
    fragment: str
    change: dict[str, Any] = field(default_factory=dict)
    text: str | bytes | None = None

    def write(self, folder: Path) -> Path:
        path = folder / "config.json"
        if isinstance(self.text, bytes):
            path.write_bytes(self.text)
        elif self.text is not None:
            path.write_text(self.text)
        else:
            path.write_text(json.dumps(drop_dots({**GOOD, **self.change})))
        return path


def malformed(name: str, code: str, fragment: str, **change: Any) -> Case:
    return Case(name, code, MALFORMED, fragment, change)


def unsupported(name: str, code: str, fragment: str, **change: Any) -> Case:
    return Case(name, code, UNSUPPORTED, fragment, change)


def raw(name: str, code: str, fragment: str, text: str | bytes) -> Case:
    return Case(name, code, MALFORMED, fragment, text=text)


def rope(**fields: Any) -> dict[str, Any]:
    return {**LLAMA3, **fields}


def quantized(**fields: Any) -> dict[str, Any]:
    return {"quant_method": "awq", "bits": 4, "group_size": 16, "zero_point": True, "version": "gemm", **fields}


GOOD_TEXT = json.dumps(GOOD)
CASES = [
    # The file itself.
    raw("empty", "AWQ1050", "config.json", ""),
    raw("not-json", "AWQ1050", "config.json", "hidden_size: 32\n"),
    raw("truncated", "AWQ1050", "config.json", GOOD_TEXT[:-20]),
    raw("trailing-comma", "AWQ1050", "config.json", GOOD_TEXT[:-1] + ",}"),
    raw("trailing-text", "AWQ1050", "config.json", GOOD_TEXT + "x"),
    raw("single-quotes", "AWQ1050", "config.json", GOOD_TEXT.replace('"', "'")),
    raw("byte-order-mark", "AWQ1054", "config.json", b"\xef\xbb\xbf" + GOOD_TEXT.encode()),
    raw("utf-16", "AWQ1056", "config.json", GOOD_TEXT.encode("utf-16")),
    raw("not-utf-8", "AWQ1056", "config.json", GOOD_TEXT.replace("silu", "sil\xfc").encode("latin-1")),
    raw("deep-nesting", "AWQ1052", "config.json", '{"a": ' + "[" * 100000 + "]" * 100000 + "}"),
    raw("duplicate-key", "AWQ1053", "hidden_size", GOOD_TEXT[:-1] + ', "hidden_size": 64}'),
    raw("nan", "AWQ1055", "config.json", GOOD_TEXT.replace("1e-05", "NaN")),
    raw("infinity", "AWQ1055", "config.json", GOOD_TEXT.replace("10000.0", "Infinity")),
    raw("huge-number", "AWQ1055", "config.json", GOOD_TEXT.replace("10000.0", "1e400")),
    raw("array", "AWQ1101", "one JSON object", "[" + GOOD_TEXT + "]"),
    raw("string", "AWQ1101", "one JSON object", '"llama"'),
    raw("null", "AWQ1101", "one JSON object", "null"),
    # Fields.
    malformed("no-model-type", "AWQ1102", '"model_type" is missing', model_type=...),
    malformed("null-model-type", "AWQ1102", '"model_type" is missing', model_type=None),
    malformed("number-model-type", "AWQ1103", '"model_type" must be a string', model_type=7),
    *[
        malformed(f"no-{key}", "AWQ1102", f'"{key}" is missing', **{key: ...})
        for key in ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    ],
    *[
        malformed(f"{key}-{value}", "AWQ1104", f'"{key}" is {value}', **{key: value})
        for key, value in (
            ("hidden_size", 0),
            ("hidden_size", -32),
            ("hidden_size", 2**31),
            ("hidden_size", 2**63 - 1),
            ("hidden_size", 2**64 - 1),
            ("vocab_size", 0),
            ("vocab_size", 2**40),
            ("intermediate_size", -1),
            ("num_hidden_layers", 0),
            ("num_hidden_layers", 10**9),
            ("num_attention_heads", 0),
            ("num_key_value_heads", -2),
            ("head_dim", 0),
            ("max_position_embeddings", 0),
            ("max_position_embeddings", 10**18),
            ("sliding_window", -4),
            ("rms_norm_eps", -1e-5),
            ("rms_norm_eps", 3.5),
            ("eos_token_id", -7),
        )
    ],
    malformed("string-hidden-size", "AWQ1103", "remove the quotes", hidden_size="32"),
    malformed("float-hidden-size", "AWQ1103", "a whole number, found 32.5", hidden_size=32.5),
    malformed("list-hidden-size", "AWQ1103", "a whole number, found [32]", hidden_size=[32]),
    malformed("object-layers", "AWQ1103", "a whole number", num_hidden_layers={}),
    malformed("string-eps", "AWQ1103", "remove the quotes", rms_norm_eps="1e-5"),
    malformed("number-tie", "AWQ1103", "true or false, found 1", tie_word_embeddings=1),
    malformed("string-bias", "AWQ1103", "true or false", attention_bias="no"),
    malformed("number-act", "AWQ1103", '"hidden_act" must be a string', hidden_act=3),
    malformed("string-eos", "AWQ1103", "a whole number or a list of them", eos_token_id="</s>"),
    malformed("string-in-eos", "AWQ1103", '"eos_token_id" must be a whole number', eos_token_id=[2, "3"]),
    malformed("object-bos", "AWQ1103", "a whole number or a list of them", bos_token_id={"id": 1}),
    malformed("number-architectures", "AWQ1103", "a list of strings", architectures=1),
    # Fields that contradict each other.
    malformed("heads-not-dividing", "AWQ1105", "does not divide hidden_size", num_attention_heads=6),
    malformed("kv-heads-not-dividing", "AWQ1105", "does not divide num_attention_heads", num_key_value_heads=3),
    malformed("kv-heads-above", "AWQ1105", "does not divide num_attention_heads", num_key_value_heads=8),
    malformed("odd-head-dim", "AWQ1105", "is odd", head_dim=7),
    malformed("odd-derived-head-dim", "AWQ1105", "is odd", hidden_size=36),
    malformed("layer-types-count", "AWQ1105", "1 entries for 2 layers", layer_types=["full_attention"]),
    unsupported("layer-types-kind", "AWQ1112", "chunked_attention", layer_types=["chunked_attention"] * 2),
    # Rotary embedding.
    malformed("theta-0", "AWQ1104", '"rope_theta" is 0', rope_theta=0),
    malformed("theta-negative", "AWQ1104", '"rope_theta" is -1', rope_theta=-10000.0),
    malformed("theta-string", "AWQ1103", "remove the quotes", rope_theta="1e4"),
    malformed("inner-theta-0", "AWQ1104", "rope_parameters.rope_theta", rope_parameters={"rope_theta": 0}),
    malformed("rope-scaling-string", "AWQ1103", "an object", rope_scaling="yarn"),
    malformed("rope-type-number", "AWQ1103", "rope_scaling.rope_type", rope_scaling={"rope_type": 3}),
    *[
        unsupported(f"rope-{kind}", "AWQ1107", f'"{kind}" is not supported', rope_scaling={"type": kind, "factor": 2})
        for kind in ("dynamic", "longrope", "su", "mrope", "")
    ],
    malformed("no-factor", "AWQ1102", "rope_scaling.factor", rope_scaling={"type": "linear"}),
    malformed("factor-0", "AWQ1104", "rope_scaling.factor", rope_scaling={"type": "linear", "factor": 0}),
    malformed("factor-string", "AWQ1103", "rope_scaling.factor", rope_scaling={"type": "linear", "factor": "2"}),
    malformed("no-low-freq", "AWQ1102", "low_freq_factor", rope_scaling=rope(low_freq_factor=...)),
    malformed("equal-freqs", "AWQ1105", "larger than low_freq_factor", rope_scaling=rope(high_freq_factor=1.0)),
    malformed("original-0", "AWQ1104", "original_max", rope_scaling=rope(original_max_position_embeddings=0)),
    malformed(
        "betas", "AWQ1105", "beta_fast", rope_scaling={"type": "yarn", "factor": 2, "beta_fast": 1, "beta_slow": 8}
    ),
    unsupported("partial-rotary", "AWQ1112", "a part of each head", partial_rotary_factor=0.5),
    unsupported("rope-per-layer", "AWQ1112", "differ between layers", rope_parameters={"full_attention": {}}),
    # What is valid but not there.
    unsupported("unknown-type", "AWQ1106", "an architecture file of your own can describe another", model_type="bert"),
    unsupported("misspelt-type", "AWQ1106", "did you mean llama?", model_type="lama"),
    unsupported("near-type", "AWQ1106", "did you mean qwen3?", model_type="qwen3_"),
    unsupported("unknown-act", "AWQ1108", "supported are gelu", hidden_act="swiglu"),
    unsupported("unknown-dtype", "AWQ1109", "float32, float16 and bfloat16", torch_dtype="float8_e4m3fn"),
    unsupported("unknown-new-dtype", "AWQ1109", "float32, float16 and bfloat16", dtype="int8"),
    # Quantization.
    malformed("quantization-list", "AWQ1103", "an object", quantization_config=[4]),
    malformed("no-method", "AWQ1102", "quantization_config.quant_method", quantization_config={"bits": 4}),
    unsupported("gptq", "AWQ1111", '"gptq" is not supported', quantization_config=quantized(quant_method="gptq")),
    unsupported("gemv", "AWQ1111", '"gemv" is not supported', quantization_config=quantized(version="gemv")),
    unsupported("marlin", "AWQ1111", '"marlin" is not supported', quantization_config=quantized(version="marlin")),
    unsupported("3-bits", "AWQ1111", "3 bits", quantization_config=quantized(bits=3)),
    unsupported("8-bits", "AWQ1111", "8 bits", quantization_config=quantized(bits=8)),
    malformed("string-bits", "AWQ1103", "quantization_config.bits", quantization_config=quantized(bits="4")),
    malformed("group-0", "AWQ1104", "group size 0", quantization_config=quantized(group_size=0)),
    malformed("group-negative", "AWQ1104", "group_size", quantization_config=quantized(group_size=-2)),
    malformed("group-not-dividing", "AWQ1223", "group size 20", quantization_config=quantized(group_size=20)),
    unsupported("no-zeros", "AWQ1111", "without zero points", quantization_config=quantized(zero_point=False)),
]


def check(result: Any, case: Case) -> None:
    assert result.returncode == case.exit_code, result.stderr
    assert f"error: [{case.code}]" in result.stderr
    assert case.fragment in result.stderr
    assert "note: where:" in result.stderr
    assert "note: help:" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_malformed_config(case: Case, tmp_path: Path) -> None:
    check(translate(case.write(tmp_path), "--hf-splat"), case)


def test_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_missing_file(tmp_path: Path) -> None:
    result = translate(tmp_path / "config.json")
    assert result.returncode != 0
    assert "config.json" in result.stderr
    assert "No such file" in result.stderr


def test_good_config(tmp_path: Path) -> None:
    """The base of all cases is itself fine, so that each case is refused for its change."""
    path = Case("good", "", 0, "").write(tmp_path)
    assert translate(path, "--hf-splat").returncode == 0


def test_auto_map_is_ignored_with_a_warning(tmp_path: Path) -> None:
    path = Case("", "", 0, "", {"auto_map": {"AutoModel": "evil.Model"}}).write(tmp_path)
    result = translate(path, "--hf-splat")
    assert result.returncode == 0
    assert 'warning: "auto_map" is ignored' in result.stderr


@pytest.mark.parametrize("eos", [2, [2, 3], None, -1, []])
def test_end_tokens(eos: Any, tmp_path: Path) -> None:
    path = Case("", "", 0, "", {"eos_token_id": eos}).write(tmp_path)
    result = translate(path, "--hf-splat")
    assert result.returncode == 0
    wanted = [] if eos in (None, -1) else [eos] if isinstance(eos, int) else eos
    listed = ": " + ", ".join(map(str, wanted)) if wanted else ""
    assert f"eos_tokens = array<i64{listed}>" in result.stdout


# Checkpoints that do not fit a good config.json.


def good_weights() -> Weights:
    rng = np.random.default_rng(3)
    hidden, inner, kv = GOOD["hidden_size"], GOOD["intermediate_size"], 16
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (GOOD["vocab_size"], hidden),
        "model.norm.weight": (hidden,),
        "lm_head.weight": (GOOD["vocab_size"], hidden),
    }
    for layer in range(GOOD["num_hidden_layers"]):
        names = {
            "input_layernorm": (hidden,),
            "post_attention_layernorm": (hidden,),
            "self_attn.q_proj": (hidden, hidden),
            "self_attn.k_proj": (kv, hidden),
            "self_attn.v_proj": (kv, hidden),
            "self_attn.o_proj": (hidden, hidden),
            "mlp.gate_proj": (inner, hidden),
            "mlp.up_proj": (inner, hidden),
            "mlp.down_proj": (hidden, inner),
        }
        shapes |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in names.items()}
    return {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


Q_PROJ = "model.layers.1.self_attn.q_proj.weight"


def remove(name: str) -> Callable[[Weights], None]:
    def apply(weights: Weights) -> None:
        del weights[name]

    return apply


def replace(name: str, change: Callable[[Any], Any]) -> Callable[[Weights], None]:
    def apply(weights: Weights) -> None:
        weights[name] = change(weights[name])

    return apply


def rename(source: str, target: str) -> Callable[[Weights], None]:
    def apply(weights: Weights) -> None:
        weights[target] = weights.pop(source)

    return apply


WEIGHT_CASES = [
    (malformed("missing-tensor", "AWQ1120", Q_PROJ), remove(Q_PROJ)),
    (malformed("missing-norm", "AWQ1120", "model.norm.weight"), remove("model.norm.weight")),
    (malformed("missing-head", "AWQ1120", "tie_word_embeddings"), remove("lm_head.weight")),
    (malformed("missing-bias", "AWQ1120", "q_proj.bias", attention_bias=True), lambda _: None),
    (malformed("more-layers", "AWQ1120", "model.layers.2.", num_hidden_layers=3), lambda _: None),
    (malformed("fewer-layers", "AWQ1123", "only 1 layers", num_hidden_layers=1), lambda _: None),
    (malformed("transposed", "AWQ1121", "[32, 16]"), replace("model.layers.0.self_attn.k_proj.weight", np.transpose)),
    (malformed("vocabulary", "AWQ1121", "[40, 32]", vocab_size=41), lambda _: None),
    (malformed("rank", "AWQ1121", "[32, 1]"), replace("model.norm.weight", lambda w: w[:, None])),
    (malformed("double", "AWQ1122", "has the type F64"), replace(Q_PROJ, lambda w: w.astype(np.float64))),
    (malformed("integer", "AWQ1122", "has the type I8"), replace(Q_PROJ, lambda w: w.astype(np.int8))),
    (malformed("tied-differs", "AWQ1125", "differ", tie_word_embeddings=True), lambda _: None),
    (malformed("unlabelled-awq", "AWQ1120", "no quantization"), rename(Q_PROJ, Q_PROJ[:-6] + "qweight")),
]


@pytest.mark.parametrize(("case", "change"), WEIGHT_CASES, ids=lambda value: getattr(value, "name", ""))
def test_checkpoint_does_not_fit(case: Case, change: Callable[[Weights], None], tmp_path: Path) -> None:
    weights = good_weights()
    change(weights)
    save_file({name: np.ascontiguousarray(value) for name, value in weights.items()}, tmp_path / "model.safetensors")
    check(translate(case.write(tmp_path)), case)


def test_unknown_tensors_are_a_warning(tmp_path: Path) -> None:
    weights = good_weights()
    weights["visual.patch.weight"] = np.zeros(4, np.float32)
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.zeros(4, np.float32)
    save_file(weights, tmp_path / "model.safetensors")
    result = translate(Case("", "", 0, "").write(tmp_path))
    assert result.returncode == 0
    assert "warning: 1 tensors of the checkpoint are not used: visual.patch.weight" in result.stderr


def test_tied_head_that_is_stored_too(tmp_path: Path) -> None:
    weights = good_weights()
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].copy()
    save_file(weights, tmp_path / "model.safetensors")
    text = import_model(Case("", "", 0, "", {"tie_word_embeddings": True}).write(tmp_path).parent)
    assert "lm_head.weight" not in text


def test_no_weights(tmp_path: Path) -> None:
    result = translate(Case("", "", 0, "").write(tmp_path))
    assert result.returncode == MALFORMED
    assert "error: [AWQ10" in result.stderr
    assert "model.safetensors" in result.stderr


# Architecture files of one's own.

ARCHITECTURE = json.loads((ROOT / "lib/Target/HuggingFace/architectures/llama.json").read_text())
ARCHITECTURE_CASES: list[tuple[str, str, str, Callable[[Any], Any]]] = [
    ("unknown-field", "AWQ1130", 'no field "modle_types"', lambda a: a | {"modle_types": []}),
    ("no-layer", "AWQ1102", '"layer" is missing', lambda a: {k: v for k, v in a.items() if k != "layer"}),
    ("norm-kind", "AWQ1130", '"batch" is not known here', lambda a: a | {"norm": {"kind": "batch", "epsilon": "e"}}),
    ("rms-bias", "AWQ1130", "no bias", lambda a: a | {"norm": a["norm"] | {"bias": True}}),
    ("no-mark", "AWQ1130", "{layer}", lambda a: a | {"layer": a["layer"] | {"module": "model.layers"}}),
    ("list", "AWQ1130", "one JSON object", lambda a: [a]),
    ("no-epsilon", "AWQ1102", '"eps" is missing', lambda a: a | {"norm": {"kind": "rms", "epsilon": "eps"}}),
]


@pytest.mark.parametrize(("name", "code", "fragment", "change"), ARCHITECTURE_CASES, ids=lambda v: str(v)[:20])
def test_malformed_architecture(
    name: str, code: str, fragment: str, change: Callable[[Any], Any], tmp_path: Path
) -> None:
    file = tmp_path / "architecture.json"
    file.write_text(json.dumps(change(ARCHITECTURE)))
    config = Case("", "", 0, "").write(tmp_path)
    result = translate(config, "--hf-splat", f"--hf-architecture={file}")
    check(result, malformed(name, code, fragment))
