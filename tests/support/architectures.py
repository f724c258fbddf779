"""Small models of many architectures that the real engine loads; their weights are holes of zeros."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.gguf.writer import Metadata, Plain, Tensor, write_gguf

F32, F16, Q8_0 = 0, 1, 8
WIDTH, INNER, HEADS, HEAD = 256, 768, 8, 64
LAYERS = 6
TOKENS = 4096
TRAINED_CONTEXT = 32768
_CONTROL, _NORMAL, _BYTE = 3, 1, 6

Keys = Mapping[str, Plain | Sequence[Plain]]
Shapes = Mapping[str, tuple[int, ...]]
"""Of the tensors of one layer, by their names without `blk.N.`."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A model of one architecture, with as few layers as show how its memory is dealt out."""

    name: str
    keys: Keys
    """Without the name of the architecture in front."""
    layer: Callable[[int], Shapes]
    beside: Shapes = field(default_factory=dict)
    """Tensors that belong to no layer, beside the token embedding, the final norm and the output head."""
    is_tied: bool = False
    """No output head of its own: it shares the token embedding."""
    norm: str = "output_norm"
    layers: int = LAYERS
    weights: int = F16
    """Type of the matrices."""

    def write(self, path: Path, *, tokens: int = TOKENS) -> Path:
        """Write the model; blocks on the disk."""
        metadata: Metadata = {
            "general.architecture": self.name,
            "general.name": f"Small {self.name}",
            **{f"{self.name}.{key}": value for key, value in {**_COMMON, **self.keys}.items()},
            f"{self.name}.block_count": self.layers,
            **_vocabulary(tokens),
        }
        shapes = {
            "token_embd.weight": (WIDTH, tokens),
            **{
                f"blk.{layer}.{name}": shape
                for layer in range(self.layers)
                for name, shape in self.layer(layer).items()
            },
            f"{self.norm}.weight": (WIDTH,),
            **self.beside,
            **({} if self.is_tied else {"output.weight": (WIDTH, tokens)}),
        }
        write_gguf(
            path, metadata, [Tensor(name, shape, self._type(name, shape)) for name, shape in shapes.items()]
        )
        return path

    def _type(self, name: str, shape: tuple[int, ...]) -> int:
        is_small = len(shape) == 1 or (".ssm_" in name and not name.endswith(_SSM_MATRICES)) or "conv" in name
        return F32 if is_small or name.endswith(("ffn_gate_inp.weight", ".bias")) else self.weights


_SSM_MATRICES = ("ssm_in.weight", "ssm_x.weight", "ssm_out.weight", "ssm_ba.weight")
_COMMON: Keys = {
    "context_length": TRAINED_CONTEXT,
    "embedding_length": WIDTH,
    "feed_forward_length": INNER,
    "attention.head_count": HEADS,
    "attention.layer_norm_rms_epsilon": 1e-5,
}


def _vocabulary(tokens: int) -> Metadata:
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = [*special, *(f"w{number}" for number in range(tokens - len(special)))]
    kinds = [2, _CONTROL, _CONTROL, *[_BYTE] * 256, *[_NORMAL] * (tokens - len(special))]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.scores": [0.0] * tokens,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }


def _attention(key_value_heads: int, *, heads: int = HEADS, head: int = HEAD) -> Shapes:
    narrow = key_value_heads * head
    return {
        "attn_norm.weight": (WIDTH,),
        "attn_q.weight": (WIDTH, heads * head),
        "attn_k.weight": (WIDTH, narrow),
        "attn_v.weight": (WIDTH, narrow),
        "attn_output.weight": (heads * head, WIDTH),
    }


def _feed_forward() -> Shapes:
    return {
        "ffn_norm.weight": (WIDTH,),
        "ffn_gate.weight": (WIDTH, INNER),
        "ffn_up.weight": (WIDTH, INNER),
        "ffn_down.weight": (INNER, WIDTH),
    }


def _experts(count: int, inner: int) -> Shapes:
    return {
        "ffn_norm.weight": (WIDTH,),
        "ffn_gate_inp.weight": (WIDTH, count),
        "ffn_gate_exps.weight": (WIDTH, inner, count),
        "ffn_up_exps.weight": (WIDTH, inner, count),
        "ffn_down_exps.weight": (inner, WIDTH, count),
    }


_HEAD_NORMS: Shapes = {"attn_q_norm.weight": (HEAD,), "attn_k_norm.weight": (HEAD,)}
_HEAD_KEYS: Keys = {
    "attention.head_count_kv": 2,
    "attention.key_length": HEAD,
    "attention.value_length": HEAD,
    "rope.dimension_count": HEAD,
}

DENSE = Architecture("llama", _HEAD_KEYS, lambda _: {**_attention(2), **_feed_forward()})
TIED = Architecture("llama", _HEAD_KEYS, lambda _: {**_attention(2), **_feed_forward()}, is_tied=True)
QUANTIZED = Architecture("llama", _HEAD_KEYS, lambda _: {**_attention(2), **_feed_forward()}, weights=Q8_0)
MIXTURE = Architecture(
    "qwen3moe",
    {**_HEAD_KEYS, "expert_count": 16, "expert_used_count": 4, "expert_feed_forward_length": 128},
    lambda _: {**_attention(2), **_HEAD_NORMS, **_experts(16, 128)},
)
GEMMA2 = Architecture(
    "gemma2",
    {**_HEAD_KEYS, "attention.sliding_window": 1024},
    lambda _: {
        **_attention(2),
        **_feed_forward(),
        "post_attention_norm.weight": (WIDTH,),
        "post_ffw_norm.weight": (WIDTH,),
    },
    is_tied=True,
)
GEMMA3 = Architecture(
    "gemma3",
    {**_HEAD_KEYS, "attention.sliding_window": 512},
    lambda _: {**GEMMA2.layer(0), **_HEAD_NORMS},
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
        **(_feed_forward() if layer == 0 else {**_experts(8, 128), **shared}),
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
        **_HEAD_KEYS,
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
        **{name: shape for name, shape in _feed_forward().items() if name != "ffn_norm.weight"},
        **(_gated_attention() if layer % 4 == 3 else _delta_net()),
    },
    layers=8,
)


def _gated_attention() -> Shapes:
    return {**_attention(2), **_HEAD_NORMS, "attn_q.weight": (WIDTH, 2 * HEADS * HEAD)}


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


SHORT = Architecture(
    "lfm2",
    {
        **_HEAD_KEYS,
        "attention.head_count": WIDTH // HEAD,
        "attention.head_count_kv": [0, 0, 2, 0, 0, 2, 0, 2],
        "shortconv.l_cache": 3,
    },
    lambda layer: {
        "attn_norm.weight": (WIDTH,),
        **_feed_forward(),
        **(
            {**_attention(2, heads=WIDTH // HEAD), **_HEAD_NORMS}
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
        **_attention(2),
        **{n: s for n, s in _experts(16, 128).items() if n != "ffn_norm.weight"},
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
        **_HEAD_KEYS,
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
        **_attention(2, head=HEAD if layer % 3 == 2 else _NARROW),
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
}
