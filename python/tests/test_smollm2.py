"""The demo's model against transformers: same function as before the permutation, same tokenizer, golden output.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import make_golden_greedy as golden
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from awq_mlir.text import apply_chat_template, chat_template

PERPLEXITY = 21.476  # 16 windows of 1024 tokens of the first 200,000 characters, no added token
TEXTS = [
    "Hello <|im_start|>user\nΩ 12345 naïve 😀\t\tx <|im_end|>",
    "def f(x):\n    return  x**2 # 3.14159\n",
    "Ünïcödé — “quotes”, ﬁ, 日本語, \u200d zero width, e\u0301",
]


@pytest.fixture(scope="module")
def judging_text(root: Path) -> str:
    return (root / "build" / "corpora" / "eval_anarchism.txt").read_text(encoding="utf8")[:200000]


@pytest.fixture(scope="module")
def reference(smollm2: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32).eval()


def perplexity(model: Any, ids: list[int], windows: int) -> float:
    nll = 0.0
    with torch.no_grad():
        for start in range(0, windows * 1024, 1024):
            window = torch.tensor([ids[start : start + 1024]])
            scores = torch.log_softmax(model(window).logits[0, :-1], -1)
            nll -= scores.gather(1, window[0, 1:, None]).double().sum().item()
    return math.exp(nll / (windows * 1023))


@pytest.mark.long  # of transformers alone
@pytest.mark.model
def test_perplexity_is_the_quoted_one(smollm2: Path, reference: Any, judging_text: str) -> None:
    ids = Tokenizer.from_file(str(smollm2 / "tokenizer.json")).encode(judging_text).ids
    assert perplexity(reference, ids, 16) == pytest.approx(PERPLEXITY, abs=5e-4)


@pytest.mark.model
def test_the_permutation_keeps_the_function(
    smollm2: Path, reference: Any, tmp_path: Path, load_script: Callable[[str], ModuleType]
) -> None:
    load_script("make_smollm2").write_model(tmp_path / "plain", seed=0, permuted=False)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "plain", dtype=torch.float32).eval()
    window = torch.arange(100, 400)[None]
    with torch.no_grad():
        assert torch.allclose(plain(window).logits, reference(window).logits, atol=2e-3)
    before, after = (load_file(folder / "model.safetensors") for folder in (tmp_path / "plain", smollm2))
    for name in before:
        assert not np.array_equal(before[name], after[name])  # every tensor is permuted
        assert np.array_equal(np.sort(before[name], axis=None), np.sort(after[name], axis=None))


@pytest.mark.model
def test_the_same_package_gives_the_same_bytes(
    smollm2: Path, tmp_path: Path, load_script: Callable[[str], ModuleType]
) -> None:
    script = load_script("make_smollm2")
    script.write_model(tmp_path / "again", script.SEED)
    for path in smollm2.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


@pytest.mark.model
def test_tokenizer_is_transformers_and_round_trips(smollm2: Path, judging_text: str) -> None:
    theirs = AutoTokenizer.from_pretrained(smollm2)
    ours = Tokenizer.from_file(str(smollm2 / "tokenizer.json"))
    for text in [*TEXTS, judging_text[:20000]]:
        ids = ours.encode(text, add_special_tokens=False).ids
        assert ids == theirs(text, add_special_tokens=False)["input_ids"]
        assert ours.decode(ids, skip_special_tokens=False) == text
    assert (theirs.eos_token_id, theirs.bos_token_id, theirs.pad_token_id) == (2, 1, 2)


@pytest.mark.model
@pytest.mark.parametrize("system", [None, "Be brief."])
def test_chat_prompt_is_transformers(smollm2: Path, system: str | None) -> None:
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": "Why?\n"})
    template = chat_template(smollm2)
    assert template is not None
    expected = AutoTokenizer.from_pretrained(smollm2).apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )
    assert apply_chat_template(smollm2, template, messages) == expected


@pytest.mark.long  # of transformers alone
@pytest.mark.model
def test_the_golden_file_is_what_transformers_writes(smollm2: Path, reference: Any) -> None:
    stored = json.loads(golden.GOLDEN.read_text(encoding="utf8"))
    assert stored["model_sha256"] == golden.sha256(smollm2 / "model.safetensors")
    for case in stored["cases"]:
        tokens, _ = golden.greedy(reference, case["prompt_tokens"])
        assert tokens == case["tokens"], case["prompt"]
        assert len(tokens) == golden.TOKENS
