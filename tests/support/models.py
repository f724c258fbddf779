"""Models for tests: small ones that really answer, and headers of large ones that take no disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.gguf.writer import Metadata, Tensor, write_gguf

F32, Q4_K, Q6_K = 0, 12, 14
Q4_K_M = 15
VOCABULARY = 128256
MERGES = 280_147
KEY_VALUE_HEADS = 8
HEAD = 128


@dataclass(frozen=True, slots=True)
class LlamaShape:
    """Size of a model of the Llama 3 family."""

    size_label: str
    layers: int
    width: int
    inner: int
    """Width of the feed-forward part."""

    @property
    def heads(self) -> int:
        return self.width // HEAD


LLAMA_8B = LlamaShape("8B", 32, 4096, 14336)
LLAMA_70B = LlamaShape("70B", 80, 8192, 28672)
LLAMA_405B = LlamaShape("405B", 126, 16384, 53248)


def write_llama(path: Path, shape: LlamaShape, *, has_vocabulary: bool = False) -> Path:
    """The real header of a Llama 3.1 in Q4_K_M, with a hole in place of its weights.

    It has the size of the real file (243 GB for 405B) and takes some hundred KiB of disk, or some MiB with a
    vocabulary as long as the real one. No engine can load it: even then the words are none.
    """
    metadata: Metadata = {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": f"Llama 3.1 {shape.size_label}",
        "general.size_label": shape.size_label,
        "general.file_type": Q4_K_M,
        "llama.block_count": shape.layers,
        "llama.context_length": 131072,
        "llama.embedding_length": shape.width,
        "llama.feed_forward_length": shape.inner,
        "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": KEY_VALUE_HEADS,
        "llama.vocab_size": VOCABULARY,
        "tokenizer.chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
        **(_vocabulary() if has_vocabulary else {}),
    }
    tensors = [
        Tensor("rope_freqs.weight", (HEAD // 2,), F32),
        Tensor("token_embd.weight", (shape.width, VOCABULARY), Q4_K),
        *(tensor for layer in range(shape.layers) for tensor in _block(layer, shape)),
        Tensor("output_norm.weight", (shape.width,), F32),
        Tensor("output.weight", (shape.width, VOCABULARY), Q6_K),
    ]
    write_gguf(path, metadata, tensors)
    return path


def _vocabulary() -> Metadata:
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": [f"Ġtoken{number}" for number in range(VOCABULARY)],
        "tokenizer.ggml.token_type": [1] * VOCABULARY,
        "tokenizer.ggml.merges": [f"Ġto ken{number}" for number in range(MERGES)],
    }


def _block(layer: int, shape: LlamaShape) -> list[Tensor]:
    width, inner, narrow = shape.width, shape.inner, KEY_VALUE_HEADS * HEAD
    eighth = shape.layers // 8
    precise = layer < eighth or layer >= 7 * shape.layers // 8 or (layer - eighth) % 3 == 2
    better = Q6_K if precise else Q4_K
    return [
        Tensor(f"blk.{layer}.{name}.weight", dimensions, kind)
        for name, dimensions, kind in (
            ("attn_norm", (width,), F32),
            ("attn_q", (width, width), Q4_K),
            ("attn_k", (width, narrow), Q4_K),
            ("attn_v", (width, narrow), better),
            ("attn_output", (width, width), Q4_K),
            ("ffn_norm", (width,), F32),
            ("ffn_gate", (width, inner), Q4_K),
            ("ffn_up", (width, inner), Q4_K),
            ("ffn_down", (inner, width), better),
        )
    ]
