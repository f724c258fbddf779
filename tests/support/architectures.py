"""A small model of each kind of architecture: how its layers remember, and where its tensors go."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.architecture import (
    HEAD,
    HEAD_KEYS,
    HEAD_NORMS,
    HEADS,
    Q8_0,
    TOKENS,
    WIDTH,
    Architecture,
    Keys,
    Shapes,
    attention,
    experts,
    feed_forward,
)

DENSE = Architecture("llama", HEAD_KEYS, lambda _: {**attention(2), **feed_forward()})
TIED = Architecture("llama", HEAD_KEYS, lambda _: {**attention(2), **feed_forward()}, is_tied=True)
QUANTIZED = Architecture("llama", HEAD_KEYS, lambda _: {**attention(2), **feed_forward()}, weights=Q8_0)
MIXTURE = Architecture(
    "qwen3moe",
    {**HEAD_KEYS, "expert_count": 16, "expert_used_count": 4, "expert_feed_forward_length": 128},
    lambda _: {**attention(2), **HEAD_NORMS, **experts(16, 128)},
)
GEMMA2 = Architecture(
    "gemma2",
    {**HEAD_KEYS, "attention.sliding_window": 1024},
    lambda _: {
        **attention(2),
        **feed_forward(),
        "post_attention_norm.weight": (WIDTH,),
        "post_ffw_norm.weight": (WIDTH,),
    },
    is_tied=True,
)
GEMMA3 = Architecture(
    "gemma3",
    {**HEAD_KEYS, "attention.sliding_window": 512},
    lambda _: {**GEMMA2.layer(0), **HEAD_NORMS},
    is_tied=True,
    layers=8,
)
_LATENT, _ROPE, _NOPE, _VALUE, _QUERY_RANK = 192, 32, 64, 64, 128
_LATENT_KEYS: Keys = {
    "attention.head_count_kv": 1,
    "attention.q_lora_rank": _QUERY_RANK,
    "attention.kv_lora_rank": _LATENT,
    "attention.key_length": _LATENT + _ROPE,
    "attention.value_length": _LATENT,
    "attention.key_length_mla": _NOPE + _ROPE,
    "attention.value_length_mla": _VALUE,
    "rope.dimension_count": _ROPE,
    "leading_dense_block_count": 1,
    "expert_count": 8,
    "expert_used_count": 2,
    "expert_shared_count": 1,
    "expert_feed_forward_length": 128,
    "expert_weights_scale": 1.0,
}


def _latent(layer: int) -> Shapes:
    shared: Shapes = {
        "ffn_gate_shexp.weight": (WIDTH, 128),
        "ffn_up_shexp.weight": (WIDTH, 128),
        "ffn_down_shexp.weight": (128, WIDTH),
    }
    return {
        "attn_norm.weight": (WIDTH,),
        "attn_q_a.weight": (WIDTH, _QUERY_RANK),
        "attn_q_a_norm.weight": (_QUERY_RANK,),
        "attn_q_b.weight": (_QUERY_RANK, HEADS * (_NOPE + _ROPE)),
        "attn_kv_a_mqa.weight": (WIDTH, _LATENT + _ROPE),
        "attn_kv_a_norm.weight": (_LATENT,),
        "attn_k_b.weight": (_NOPE, _LATENT, HEADS),
        "attn_v_b.weight": (_LATENT, _VALUE, HEADS),
        "attn_output.weight": (HEADS * _VALUE, WIDTH),
        **(feed_forward() if layer == 0 else {**experts(8, 128), **shared}),
    }


LATENT = Architecture("deepseek2", _LATENT_KEYS, _latent)

_STATE, _CONVOLUTION, _RANK = 16, 4, 16
MAMBA = Architecture(
    "mamba",
    {
        "attention.head_count": 0,
        "feed_forward_length": 0,
        "ssm.conv_kernel": _CONVOLUTION,
        "ssm.inner_size": 2 * WIDTH,
        "ssm.state_size": _STATE,
        "ssm.time_step_rank": _RANK,
    },
    lambda _: {
        "attn_norm.weight": (WIDTH,),
        "ssm_in.weight": (WIDTH, 4 * WIDTH),
        "ssm_conv1d.weight": (_CONVOLUTION, 2 * WIDTH),
        "ssm_conv1d.bias": (2 * WIDTH,),
        "ssm_x.weight": (2 * WIDTH, _RANK + 2 * _STATE),
        "ssm_dt.weight": (_RANK, 2 * WIDTH),
        "ssm_dt.bias": (2 * WIDTH,),
        "ssm_a": (_STATE, 2 * WIDTH),
        "ssm_d": (2 * WIDTH,),
        "ssm_out.weight": (2 * WIDTH, WIDTH),
    },
)
HYBRID = Architecture(
    "qwen35",
    {
        **HEAD_KEYS,
        "rope.dimension_sections": [11, 11, 10, 0],
        "full_attention_interval": 4,
        "ssm.conv_kernel": _CONVOLUTION,
        "ssm.inner_size": 8 * HEAD,
        "ssm.state_size": HEAD,
        "ssm.time_step_rank": 8,
        "ssm.group_count": 4,
    },
    lambda layer: {
        "attn_norm.weight": (WIDTH,),
        "post_attention_norm.weight": (WIDTH,),
        **{name: shape for name, shape in feed_forward().items() if name != "ffn_norm.weight"},
        **(_gated_attention() if layer % 4 == 3 else _delta_net()),
    },
    layers=8,
)


def _gated_attention() -> Shapes:
    return {**attention(2), **HEAD_NORMS, "attn_q.weight": (WIDTH, 2 * HEADS * HEAD)}


def _delta_net() -> Shapes:
    inner = 8 * HEAD
    channels = inner + 2 * 4 * HEAD
    return {
        "attn_qkv.weight": (WIDTH, channels),
        "attn_gate.weight": (WIDTH, inner),
        "ssm_conv1d.weight": (_CONVOLUTION, channels),
        "ssm_dt.bias": (8,),
        "ssm_a": (8,),
        "ssm_beta.weight": (WIDTH, 8),
        "ssm_alpha.weight": (WIDTH, 8),
        "ssm_norm.weight": (HEAD,),
        "ssm_out.weight": (inner, WIDTH),
    }


FURTHER = Architecture(
    "qwen35",
    {**HYBRID.keys, "nextn_predict_layers": 1},
    lambda layer: HYBRID.layer(layer) if layer < 8 else {**HYBRID.layer(3), **_NEXT},
    layers=9,
)
_NEXT: Shapes = {
    "nextn.eh_proj.weight": (2 * WIDTH, WIDTH),
    "nextn.enorm.weight": (WIDTH,),
    "nextn.hnorm.weight": (WIDTH,),
    "nextn.shared_head_norm.weight": (WIDTH,),
}
_WIDE_STATE, _PARTS = 32, 8
BOTH = Architecture(
    "falcon-h1",
    {
        **HEAD_KEYS,
        "ssm.conv_kernel": _CONVOLUTION,
        "ssm.inner_size": 2 * WIDTH,
        "ssm.state_size": _WIDE_STATE,
        "ssm.group_count": 1,
        "ssm.time_step_rank": _PARTS,
    },
    lambda _: {
        **attention(2),
        **{name.removesuffix(".weight") if "norm" in name else name: s for name, s in feed_forward().items()},
        "ssm_in.weight": (WIDTH, 4 * WIDTH + 2 * _WIDE_STATE + _PARTS),
        "ssm_conv1d.weight": (_CONVOLUTION, 2 * WIDTH + 2 * _WIDE_STATE),
        "ssm_conv1d.bias": (2 * WIDTH + 2 * _WIDE_STATE,),
        "ssm_dt.bias": (_PARTS,),
        "ssm_a": (1, _PARTS),
        "ssm_d": (1, _PARTS),
        "ssm_norm.weight": (2 * WIDTH, 1),
        "ssm_out.weight": (2 * WIDTH, WIDTH),
    },
)
SHORT = Architecture(
    "lfm2",
    {
        **HEAD_KEYS,
        "attention.head_count": WIDTH // HEAD,
        "attention.head_count_kv": [0, 0, 2, 0, 0, 2, 0, 2],
        "shortconv.l_cache": 3,
    },
    lambda layer: {
        "attn_norm.weight": (WIDTH,),
        **feed_forward(),
        **(
            {**attention(2, heads=WIDTH // HEAD), **HEAD_NORMS}
            if layer in (2, 5, 7)
            else {
                "shortconv.conv.weight": (3, WIDTH),
                "shortconv.in_proj.weight": (WIDTH, 3 * WIDTH),
                "shortconv.out_proj.weight": (WIDTH, WIDTH),
            }
        ),
    },
    is_tied=True,
    norm="token_embd_norm",
    layers=8,
)
SINKS = Architecture(
    "gpt-oss",
    {
        **MIXTURE.keys,
        "attention.sliding_window": 128,
    },
    lambda _: {
        **attention(2),
        **{n: s for n, s in experts(16, 128).items() if n != "ffn_norm.weight"},
        "post_attention_norm.weight": (WIDTH,),
        "attn_sinks.weight": (HEADS,),
        "attn_q.bias": (HEADS * HEAD,),
        "attn_k.bias": (2 * HEAD,),
        "attn_v.bias": (2 * HEAD,),
        "attn_output.bias": (WIDTH,),
        "ffn_gate_inp.bias": (16,),
        "ffn_gate_exps.bias": (128, 16),
        "ffn_up_exps.bias": (128, 16),
        "ffn_down_exps.bias": (WIDTH, 16),
    },
)
_NARROW, _LAYERWISE = 32, 128
LAYERWISE = Architecture(
    "gemma4",
    {
        **HEAD_KEYS,
        "attention.sliding_window": 512,
        "attention.sliding_window_pattern": [True, True, False] * 3,
        "attention.shared_kv_layers": 3,
        "attention.key_length_swa": _NARROW,
        "attention.value_length_swa": _NARROW,
        "rope.dimension_count_swa": _NARROW,
        "embedding_length_per_layer_input": _LAYERWISE,
    },
    lambda layer: {
        **GEMMA2.layer(layer),
        **attention(2, head=HEAD if layer % 3 == 2 else _NARROW),
        "attn_q_norm.weight": (HEAD if layer % 3 == 2 else _NARROW,),
        "attn_k_norm.weight": (HEAD if layer % 3 == 2 else _NARROW,),
        "inp_gate.weight": (WIDTH, _LAYERWISE),
        "proj.weight": (_LAYERWISE, WIDTH),
        "post_norm.weight": (WIDTH,),
    },
    beside={
        "rope_freqs.weight": (HEAD // 2,),
        "per_layer_token_embd.weight": (9 * _LAYERWISE, TOKENS),
        "per_layer_model_proj.weight": (WIDTH, 9 * _LAYERWISE),
        "per_layer_proj_norm.weight": (_LAYERWISE,),
    },
    is_tied=True,
    layers=9,
)
ARCHITECTURES: Mapping[str, Architecture] = {
    "dense": DENSE,
    "tied": TIED,
    "quantized": QUANTIZED,
    "mixture": MIXTURE,
    "gemma2": GEMMA2,
    "gemma3": GEMMA3,
    "latent": LATENT,
    "mamba": MAMBA,
    "hybrid": HYBRID,
    "short": SHORT,
    "sinks": SINKS,
    "layerwise": LAYERWISE,
    "further": FURTHER,
    "both": BOTH,
}
