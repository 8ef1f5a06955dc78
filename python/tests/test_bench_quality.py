"""The benchmark of quality, on a toy model and made-up text."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from import_toys import TOYS
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import quality  # noqa: E402

pytestmark = pytest.mark.tools


def test_every_variant_is_measured(
    tmp_path: Path, byte_tokenizer: Tokenizer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = next(toy for toy in TOYS if toy.name == "llama").config()
    config = LlamaConfig(**{**toy.to_dict(), "vocab_size": byte_tokenizer.get_vocab_size(), "intermediate_size": 128})
    model = tmp_path / "model"
    LlamaForCausalLM(config).save_pretrained(model)
    byte_tokenizer.save(str(model / "tokenizer.json"))
    text = tmp_path / "text.txt"
    text.write_text(" ".join(str(i * i) for i in range(400)), encoding="utf8")
    monkeypatch.setattr(quality, "VARIANTS", {k: {"group_size": 32, **v} for k, v in quality.VARIANTS.items()})
    out = tmp_path / "quality.json"
    files = ["--model", str(model), "--calib", str(text), "--text", str(text), "--out", str(out)]
    sizes = ["--samples", "4", "--sequence-length", "16", "--windows", "2", "--ctx", "32"]
    quality.main([*files, *sizes])
    report = json.loads(out.read_text(encoding="utf8"))
    names = {"float", *quality.VARIANTS}
    assert set(report["texts"]["text.txt"]) == names
    assert report["texts"]["text.txt"]["float"]["kl"] == pytest.approx(0, abs=1e-6)
    divergences = [report["texts"]["text.txt"][name]["kl"] for name in quality.VARIANTS]
    assert all(value > 0 for value in divergences)
    assert len(set(divergences)) > 3  # the options arrive
    assert report["variants"]["rtn"]["options"]["method"] == "rtn"
    assert "no-refit" in capsys.readouterr().out
