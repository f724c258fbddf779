"""Writes small models of any architecture that the real engine loads; their weights are holes of zeros."""

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
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6

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

    def write(self, path: Path) -> Path:
        """Write the model; blocks on the disk."""
        metadata: Metadata = {
            "general.architecture": self.name,
            "general.name": f"Small {self.name}",
            **{f"{self.name}.{key}": value for key, value in {**_COMMON, **self.keys}.items()},
            f"{self.name}.block_count": self.layers,
            **_vocabulary(),
        }
        shapes = {
            "token_embd.weight": (WIDTH, TOKENS),
            **{
                f"blk.{layer}.{name}": shape
                for layer in range(self.layers)
                for name, shape in self.layer(layer).items()
            },
            f"{self.norm}.weight": (WIDTH,),
            **self.beside,
            **({} if self.is_tied else {"output.weight": (WIDTH, TOKENS)}),
        }
        write_gguf(
            path, metadata, [Tensor(name, shape, self._type(name, shape)) for name, shape in shapes.items()]
        )
        return path

    def _type(self, name: str, shape: tuple[int, ...]) -> int:
        is_small = len(shape) == 1 or (".ssm_" in name and not name.endswith(_SSM_MATRICES)) or "conv" in name
        return F32 if is_small or name.endswith(("ffn_gate_inp.weight", ".bias")) else self.weights


_SSM_MATRICES = ("ssm_in.weight", "ssm_x.weight", "ssm_out.weight")
_COMMON: Keys = {
    "context_length": TRAINED_CONTEXT,
    "embedding_length": WIDTH,
    "feed_forward_length": INNER,
    "attention.head_count": HEADS,
    "attention.layer_norm_rms_epsilon": 1e-5,
}


def _vocabulary() -> Metadata:
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    words = [*special, *(f"w{number}" for number in range(TOKENS - len(special)))]
    kinds = [_UNKNOWN, _CONTROL, _CONTROL, *[_BYTE] * 256, *[_NORMAL] * (TOKENS - len(special))]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": words,
        "tokenizer.ggml.scores": [0.0] * TOKENS,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }


def attention(key_value_heads: int, *, heads: int = HEADS, head: int = HEAD) -> Shapes:
    narrow = key_value_heads * head
    return {
        "attn_norm.weight": (WIDTH,),
        "attn_q.weight": (WIDTH, heads * head),
        "attn_k.weight": (WIDTH, narrow),
        "attn_v.weight": (WIDTH, narrow),
        "attn_output.weight": (heads * head, WIDTH),
    }


def feed_forward() -> Shapes:
    return {
        "ffn_norm.weight": (WIDTH,),
        "ffn_gate.weight": (WIDTH, INNER),
        "ffn_up.weight": (WIDTH, INNER),
        "ffn_down.weight": (INNER, WIDTH),
    }


def experts(count: int, inner: int) -> Shapes:
    return {
        "ffn_norm.weight": (WIDTH,),
        "ffn_gate_inp.weight": (WIDTH, count),
        "ffn_gate_exps.weight": (WIDTH, inner, count),
        "ffn_up_exps.weight": (WIDTH, inner, count),
        "ffn_down_exps.weight": (inner, WIDTH, count),
    }


HEAD_NORMS: Shapes = {"attn_q_norm.weight": (HEAD,), "attn_k_norm.weight": (HEAD,)}
HEAD_KEYS: Keys = {
    "attention.head_count_kv": 2,
    "attention.key_length": HEAD,
    "attention.value_length": HEAD,
    "rope.dimension_count": HEAD,
}
