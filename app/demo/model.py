"""A tiny generated model of the llama architecture that answers in readable sentences.

It is a chain of words: the token embeddings are random vectors, all layers pass them on unchanged, and the
output row of each word is the embedding of the word before it. So the last word of a prompt decides where in
the text the answer starts, and the engine has all its usual work to do.
"""

from __future__ import annotations

import math
import random
import struct
from dataclasses import dataclass
from pathlib import Path

from app.gguf.writer import Tensor, write_gguf

TEXT = (
    "A worker lends its memory to the coordinator, which spreads every layer over all boxes and streams each "
    "token back. Nothing here was downloaded: this small model only knows what follows what, yet it really runs "
    "on two RPC servers, one hop after another. Larger models work just alike, with more layers per box."
)
"""No word stands in it twice, so each has one successor."""

_SPACE = "▁"
_SPECIAL = ("<unk>", "<s>", "</s>")
_UNKNOWN, _BEGIN, _END = range(3)
_NORMAL, _UNKNOWN_TYPE, _CONTROL, _BYTE = 1, 2, 3, 6
_F32, _F16 = 0, 1
_GAIN = 12.0
"""Makes the right word win by far, at any usual temperature."""
_TEMPLATE = (
    "{% for message in messages %}{{ message['content'] }}{% if not loop.last %}\n{% endif %}{% endfor %}"
)
_SEED = 20240229
_HEADS = 4
_FEED_FORWARD = 2
"""Times the width."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the model."""

    layers: int = 4
    width: int = 64
    context: int = 4096


def write_model(path: Path, shape: Shape = Shape(), *, text: str = TEXT, ends: bool = True) -> None:
    """Write the model. With `ends` false it starts over after the last word and never stops by itself.

    `text` has no word twice. Deterministic; the default is under 1 MB. Blocks on the disk.
    """
    words = [_SPACE + word for word in text.split()]
    tokens = _vocabulary(words)
    embeddings, output = _chain(tokens, words, shape.width, ends=ends)
    write_gguf(path, _metadata(tokens, shape), _tensors(embeddings, output, len(tokens), shape))


def _vocabulary(words: list[str]) -> list[str]:
    """Special tokens, all bytes, and the words with all their beginnings: the tokenizer joins letter by letter."""
    beginnings = dict.fromkeys(word[:length] for word in words for length in range(1, len(word) + 1))
    lower = dict.fromkeys(b.lower() for b in beginnings if b.lower() not in beginnings)
    return [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *beginnings, *lower]


def _chain(
    tokens: list[str], words: list[str], width: int, *, ends: bool
) -> tuple[list[list[float]], list[list[float]]]:
    chance = random.Random(_SEED)  # noqa: S311  a model, no secret
    anywhere = _unit(chance, width)
    places = {token: place for place, token in enumerate(tokens)}
    embeddings = [anywhere for _ in tokens]
    for word in words:
        embeddings[places[word]] = _unit(chance, width)
    for word in words:
        lower = places.get(word.lower())
        if lower is not None and word.lower() not in words:
            embeddings[lower] = embeddings[places[word]]
    output = [[0.0] * width for _ in tokens]
    followers = [*(places[word] for word in words[1:]), _END if ends else places[words[0]]]
    for word, follower in zip(words, followers, strict=True):
        output[follower] = [a + b for a, b in zip(output[follower], embeddings[places[word]], strict=True)]
    first = places[words[0]]
    output[first] = [a + b for a, b in zip(output[first], anywhere, strict=True)]
    return embeddings, output


def _unit(chance: random.Random, width: int) -> list[float]:
    vector = [chance.gauss(0, 1) for _ in range(width)]
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector]


def _metadata(
    tokens: list[str], shape: Shape
) -> dict[str, str | int | float | bool | list[str] | list[float] | list[int]]:
    kinds = {_UNKNOWN: _UNKNOWN_TYPE, _BEGIN: _CONTROL, _END: _CONTROL}
    return {
        "general.architecture": "llama",
        "general.name": "Worker demo",
        "general.file_type": _F16,
        "llama.context_length": shape.context,
        "llama.embedding_length": shape.width,
        "llama.block_count": shape.layers,
        "llama.feed_forward_length": shape.width * _FEED_FORWARD,
        "llama.attention.head_count": _HEADS,
        "llama.attention.head_count_kv": _HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": shape.width // _HEADS,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [float(len(token)) for token in tokens],
        "tokenizer.ggml.token_type": [
            kinds.get(place, _BYTE if token.startswith("<0x") else _NORMAL)
            for place, token in enumerate(tokens)
        ],
        "tokenizer.ggml.bos_token_id": _BEGIN,
        "tokenizer.ggml.eos_token_id": _END,
        "tokenizer.ggml.unknown_token_id": _UNKNOWN,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_space_prefix": True,
        "tokenizer.chat_template": _TEMPLATE,
    }


def _tensors(
    embeddings: list[list[float]], output: list[list[float]], vocabulary: int, shape: Shape
) -> list[Tensor]:
    width, inner = shape.width, shape.width * _FEED_FORWARD
    ones = struct.pack(f"<{width}f", *([1.0] * width))
    tensors = [
        Tensor("token_embd.weight", (width, vocabulary), _F16, _half(embeddings)),
        Tensor("output_norm.weight", (width,), _F32, ones),
        Tensor(
            "output.weight", (width, vocabulary), _F16, _half([[_GAIN * x for x in row] for row in output])
        ),
    ]
    square, widening, narrowing = (width, width), (width, inner), (inner, width)
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        tensors += [
            Tensor(f"{block}attn_norm.weight", (width,), _F32, ones),
            *(Tensor(f"{block}attn_{part}.weight", square, _F16) for part in ("q", "k", "v", "output")),
            Tensor(f"{block}ffn_norm.weight", (width,), _F32, ones),
            Tensor(f"{block}ffn_gate.weight", widening, _F16),
            Tensor(f"{block}ffn_up.weight", widening, _F16),
            Tensor(f"{block}ffn_down.weight", narrowing, _F16),
        ]
    return tensors


def _half(rows: list[list[float]]) -> bytes:
    return b"".join(struct.pack(f"<{len(row)}e", *row) for row in rows)
