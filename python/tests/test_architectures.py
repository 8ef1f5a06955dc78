# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every architecture: logits as transformers, scaling groups as derived by hand, and groups that change nothing."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from architecture_toys import ARCHITECTURES, FAMILIES, LAYERS, VARIANTS, Family, InternLM2
from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
from compressed_tensors.entrypoints.convert.converters.autoawq import AutoAWQConverter
from import_toys import BIN, ROOT, SIZES, import_model, translate
from safetensors.torch import load_file, save_file
from test_fold_equivalence import opt
from test_logits_toys import TOKENS, check, logits_of
from test_quantize_model import GROUP, calibration, events, quantize

pytestmark = pytest.mark.tools

each = pytest.mark.parametrize("toy", ARCHITECTURES, ids=lambda toy: toy.name)


def imported(toy: Family | InternLM2, folder: Path) -> tuple[Any, Path]:
    model = toy.make(folder)
    program = folder / "model.mlir"
    program.write_text(import_model(folder))
    return model, program


@each
def test_logits_and_folds(toy: Family | InternLM2, tmp_path: Path) -> None:
    """Logits as transformers, and the same ones after all groups were scaled at once by random s in [1/16, 16]."""
    model, program = imported(toy, tmp_path)
    expected = check(model, program, tmp_path)
    scaled = tmp_path / "scaled.mlir"
    side = tmp_path / "scales.safetensors"
    scaled.write_text(opt(program, f"-awq-test-scale-groups=seed=5 side-file={side}"))
    tokens = torch.randint(0, SIZES["vocab_size"], (TOKENS,), generator=torch.Generator().manual_seed(7))
    logits = logits_of(scaled, tokens.to(torch.int32).numpy(), tmp_path)
    assert not np.array_equal(logits, expected)
    assert np.max(np.abs(logits - expected)) <= 1e-4 * np.max(np.abs(expected))


@each
def test_groups(toy: Family | InternLM2, tmp_path: Path) -> None:
    _, program = imported(toy, tmp_path)
    command: list[str | Path] = [BIN / "awq-opt", program, "-awq-find-scaling-groups=report", "-o", "/dev/null"]
    report = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stderr
    found = re.findall(r"^scaling group: (\S+) -> (.*?)(?: \(.*\))?$", report, re.MULTILINE)
    for layer, expected in enumerate(toy.groups):
        prefix = toy.layer.format(layer)
        groups = [
            f"{producer} -> {readers.replace(',', '')}".replace(prefix, "")
            for producer, readers in found
            if producer.startswith(prefix)
        ]
        assert groups == expected


def dequantized(folder: Path) -> dict[str, torch.Tensor]:
    """The weights that a checkpoint in AutoAWQ's format stands for, as compressed-tensors reads it."""
    config = json.loads((folder / "config.json").read_text())["quantization_config"]
    converter = AutoAWQConverter.from_autoawq_config(config)
    stored = load_file(folder / "model.safetensors")
    converter.validate(stored)
    tensors = converter.process(dict(stored))
    for name in [name.removesuffix(".qweight") for name in stored if name.endswith(".qweight")]:
        shape = torch.Size(tensors.pop(f"{name}.weight_shape").tolist())
        scales = tensors.pop(f"{name}.weight_scale").float()
        codes = unpack_from_int32(tensors.pop(f"{name}.weight_packed"), 4, shape).float()
        packed = tensors.pop(f"{name}.weight_zero_point")
        zeros = unpack_from_int32(packed, 4, torch.Size(scales.shape), packed_dim=0).float()
        spread = scales.repeat_interleave(GROUP, 1)
        tensors[f"{name}.weight"] = (codes - zeros.repeat_interleave(GROUP, 1)) * spread
    return {name: tensor.float().contiguous() for name, tensor in tensors.items()}


@each
def test_quantized_checkpoint(toy: Family | InternLM2, tmp_path: Path) -> None:
    """Quantized with AWQ, the checkpoint runs as transformers does with the weights that its codes stand for."""
    folder, out = tmp_path / "model", tmp_path / "out"
    folder.mkdir()
    model = toy.make(folder)
    data = calibration(tmp_path / "calibration.safetensors")
    said = events(quantize(folder, out, "--quantize=awq", f"--calibration={data}", "--search-clips", "--refit-scales"))
    (guard,) = (event for event in said if event["event"] == "guard")
    layers = [event for event in said if event["event"] == "layer"][:LAYERS]
    for layer, expected in zip(layers, toy.groups, strict=True):
        assert len(layer["groups"]) == len(expected)
    assert any(group["formula"] != "identity" for layer in layers for group in layer["groups"])
    assert guard["accepted"] == (guard["kl_awq"] <= guard["kl_rtn"])
    check(toy.load(tmp_path / "exact", dequantized(out), model), out, tmp_path)


