# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A toy of every architecture that the importer knows by data, and its scaling groups, derived by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from import_toys import SIZES
from safetensors.torch import load_file, save_file

LAYERS = 2
SMALL: dict[str, Any] = {
    **SIZES,
    "num_hidden_layers": LAYERS,
    "pad_token_id": 0,
    "eos_token_id": 2,
}
MLA: dict[str, Any] = {
    "num_key_value_heads": 4,
    "kv_lora_rank": 48,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 16,
    "v_head_dim": 12,
    "q_lora_rank": 32,
    "n_routed_experts": 4,
    "n_shared_experts": 2,
    "moe_intermediate_size": 32,
    "first_k_dense_replace": 1,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 64,
    "mscale": 0.7,
    "mscale_all_dim": 0.9,
}
GPTJ = {
    "n_embd": 64,
    "n_layer": LAYERS,
    "n_head": 4,
    "n_positions": 256,
    "rotary_dim": 8,
    "vocab_size": 96,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "initializer_range": 0.2,
}

# Groups of one layer, "producer -> readers". Why each is there or not, is said beside it.
NORM_QKV = "input_layernorm -> self_attn.q_proj self_attn.k_proj self_attn.v_proj"
V_O = "self_attn.v_proj -> self_attn.o_proj"  # attention mixes tokens, not channels
NORM_GLU = "post_attention_layernorm -> mlp.gate_proj mlp.up_proj"
UP_DOWN = "mlp.up_proj -> mlp.down_proj"  # up is a factor of the product; the gate goes through its activation
LLAMA = [NORM_QKV, V_O, NORM_GLU, UP_DOWN]


def experts(count: int, module: str, gate: str, up: str, down: str, shared: str = "") -> list[str]:
    """The router reads the norm like every expert, so it is scaled with them; each expert's up feeds its own down."""
    inner = [f"{module}.experts.{e}." for e in range(count)]
    readers = [f"{module}.gate", *[name for e in inner for name in (e + gate, e + up)]]
    groups = [f"{e}{up} -> {e}{down}" for e in inner]
    if shared:
        readers += [f"{shared}.gate_proj", f"{shared}.up_proj"]
        groups.append(f"{shared}.up_proj -> {shared}.down_proj")
    return [f"post_attention_layernorm -> {' '.join(readers)}", *groups]


LATENT = [
    "input_layernorm -> self_attn.q_a_proj self_attn.kv_a_proj_with_mqa",
    "self_attn.q_a_layernorm -> self_attn.q_b_proj",
    "self_attn.kv_a_layernorm -> self_attn.kv_b_proj",
    "self_attn.kv_b_proj -> self_attn.o_proj",  # the value rows of each head only; the others feed scores
]
DENSE_THEN_EXPERTS = [
    [*LATENT, NORM_GLU, UP_DOWN],
    [*LATENT, *experts(4, "mlp", "gate_proj", "up_proj", "down_proj", "mlp.shared_experts")],
]


