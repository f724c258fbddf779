"""What goes wrong with a model though llama.cpp loads it, as far as its header tells."""

from __future__ import annotations

from collections.abc import Iterator

from app.gguf.header import Header, Kind
from app.gguf.layout import SkippedArray
from app.gguf.loadable import why_not_loadable
from app.gguf.types import REMOVED_TYPES, TENSOR_TYPES
from app.text.problem import quoted
from app.text.units import bytes_text

_LLAMA_3_VOCABULARY = 128_256
_CACHE_ELEMENT = 2
"""Bytes of one number in the KV cache, which is f16 unless told otherwise."""


def cautions(header: Header) -> tuple[str, ...]:
    """What to know before it is used, one sentence each with its remedy; nothing of what cannot be loaded.

    A projector cannot be loaded as a model, and is told of as what it is. Whether a vocabulary is that of
    Llama 3 is told by its length, as the words of a vocabulary are not read.
    """
    if header.kind is Kind.PROJECTOR:
        return tuple(_projector(header))
    if why_not_loadable(header) is not None:
        return ()
    return (*_newer_type(header), *_no_template(header), *_llama_3(header), *_without_mla(header))


def _projector(header: Header) -> Iterator[str]:
    """Source: tools/mtmd/clip.cpp, which reads what kind of projector it is before all else."""
    if "clip.has_vision_encoder" in header.metadata and "clip.projector_type" not in header.metadata:
        yield (
            "It does not say which kind of projector it is, so llama.cpp refuses it: use its model for text "
            "alone, or take a newer projector."
        )


def _newer_type(header: Header) -> Iterator[str]:
    known = TENSOR_TYPES.keys() | REMOVED_TYPES.keys()
    newer = next((tensor for tensor in header.tensors if tensor.type_id not in known), None)
    if newer is not None:
        yield (
            f"Its tensor {quoted(newer.name)} has type {newer.type_id}, which this program does not know: "
            "an engine that does not either refuses it, and 'synaptic-tui engine get' fetches a newer one."
        )


def _no_template(header: Header) -> Iterator[str]:
    """Source: common/chat.cpp, `common_chat_templates_init`."""
    if not header.has_chat_template:
        yield (
            "It has no chat template, so llama.cpp uses ChatML: '--chat-template NAME' in "
            "coordinator.extra_arguments names another."
        )


def _llama_3(header: Header) -> Iterator[str]:
    """Source: src/llama-vocab.cpp, which knows the end of a turn by its text, but not how to split words.

    So an end token of 128001 alone is no fault: base models and DeepSeek's distillations have it rightly.
    """
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if (
        header.architecture == "llama"
        and header.metadata.get("tokenizer.ggml.model") == "gpt2"
        and isinstance(tokens, SkippedArray)
        and tokens.length == _LLAMA_3_VOCABULARY
        and header.metadata.get("tokenizer.ggml.pre") in (None, "", "default")
    ):
        yield (
            "It does not say how Llama 3 splits words, so it reads prompts wrongly: put '--override-kv "
            "tokenizer.ggml.pre=str:llama-bpe' into coordinator.extra_arguments, or pull it again."
        )


def _without_mla(header: Header) -> Iterator[str]:
    """Source: src/models/deepseek2.cpp; without MLA each head has keys and values of its own."""
    if header.architecture != "deepseek2" or "deepseek2.attention.key_length_mla" in header.metadata:
        return
    yield (
        f"It was converted before MLA, so its KV cache takes {_cache_without_mla(header)}: "
        "take a current GGUF of it, or keep coordinator.context small."
    )


def _cache_without_mla(header: Header) -> str:
    def number(name: str) -> int | None:
        value = header.metadata.get(f"deepseek2.{name}")
        return value if isinstance(value, int) and value > 0 else None

    heads, latent = number("attention.head_count"), number("attention.kv_lora_rank")
    key, value, turned = (
        number(name) for name in ("attention.key_length", "attention.value_length", "rope.dimension_count")
    )
    blocks = number("block_count")
    if not (heads and latent and key and value and turned and blocks):
        return "many times the memory"
    full, compressed = heads * (key + value), latent + turned
    return f"{bytes_text(blocks * full * _CACHE_ELEMENT)} a token, {round(full / compressed)} times as much"