@pytest.mark.parametrize(
    ("name", "changes", "code", "text"),
    [
        ("falcon", {"alibi": True}, "AWQ1112", 'this variant of "falcon" is not supported: '),
        ("opt", {"do_layer_norm_before": False}, "AWQ1112", '"do_layer_norm_before": false are not supported'),
        ("opt", {"word_embed_proj_dim": 32}, "AWQ1112", '"word_embed_proj_dim": 32 are not supported'),
        ("opt", {"ffn_dim": None, "intermediate_size": None}, "AWQ1102", '"ffn_dim" is missing'),
        ("gptj", {"n_embd": None}, "AWQ1102", '"n_embd" is missing'),
        ("gptj", {"n_embd": 1 << 40}, "AWQ1104", '"n_embd" is 1099511627776'),
        ("gptj", {"rotary_dim": 7}, "AWQ1105", "7 of 16, is odd"),
        ("phi3", {"rope_parameters": {"partial_rotary_factor": 0.01}}, "AWQ1105", "0 of 16, is zero"),
        ("qwen3_moe", {"num_experts_per_tok": 9}, "AWQ1105", "9 of 3 experts cannot be chosen"),
        ("qwen3_moe", {"num_experts": 1 << 20}, "AWQ1105", "2 of 1048576 experts cannot be chosen"),
        ("qwen3_moe", {"num_experts": None, "num_local_experts": 0}, "AWQ1104", "is 0, outside 1 to 4194304"),
        ("qwen3_moe", {"moe_intermediate_size": 0}, "AWQ1104", "the inner size of an expert"),
        ("deepseek_v3", {"n_shared_experts": 1 << 30}, "AWQ1104", "the inner size of the shared experts"),
        ("gemma2", {"attn_logit_softcapping": -1.0}, "AWQ1104", '"attn_logit_softcapping" is -1'),
        ("gemma2", {"final_logit_softcapping": -1.0}, "AWQ1104", '"final_logit_softcapping" is -1'),
        ("qwen3_moe", {"num_experts_per_tok": "two"}, "AWQ1103", '"num_experts_per_tok" must be'),
        ("deepseek_v3", {"n_group": 3}, "AWQ1105", "2 of 4 experts cannot be chosen from 1 of 3 groups"),
        ("deepseek_v3", {"kv_lora_rank": None}, "AWQ1102", '"kv_lora_rank" is missing'),
        ("deepseek_v3", {"rope_interleave": False}, "AWQ1112", '"rope_interleave": false are not supported'),
    ],
)
def test_a_variant_that_is_refused(name: str, changes: dict[str, Any], code: str, text: str, tmp_path: Path) -> None:
    next(toy for toy in ARCHITECTURES if toy.name == name).make(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    result = translate(path, "--hf-splat")
    assert result.returncode in (3, 4)
    assert f"[{code}]" in result.stderr and text in result.stderr


@each
def test_without_weights(toy: Family | InternLM2, tmp_path: Path) -> None:
    """Only config.json is read: the same graph, with splats for parameters."""
    toy.make(tmp_path)
    programs = [import_model(tmp_path)]
    (tmp_path / "model.safetensors").unlink()
    programs.append(import_model(tmp_path, "--hf-splat"))
    ops = [re.findall(r" = (\w+\.\w+) ", program) for program in programs]
    assert len(ops[0]) > 20 and ops[0] == ops[1]


def test_a_starved_expert_borrows_the_tokens_of_its_block(tmp_path: Path) -> None:
    """The last expert's logits are far below the others', so that no token is sent there."""
    toy = next(toy for toy in ARCHITECTURES if toy.name == "mixtral")
    folder = tmp_path / "model"
    folder.mkdir()
    toy.make(folder)
    tensors = load_file(folder / "model.safetensors")
    router = torch.eye(64)[:3].clone()
    router[2] = -50.0 * torch.eye(64)[5]
    tensors["model.layers.1.block_sparse_moe.gate.weight"] = router
    tensors["model.layers.1.post_attention_layernorm.weight"] = torch.ones(64)
    # A channel that is large and positive in the residual.
    tensors["model.embed_tokens.weight"][:, 5] = 6.0
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    data = calibration(tmp_path / "calibration.safetensors")
    statistics = tmp_path / "statistics.safetensors"
    options = ("--quantize=awq", f"--calibration={data}", f"--statistics={statistics}")
    said = events(quantize(folder, tmp_path / "out", *options))
    layer = next(event for event in said if event["event"] == "layer" and event["index"] == 1)
    site = "model.layers.1.block_sparse_moe.experts.2.w2.input"
    assert {"site": site, "tokens": 0, "guard_tokens": 0} in layer["borrowed"]
    found = load_file(statistics)
    assert found[f"{site}/fit/tokens"].item() == 8 * 40
    assert found["model.layers.1.block_sparse_moe.experts.0.w2.input/fit/tokens"].item() <= 8 * 40
    group = next(g for g in layer["groups"] if g["name"] == "model.layers.1.block_sparse_moe.experts.2.w3")
    assert group["loss_rtn"] > 0


FILES = ROOT / "lib" / "Target" / "HuggingFace" / "architectures"


def test_a_file_of_the_users_own(tmp_path: Path) -> None:
    toy = next(toy for toy in ARCHITECTURES if toy.name == "mixtral")
    model = toy.make(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(config.read_text().replace('"mixtral"', '"of_my_own"'))
    result = translate(config)
    assert result.returncode == 4 and "AWQ1106" in result.stderr
    mine = tmp_path / "mine.json"
    mine.write_text((FILES / "mixtral.json").read_text().replace('"mixtral"', '"of_my_own"'))
    program = tmp_path / "model.mlir"
    program.write_text(import_model(tmp_path, f"--hf-architecture={mine}"))
    check(model, program, tmp_path)


@pytest.mark.parametrize(
    ("name", "path", "value", "text"),
    [
        ("mixtral", ["layer", "experts", "up", "module"], "mlp.up", "must contain {expert}"),
        ("mixtral", ["layer", "experts", "scoring"], "argmax", '"argmax" is not known here'),
        ("mixtral", ["layer", "experts", "count"], {"a": 1}, '"count" is no size'),
        ("mixtral", ["layer", "experts", "cuont"], 1, 'no field "cuont"'),
        ("phi3", ["layer", "attention", "query_norm"], "q_norm", "query and key have norms only where"),
        ("phi3", ["layer", "attention", "order"], "rows", '"rows" is not known here'),
        ("phi3", ["layer", "mlp", "kind"], "plain", "a plain MLP has no gate"),
        ("gptj", ["names", "hidden_size"], -1, '"hidden_size" is no size'),
        ("gptj", ["layer", "module"], "transformer.h", "must contain {layer}"),
        ("deepseek_v3", ["layer", "attention", "latent_epsilon"], None, 'latent_epsilon" is missing'),
    ],
)
def test_a_file_with_a_mistake(name: str, path: list[str], value: Any, text: str, tmp_path: Path) -> None:
    next(toy for toy in ARCHITECTURES if toy.name == name).make(tmp_path)
    root = json.loads((FILES / f"{name}.json").read_text())
    section = root
    for key in path[:-1]:
        section = section[key]
    section[path[-1]] = value
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps(root))
    result = translate(tmp_path / "config.json", "--hf-splat", f"--hf-architecture={mine}")
    assert result.returncode == 3
    assert text in result.stderr and "mine.json" in result.stderr


def test_null_is_the_default_of_a_variant(tmp_path: Path) -> None:
    """Falcon-40B's config.json says nothing about its norms: transformers then takes two."""
    next(toy for toy in ARCHITECTURES if toy.name == "falcon-two-norms").make(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_ln_in_parallel_attn": None}))
    assert "transformer.h.0.ln_mlp" in import_model(tmp_path)


@pytest.mark.parametrize(("name", "fields"), VARIANTS, ids=lambda value: value if isinstance(value, str) else "")
def test_logits_of_variants(name: str, fields: dict[str, Any], tmp_path: Path) -> None:
    family = next(toy for toy in FAMILIES if toy.name == name)
    model, program = imported(replace(family, fields={**family.fields, **fields}), tmp_path)
    check(model, program, tmp_path)


def test_the_correction_of_a_router_is_not_rounded(tmp_path: Path) -> None:
    """DeepSeek-V3's corrections are large numbers that differ little: in float16 other experts would be chosen."""
    toy = next(toy for toy in ARCHITECTURES if toy.name == "deepseek_v3")
    folder = tmp_path / "model"
    folder.mkdir()
    toy.make(folder)
    tensors = load_file(folder / "model.safetensors")
    name = "model.layers.1.mlp.gate.e_score_correction_bias"
    tensors[name] += 17.0
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    quantize(folder, tmp_path / "out", "--quantize=rtn").check_returncode()
    stored = load_file(tmp_path / "out" / "model.safetensors")
    assert stored[name].dtype == torch.float32 and torch.equal(stored[name], tensors[name])
    assert not torch.equal(tensors[name].half().float(), tensors[name])
    assert stored["model.layers.1.mlp.gate.weight"].dtype == torch.float16
    import_model(tmp_path / "out")
