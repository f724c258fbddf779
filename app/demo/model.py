"""A tiny generated model of the llama architecture that answers in readable sentences.

It knows a few answers by heart. Each is a chain of pieces of text, and each piece is one token: the token
embeddings are random vectors, all layers pass them on unchanged, and the output row of each piece is the
embedding of the piece before it. So every piece has one successor, while the engine has all its usual work.
The chat template ends with a token for what the prompt is about, and with it the chain starts.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.gguf.writer import Metadata, Tensor, write_gguf

ANSWERS = {
    "worker": (
        "A worker lends its memory to the coordinator. It holds some layers of a model, computes them "
        "whenever numbers arrive, and passes its result on. Several workers together run what none of them "
        "could hold alone."
    ),
    "coordinator": (
        "The coordinator reads a model file from its own disk and deals the layers out. For every token it "
        "sends numbers around, one hop after another, and streams each word as soon as it comes back. Only "
        "the coordinator needs that file."
    ),
    "model": (
        "This model is a tiny one, written just before you asked. All that it knows is which word follows "
        "which, and yet it is loaded, spread and streamed like any large one: real models take the same way "
        "with billions of numbers."
    ),
}
"""What it says, by the word in the prompt that asks for it; the first answers everything else."""

_SPACE = "▁"
_SPECIAL = ("<unk>", "<s>", "</s>")
_UNKNOWN, _BEGIN, _END = range(3)
_NORMAL, _UNKNOWN_TYPE, _CONTROL, _BYTE = 1, 2, 3, 6
_NEW_LINE = "<0x0A>"
_ANY_OTHER = ""
"""Stands for all tokens that are not part of an answer; they share one embedding."""
_F32, _F16 = 0, 1
_HALF = 2
"""Bytes of a half-precision float."""
_GAIN = 12.0
"""Makes the right piece win by far, at any usual temperature."""
_SEED = 20240229
_HEADS = 4
_FEED_FORWARD = 2
"""Times the width."""

Vector = list[float]


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the model."""

    layers: int = 4
    width: int = 64
    context: int = 4096


def write_model(
    path: Path, shape: Shape = Shape(), *, answers: Mapping[str, str] = ANSWERS, ends: bool = True
) -> None:
    """Write the model. With `ends` false it goes on with the first answer for ever.

    Deterministic; the default is under 1 MB. Blocks on the disk.

    Raises:
        ValueError: a text of `answers` ends with words that stand elsewhere too.
    """
    chains = _chains(answers)
    tokens = _vocabulary(chains)
    write_gguf(path, _metadata(tokens, answers, shape), _tensors(tokens, _links(chains, ends=ends), shape))


def _chains(answers: Mapping[str, str]) -> dict[str, list[str]]:
    """Each answer cut into pieces that occur nowhere else: words, or several where one word would repeat."""
    seen: set[str] = set()
    chains = {}
    for topic, text in answers.items():
        chain = []
        piece = ""
        for number, word in enumerate(text.split()):
            piece += f"{_SPACE}{word}" if number else word
            if piece not in seen:
                seen.add(piece)
                chain.append(piece)
                piece = ""
        if piece:
            raise ValueError(f"'{text}' ends with words that stand elsewhere too")
        chains[_control(topic)] = chain
    return chains


def _links(chains: Mapping[str, Sequence[str]], *, ends: bool) -> list[tuple[str, str]]:
    """Every token that matters, with its successor; all others lead to the first answer."""
    last = _SPECIAL[_END] if ends else _NEW_LINE
    first, *_ = chains.values()
    links = [(_ANY_OTHER, first[0])]
    for topic, chain in chains.items():
        links += zip((topic, *chain), (*chain, last), strict=True)
    return links


def _control(topic: str) -> str:
    return f"<|{topic}|>"


def _vocabulary(chains: Mapping[str, Sequence[str]]) -> list[str]:
    """All tokens; pieces with all their beginnings, as the tokenizer builds them letter by letter."""
    pieces = [piece for chain in chains.values() for piece in chain]
    beginnings = dict.fromkeys(piece[:length] for piece in pieces for length in range(1, len(piece) + 1))
    return [*_SPECIAL, *chains, *(f"<0x{byte:02X}>" for byte in range(256)), *beginnings]


def _token_types(tokens: Sequence[str], topics: Iterable[str]) -> list[int]:
    kinds = dict.fromkeys((*_SPECIAL, *map(_control, topics)), _CONTROL)
    kinds[_SPECIAL[_UNKNOWN]] = _UNKNOWN_TYPE
    return [kinds.get(token, _BYTE if token.startswith("<0x") else _NORMAL) for token in tokens]


def _template(topics: Sequence[str]) -> str:
    """Jinja: all messages, and for the answer the token of the topic that the last message names."""
    choices = "".join(f"{{% if '{topic}' in asked %}}{_control(topic)}{{% else %}}" for topic in topics)
    return (
        "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
        "{% if add_generation_prompt %}{% set asked = messages[-1]['content'] | lower %}"
        f"{choices}{_control(topics[0])}{'{% endif %}' * len(topics)}{{% endif %}}"
    )


def _metadata(tokens: Sequence[str], answers: Mapping[str, str], shape: Shape) -> Metadata:
    return {
        "general.architecture": "llama",
        "general.type": "model",
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
        "tokenizer.ggml.token_type": _token_types(tokens, answers),
        "tokenizer.ggml.bos_token_id": _BEGIN,
        "tokenizer.ggml.eos_token_id": _END,
        "tokenizer.ggml.unknown_token_id": _UNKNOWN,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.chat_template": _template(list(answers)),
    }


def _tensors(tokens: Sequence[str], links: Sequence[tuple[str, str]], shape: Shape) -> list[Tensor]:
    width, inner = shape.width, shape.width * _FEED_FORWARD
    embeddings, output = _matrices(tokens, links, width)
    ones = struct.pack(f"<{width}f", *([1.0] * width))
    tensors = [
        Tensor("token_embd.weight", (width, len(tokens)), _F16, embeddings),
        Tensor("output_norm.weight", (width,), _F32, ones),
        Tensor("output.weight", (width, len(tokens)), _F16, output),
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


def _matrices(tokens: Sequence[str], links: Sequence[tuple[str, str]], width: int) -> tuple[bytes, bytes]:
    """Token embeddings and output rows, as half-precision floats."""
    chance = random.Random(_SEED)  # noqa: S311  a model, no secret
    embeddings: dict[str, Vector] = {}
    output: dict[str, Vector] = {}
    for token, successor in links:
        embeddings[token] = _unit_vector(chance, width)
        row = output.get(successor, [0.0] * width)
        output[successor] = [sum(pair) for pair in zip(row, embeddings[token], strict=True)]
    any_other = _half(embeddings[_ANY_OTHER])
    loud = {token: _half([_GAIN * number for number in row]) for token, row in output.items()}
    return (
        b"".join(_half(embeddings[token]) if token in embeddings else any_other for token in tokens),
        b"".join(loud.get(token, bytes(width * _HALF)) for token in tokens),
    )


def _unit_vector(chance: random.Random, width: int) -> Vector:
    vector = [chance.gauss(0, 1) for _ in range(width)]
    length = math.sqrt(sum(number * number for number in vector))
    return [number / length for number in vector]


def _half(numbers: Vector) -> bytes:
    return struct.pack(f"<{len(numbers)}e", *numbers)