@dataclass(frozen=True)
class Family:
    """A configuration class of transformers, the fields that differ from SMALL, and the groups of each layer."""

    name: str
    kind: str
    layer: str
    groups: list[list[str]]
    fields: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, Any] = field(default_factory=lambda: SMALL)

    def make(self, folder: Path) -> Any:
        """Saves the model. Norms and biases show when they are left out; some channels are outliers."""
        torch.manual_seed(20240607)
        config = getattr(transformers, self.kind + "Config")(**{**self.sizes, **self.fields})
        model = getattr(transformers, self.kind.removesuffix("Text") + "ForCausalLM")(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "norm" in name or ".ln_" in name:
                    parameter.uniform_(0.5, 1.5) if name.endswith("weight") else parameter.uniform_(-0.5, 0.5)
                    if parameter.numel() == 64 and name.endswith("weight"):
                        parameter[[7, 40]] *= 6.0
                elif name.endswith(".bias"):
                    parameter.uniform_(-0.5, 0.5)
                else:
                    parameter.normal_(std=0.15)
            for name, buffer in model.named_buffers():
                if name.endswith("e_score_correction_bias"):
                    buffer.uniform_(-0.3, 0.3)
        model = model.eval()
        model.save_pretrained(folder)
        return model

    def load(self, folder: Path, tensors: dict[str, torch.Tensor], like: Any) -> Any:
        """The model with the tensors of a checkpoint."""
        folder.mkdir()
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        like.config.save_pretrained(folder)
        return type(like).from_pretrained(folder, dtype=torch.float32).eval()


def same(groups: list[str]) -> list[list[str]]:
    return [groups] * LAYERS


FALCON_LAYER = "transformer.h.{}."
FAMILIES = [
    Family("gemma", "Gemma", "model.layers.{}.", same(LLAMA), {"head_dim": 24, "hidden_act": "silu"}),
    Family(
        "gemma2",
        "Gemma2",
        "model.layers.{}.",
        # The norm that the MLP reads is the one before it; the two after the blocks feed the residual.
        same([NORM_QKV, V_O, NORM_GLU.replace("post_attention", "pre_feedforward"), UP_DOWN]),
        {
            "head_dim": 16,
            "sliding_window": 6,
            "query_pre_attn_scalar": 24,
            "attn_logit_softcapping": 5.0,
            "final_logit_softcapping": 3.0,
        },
    ),
    Family(
        "gemma3",
        "Gemma3Text",
        "model.layers.{}.",
        same([NORM_QKV, V_O, NORM_GLU.replace("post_attention", "pre_feedforward"), UP_DOWN]),
        {
            "head_dim": 16,
            "sliding_window": 6,
            "query_pre_attn_scalar": 24,
            "layer_types": ["sliding_attention", "full_attention"],
        },
    ),
    Family(
        "phi3",
        "Phi3",
        "model.layers.{}.",
        same(
            [
                "input_layernorm -> self_attn.qkv_proj",
                "self_attn.qkv_proj -> self_attn.o_proj",  # the rows of v only
                "post_attention_layernorm -> mlp.gate_up_proj",
                "mlp.gate_up_proj -> mlp.down_proj",  # the rows of up only
            ]
        ),
        {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}},
    ),
    Family(
        "phi",
        "Phi",
        "model.layers.{}.",
        # Parallel blocks with one norm: q, k, v and fc1 are scaled together. GELU does not commute.
        same(
            [
                "input_layernorm -> self_attn.q_proj self_attn.k_proj self_attn.v_proj mlp.fc1",
                "self_attn.v_proj -> self_attn.dense",
            ]
        ),
    ),
    Family(
        "opt",
        "OPT",
        "model.decoder.layers.{}.",
        same(
            [
                "self_attn_layer_norm -> self_attn.q_proj self_attn.k_proj self_attn.v_proj",
                "self_attn.v_proj -> self_attn.out_proj",
                "final_layer_norm -> fc1",
                "fc1 -> fc2",  # relu(s x) = s relu(x)
            ]
        ),
        {"ffn_dim": 112, "word_embed_proj_dim": 64},
    ),
    *[
        Family(
            name,
            "GPTNeoX",
            "gpt_neox.layers.{}.",
            same(
                [
                    "input_layernorm -> attention.query_key_value",
                    "attention.query_key_value -> attention.dense",  # each head's rows of v
                    "post_attention_layernorm -> mlp.dense_h_to_4h",
                ]
            ),
            {"use_parallel_residual": parallel},
        )
        for name, parallel in (("gpt_neox", True), ("gpt_neox-sequential", False))
    ],
    Family(
        "falcon",
        "Falcon",
        FALCON_LAYER,
        same(
            [
                "input_layernorm -> self_attention.query_key_value mlp.dense_h_to_4h",
                "self_attention.query_key_value -> self_attention.dense",
            ]
        ),
    ),
    Family(
        "falcon-two-norms",
        "Falcon",
        FALCON_LAYER,
        same(
            [
                "ln_attn -> self_attention.query_key_value",
                "self_attention.query_key_value -> self_attention.dense",
                "ln_mlp -> mlp.dense_h_to_4h",
            ]
        ),
        {"new_decoder_architecture": True, "num_kv_heads": 2},
    ),
    Family(
        "falcon-one-norm",
        "Falcon",
        FALCON_LAYER,
        same(
            [
                "input_layernorm -> self_attention.query_key_value mlp.dense_h_to_4h",
                "self_attention.query_key_value -> self_attention.dense",
            ]
        ),
        {"new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1},
    ),
    Family(
        "falcon-sequential",
        "Falcon",
        FALCON_LAYER,
        same(
            [
                "input_layernorm -> self_attention.query_key_value",
                "self_attention.query_key_value -> self_attention.dense",
                "post_attention_layernorm -> mlp.dense_h_to_4h",
            ]
        ),
        {"multi_query": False, "parallel_attn": False, "alibi": True, "bias": True},
    ),
    Family(
        "starcoder2",
        "Starcoder2",
        "model.layers.{}.",
        same([NORM_QKV, V_O, "post_attention_layernorm -> mlp.c_fc"]),
        {"sliding_window": 6},
    ),
    Family(
        "cohere",
        "Cohere",
        "model.layers.{}.",
        same([NORM_QKV + " mlp.gate_proj mlp.up_proj", V_O, UP_DOWN]),
    ),
    # Norms come after the blocks: nothing before q, k, v, gate and up can be scaled.
    Family("olmo2", "Olmo2", "model.layers.{}.", same([V_O, UP_DOWN])),
    Family(
        "gptj",
        "GPTJ",
        "transformer.h.{}.",
        same(["ln_1 -> attn.q_proj attn.k_proj attn.v_proj mlp.fc_in", "attn.v_proj -> attn.out_proj"]),
        sizes=GPTJ,
    ),
    Family("stablelm", "StableLm", "model.layers.{}.", same(LLAMA), {"use_qkv_bias": True}),
    Family(
        "mixtral",
        "Mixtral",
        "model.layers.{}.",
        same([NORM_QKV, V_O, *experts(3, "block_sparse_moe", "w1", "w3", "w2")]),
        {"num_local_experts": 3, "sliding_window": None},
    ),
    Family(
        "qwen3_moe",
        "Qwen3Moe",
        "model.layers.{}.",
        [[*LLAMA], [NORM_QKV, V_O, *experts(3, "mlp", "gate_proj", "up_proj", "down_proj")]],
        {
            "num_experts": 3,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 48,
            "head_dim": 16,
            "decoder_sparse_step": 2,
            "norm_topk_prob": True,
        },
    ),
    Family(
        "deepseek_v2",
        "DeepseekV2",
        "model.layers.{}.",
        DENSE_THEN_EXPERTS,
        {**MLA, "topk_method": "group_limited_greedy", "routed_scaling_factor": 1.5},
    ),
    Family(
        "deepseek_v2-lite",
        "DeepseekV2",
        "model.layers.{}.",
        [
            ["input_layernorm -> self_attn.q_proj self_attn.kv_a_proj_with_mqa", *groups[2:]]
            for groups in DENSE_THEN_EXPERTS
        ],
        {**MLA, "q_lora_rank": None},
    ),
    Family("deepseek_v3", "DeepseekV3", "model.layers.{}.", DENSE_THEN_EXPERTS, {**MLA, "rope_parameters": YARN}),
]


INTERNLM2_NAMES = {
    "model.embed_tokens": "model.tok_embeddings",
    "lm_head": "output",
    "self_attn.o_proj": "attention.wo",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.up_proj": "feed_forward.w3",
    "mlp.down_proj": "feed_forward.w2",
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
}


@dataclass(frozen=True)
class InternLM2:
    """InternLM2 is no model of transformers. It is Llama with fused, interleaved q, k and v and other names
    (modeling_internlm2.py beside its checkpoints), so a Llama model is the reference."""

    name: str = "internlm2"
    layer: str = "model.layers.{}."

    @property
    def groups(self) -> list[list[str]]:
        return same(
            [
                "attention_norm -> attention.wqkv",
                "attention.wqkv -> attention.wo",  # rows of v, which lie between those of q and k
                "ffn_norm -> feed_forward.w1 feed_forward.w3",
                "feed_forward.w3 -> feed_forward.w2",  # w1 is the gate
            ]
        )

    def make(self, folder: Path) -> Any:
        model = Family("llama", "Llama", self.layer, []).make(folder)
        tensors = load_file(folder / "model.safetensors")
        renamed = {}
        renamed = {}
        for name, tensor in tensors.items():
            if all(f"self_attn.{n}_proj" not in name for n in "qkv"):
                renamed[self.rename(name)] = tensor
        for layer in range(LAYERS):
            q, k, v = (tensors[f"model.layers.{layer}.self_attn.{n}_proj.weight"].view(2, -1, 16, 64) for n in "qkv")
            renamed[f"model.layers.{layer}.attention.wqkv.weight"] = torch.cat([q, k, v], 1).reshape(-1, 64)
        save_file(renamed, folder / "model.safetensors")
        config = json.loads((folder / "config.json").read_text())
        config.update(model_type="internlm2", bias=False, auto_map={})
        (folder / "config.json").write_text(json.dumps(config))
        return model

    @staticmethod
    def rename(name: str) -> str:
        for old, new in INTERNLM2_NAMES.items():
            name = name.replace(old, new)
        return name

    def load(self, _folder: Path, tensors: dict[str, torch.Tensor], like: Any) -> Any:
        """The model with the tensors of a checkpoint."""
        state = {name: tensors.get(self.rename(name)) for name in like.state_dict()}
        for layer in range(LAYERS):
            fused = tensors[f"model.layers.{layer}.attention.wqkv.weight"].view(2, 4, 16, 64)
            for name, part in (("q", fused[:, :2]), ("k", fused[:, 2:3]), ("v", fused[:, 3:])):
                state[f"model.layers.{layer}.self_attn.{name}_proj.weight"] = part.reshape(-1, 64)
        like.load_state_dict(state)
        return like


ARCHITECTURES: list[Family | InternLM2] = [*FAMILIES, InternLM2()]

# Fields that change the graph, one family after another: (family, fields that differ from its toy's).
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("gemma", {"attention_bias": True, "tie_word_embeddings": False}),
    ("gemma2", {"attention_bias": True, "hidden_activation": "gelu", "attn_logit_softcapping": None}),
    ("gemma2", {"final_logit_softcapping": None, "layer_types": ["full_attention", "sliding_attention"]}),
    ("gemma3", {"attention_bias": True, "attn_logit_softcapping": 4.0, "final_logit_softcapping": 3.0}),
    (
        "gemma3",
        {
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 4.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 300.0},
            }
        },
    ),
    ("phi3", {"sliding_window": 5, "rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}),
    ("phi", {"hidden_act": "relu", "tie_word_embeddings": False}),
    ("opt", {"enable_bias": False, "activation_function": "gelu", "tie_word_embeddings": False}),
    ("gpt_neox", {"attention_bias": False, "hidden_act": "gelu_new"}),
    ("gpt_neox", {"rope_parameters": {"rope_type": "default", "rope_theta": 900.0, "partial_rotary_factor": 1.0}}),
    ("falcon", {"bias": True, "activation": "relu", "ffn_hidden_size": 96}),
    ("falcon-two-norms", {"num_kv_heads": 4, "bias": True}),
    ("falcon-sequential", {"num_attention_heads": 8, "bias": False}),
    ("starcoder2", {"use_bias": False, "sliding_window": None, "tie_word_embeddings": False}),
    ("cohere", {"attention_bias": True, "logit_scale": 0.5, "tie_word_embeddings": False}),
    ("olmo2", {"attention_bias": True, "num_key_value_heads": 4}),
    ("gptj", {"n_inner": 48, "activation_function": "relu", "tie_word_embeddings": False}),
    ("gptj", {"rotary_dim": 16}),
    ("stablelm", {"use_qkv_bias": False, "hidden_act": "gelu"}),
    ("mixtral", {"sliding_window": 6, "num_experts_per_tok": 1, "head_dim": 24}),
    ("qwen3_moe", {"norm_topk_prob": False, "attention_bias": True, "mlp_only_layers": [1], "decoder_sparse_step": 1}),
    ("qwen3_moe", {"use_sliding_window": True, "sliding_window": 5, "decoder_sparse_step": 1}),
    ("deepseek_v2", {"topk_method": "greedy", "attention_bias": True, "first_k_dense_replace": 0}),
    ("deepseek_v2", {"rope_parameters": YARN, "n_shared_experts": 1}),
    ("deepseek_v3", {"norm_topk_prob": False, "attention_bias": True, "n_group": 1, "routed_scaling_factor": 1.0}),
    ("deepseek_v3", {"q_lora_rank": None, "first_k_dense_replace": 2}),
]
