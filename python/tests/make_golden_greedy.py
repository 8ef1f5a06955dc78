#!/usr/bin/env python3
"""Makes golden/greedy_smollm2.json: what transformers writes greedily with build/models/smollm2.

The demo, which installs no PyTorch, compares our float model's tokens to this file; `make test`
compares both to transformers again. Run with build/test-venv/bin/python after a change of the model.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
MODEL = FOLDER.parents[1] / "build" / "models" / "smollm2"
GOLDEN = FOLDER / "golden" / "greedy_smollm2.json"
TOKENS = 64
PROMPTS = [
    "The meaning of life is",
    "Once upon a time, in a village by the sea,",
    "def fibonacci(n):\n",
    "The capital of France is Paris. The capital of Italy is",
    "A compiler is a program that",
]


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def greedy(model: Any, prompt: list[int]) -> tuple[list[int], float]:
    """The next tokens, end tokens included, and the smallest lead of a chosen token's logit."""
    import torch

    tokens: list[int] = []
    lead = float("inf")
    with torch.no_grad():
        step = model(torch.tensor([prompt]), use_cache=True)
        while True:
            best = step.logits[0, -1].topk(2)
            tokens.append(int(best.indices[0]))
            lead = min(lead, float(best.values[0] - best.values[1]))
            if len(tokens) == TOKENS:
                return tokens, lead
            step = model(torch.tensor([tokens[-1:]]), past_key_values=step.past_key_values, use_cache=True)


def make(model_folder: Path) -> dict[str, Any]:
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    tokenizer = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer.encode(prompt).ids
        tokens, lead = greedy(model, ids)
        cases.append({"prompt": prompt, "prompt_tokens": ids, "tokens": tokens, "smallest_lead": round(lead, 4)})
    return {"model_sha256": sha256(model_folder / "model.safetensors"), "cases": cases}


def main() -> None:
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(make(MODEL), indent=1) + "\n", encoding="utf8")
    print(GOLDEN)


if __name__ == "__main__":
    main()
