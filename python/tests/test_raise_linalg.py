# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Linalg of torch-mlir and of StableHLO, raised in place, lowered again and run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from exported_toys import (
    FAMILIES,
    LAYERS,
    Arrays,
    Plain,
    example,
    export_linalg,
    lower_to_linalg,
    make,
    reference,
    run,
    tool,
)

LOWER = ("--convert-decoder-to-linalg", "--convert-awq-to-linalg")
RESOURCE = re.compile(r'^ +([\w."]+): "0x([0-9A-F]+)"', re.MULTILINE)


def passes(source: Path, result: Path, *flags: str) -> str:
    done = tool("awq-opt", source, *flags, "-o", result)
    assert done.returncode == 0, done.stderr
    return result.read_text()


def count(text: str, name: str) -> int:
    return len(re.findall(rf"= {re.escape(name)} ", text))


def evaluate(module: Path, folder: Path, *arguments: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The only result of `main`."""
    inputs: Arrays = {f"arg{i}": value for i, value in enumerate(arguments)}
    (result,) = run(module, inputs, folder).values()
    return result


FORMS = ["static", "dynamic", "stablehlo"]
# Of the others, each way of writing once, and the rest in the long sweep.
USUAL = {("gemma2", "dynamic"), ("phi3", "static"), ("gptneox", "stablehlo"), ("opt", "stablehlo")}
DECODERS = [
    pytest.param(name, form, marks=[] if name == "llama" or (name, form) in USUAL else pytest.mark.long)
    for name in ["llama", "gemma2", "phi3", "gptneox", "opt"]
    for form in FORMS
]


@pytest.mark.parametrize(("name", "form"), DECODERS)
def test_decoders(name: str, form: str, tmp_path: Path) -> None:
    family = FAMILIES[name]
    model = make(name)
    # OPT counts positions by an op of a dialect of torch-mlir's own, if it is not given them.
    positions = name == "opt" and form != "stablehlo"
    source = export_linalg(
        model, tmp_path / "model.mlir", dynamic=form == "dynamic", stablehlo=form == "stablehlo", positions=positions
    )
    before = source.read_text()
    # The sequence has no padding.
    raised = passes(source, tmp_path / "raised.mlir", "--awq-raise-linalg=unpadded")
    # What the architecture has, and no product beside it.
    assert count(raised, "awq.linear") == family.linears * LAYERS + 1
    assert count(raised, "decoder.rms_norm") + count(raised, "decoder.layer_norm") == family.norms * LAYERS + 1
    assert count(raised, "decoder.glu") == family.gated * LAYERS
    assert raised.count("= decoder.attention ") == LAYERS
    assert count(raised, "decoder.rotary") == (0 if name == "opt" else 2 * LAYERS)
    assert not re.search(r"linalg\.(?:batch_)?matmul", raised)
    if family.gated == 0 and (name, form) != ("gptneox", "stablehlo"):  # whose erf is a polynomial
        assert count(raised, "decoder.activation") == LAYERS
    # Weights are the resources that they were, once.
    resources = dict(RESOURCE.findall(before))
    assert len(resources) > family.linears * LAYERS
    assert dict(RESOURCE.findall(raised)) == resources
    assert len(raised) < len(before)
    # Arguments and results stay, and so do the numbers.
    signature = re.compile(r"func\.func @main\(.*\) -> .* \{")
    assert signature.findall(raised) == signature.findall(before)
    lowered = passes(tmp_path / "raised.mlir", tmp_path / "lowered.mlir", *LOWER)
    assert not re.search(r"(?:awq|decoder)\.\w+ %", lowered)
    feed = example(model, 1, 8, 0)
    arguments = list(feed.values())
    if positions:
        arguments.append(arguments[1].cumsum(-1) - 1)
    expected = reference(model, feed)
    got = evaluate(tmp_path / "lowered.mlir", tmp_path, *arguments)
    np.testing.assert_allclose(got, expected, atol=2e-5, rtol=0)
    original = evaluate(source, tmp_path, *arguments)
    # torch-mlir writes 0.797724 for sqrt(2 / pi) in the GELU of Gemma.
    tolerance = 5e-4 if name.startswith("gemma") and form != "stablehlo" else 2e-5
    np.testing.assert_allclose(got, original, atol=tolerance, rtol=0)


def test_padding(tmp_path: Path) -> None:
    """A mask that hides something keeps its meaning: attention under it is not raised."""
    model = make("llama")
    source = export_linalg(model, tmp_path / "model.mlir", dynamic=True)
    raised = passes(source, tmp_path / "raised.mlir", "--awq-raise-linalg")
    assert "decoder.attention" not in raised
    assert len(re.findall(r"linalg\.batch_matmul", raised)) == 2 * LAYERS
    feed = example(model, 1, 8, 0)
    feed["attention_mask"][0, :3] = 0
    got = evaluate(tmp_path / "raised.mlir", tmp_path, *feed.values())
    np.testing.assert_allclose(got[:, 3:], reference(model, feed)[:, 3:], atol=2e-5, rtol=0)


def test_half_precision(tmp_path: Path) -> None:
    model = make("llama")
    feed = example(model, 1, 8, 0)
    expected = reference(model, feed)
    source = export_linalg(model.half(), tmp_path / "model.mlir", dynamic=True)
    raised = passes(source, tmp_path / "raised.mlir", "--awq-raise-linalg=unpadded")
    assert raised.count("= decoder.attention ") == LAYERS
    assert len(re.findall(r"= awq\.linear .* : \(tensor<\S+xf16>", raised)) == FAMILIES["llama"].linears * LAYERS + 1
    got = evaluate(tmp_path / "raised.mlir", tmp_path, *feed.values())
    np.testing.assert_allclose(got, expected, atol=6e-3, rtol=0)


@pytest.mark.parametrize("kind", ["distances", "batch"])
def test_attention_of_other_kinds(kind: str, tmp_path: Path) -> None:
    """Scores with distances added, and two sequences at once: attention stays, linears are raised."""
    name, why = ("bloom", "scores that are no product") if kind == "distances" else ("llama", "more than one sequence")
    model = make(name)
    feed = example(model, 1 if kind == "distances" else 2, 8, 0)
    tensors = (torch.from_numpy(feed["input_ids"]), torch.from_numpy(feed["attention_mask"]))
    source = lower_to_linalg(Plain(model), tensors, tmp_path / "model.mlir", stablehlo=True)
    done = tool("awq-opt", source, "--awq-raise-linalg=remarks unpadded", "-o", tmp_path / "raised.mlir")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(why) == LAYERS
    raised = (tmp_path / "raised.mlir").read_text()
    assert "decoder.attention" not in raised
    assert count(raised, "awq.linear") == FAMILIES[name].linears * LAYERS + 1
    got = evaluate(tmp_path / "raised.mlir", tmp_path, *feed.values())
    # Where nothing is padded: the second sequence begins with two tokens that are.
    seen = feed["attention_mask"] == 1
    np.testing.assert_allclose(got[seen], reference(model, feed)[seen], atol=2e-5, rtol=0)


def test_groups_and_quantization(tmp_path: Path) -> None:
    model = make("llama", num_key_value_heads=4)
    source = export_linalg(model, tmp_path / "model.mlir", dynamic=True)
    groups = passes(source, tmp_path / "groups.mlir", "--awq-raise-linalg=unpadded", "--awq-find-scaling-groups")
    found = re.findall(r"awq\.linear .*?awq\.group = \"([^\"]+)\"", groups)
    # Per layer q, k and v behind a norm, o behind v through attention, gate and up behind another norm,
    # down behind up; and the head.
    sizes = [found.count(group) for group in dict.fromkeys(found)]
    assert sizes == [3, 1, 2, 1] * LAYERS + [1]
    rounding = "group=16 bits=8 search-scales=false search-clips=false refit=false refine=false"
    quantized = passes(tmp_path / "groups.mlir", tmp_path / "quantized.mlir", f"--awq-quantize-pipeline={rounding}")
    assert count(quantized, "awq.linear") == 0
    assert count(quantized, "awq.quantized_linear") == FAMILIES["llama"].linears * LAYERS + 1
    feed = example(model, 1, 6, 0)
    got = evaluate(tmp_path / "quantized.mlir", tmp_path, *feed.values())
    # The same weights rounded in the model itself.
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if weight.dim() == 2 and "embed" not in key:
                weight.copy_(rounded(weight))
    np.testing.assert_allclose(got, reference(model, feed), atol=2e-5, rtol=0)


def rounded(weight: torch.Tensor) -> torch.Tensor:
    """Asymmetric codes of 8 bits over 16 channels, scales in f16."""
    groups = weight.reshape(-1, 16)
    low = groups.amin(1, keepdim=True).clamp(max=0)
    high = groups.amax(1, keepdim=True).clamp(min=0)
    scales = ((high - low) / 255).half().float()
    zeros = (-low / scales).round().clamp(0, 255)
    codes = ((groups / scales).round() + zeros).clamp(0, 255)
    return ((codes - zeros) * scales).reshape(weight.shape)


class Layer(torch.nn.Module):
    """No decoder: two norms, a gated unit, biases, and a residual."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.LayerNorm(16)
        self.second = torch.nn.RMSNorm(16, eps=1e-6)
        self.gate = torch.nn.Linear(16, 32, bias=False)
        self.up = torch.nn.Linear(16, 32)
        self.down = torch.nn.Linear(32, 16)
        for name, parameter in self.named_parameters():
            if "weight" not in name or parameter.dim() == 1:
                torch.nn.init.normal_(parameter, 1.0 if "weight" in name else 0.0, 0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.second(self.first(x))
        y: torch.Tensor = self.down(torch.nn.functional.silu(self.gate(h)) * self.up(h))
        return x + y


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("half", [False, True])
def test_layer(half: bool, form: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    layer = Layer().eval()
    x = torch.randn(2, 5, 16)
    if half:
        layer, x = layer.half(), x.half()
    shapes = ({1: torch.export.Dim.DYNAMIC},) if form == "dynamic" else None
    source = lower_to_linalg(layer, (x,), tmp_path / "layer.mlir", shapes=shapes, stablehlo=form == "stablehlo")
    raised = passes(source, tmp_path / "raised.mlir", "--awq-raise-linalg")
    names = ("awq.linear", "decoder.layer_norm", "decoder.rms_norm", "decoder.glu")
    assert [count(raised, name) for name in names] == [3, 1, 1, 1]
    # The residual is all that stays; linears read what was not extended for them.
    assert raised.count("linalg.generic") == 1
    assert not half or len(re.findall(r"= awq\.linear .* : \(tensor<\S+xf16>", raised)) == 3
    passes(tmp_path / "raised.mlir", tmp_path / "lowered.mlir", *LOWER)
    x = torch.randn(2, 7, 16).to(x.dtype) if form == "dynamic" else x
    with torch.no_grad():
        expected = layer.float()(x.float())
    tolerance = 6e-3 if half else 2e-5
    got = evaluate(tmp_path / "lowered.mlir", tmp_path, x.numpy())
    np.testing.assert_allclose(got, expected.numpy(), atol=tolerance, rtol=0)
    np.testing.assert_allclose(evaluate(source, tmp_path, x.numpy()), got, atol=tolerance, rtol=0)
