from __future__ import annotations

from dataclasses import replace

import pytest

from app.gguf.cautions import cautions
from app.gguf.header import Header
from app.gguf.layout import SkippedArray, Value
from app.gguf.types import ValueType
from tests.support.headers import PLAIN, TEMPLATE, header, tensor

LLAMA_3: dict[str, Value] = {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "llama-bpe",
    "tokenizer.ggml.tokens": SkippedArray(128_256, ValueType.STRING),
}
DEEPSEEK: dict[str, Value] = {
    "deepseek2.block_count": 61,
    "deepseek2.attention.head_count": 128,
    "deepseek2.attention.key_length": 192,
    "deepseek2.attention.value_length": 128,
    "deepseek2.attention.kv_lora_rank": 512,
    "deepseek2.rope.dimension_count": 64,
}


def said(of: Header) -> str:
    [caution] = cautions(of)
    return caution


def test_without_a_chat_template() -> None:
    absent = replace(header("llama"), metadata={"general.architecture": "llama"})
    for mute in (absent, header("llama", {TEMPLATE: ""})):
        assert "It has no chat template, so llama.cpp uses ChatML" in said(mute)
        assert "'--chat-template NAME' in coordinator.extra_arguments" in said(mute)
    assert cautions(header("llama")) == ()


@pytest.mark.parametrize("pre", [None, "", "default"])
def test_a_llama_3_that_does_not_say_how_it_splits_words(pre: str | None) -> None:
    metadata = {key: value for key, value in LLAMA_3.items() if key != "tokenizer.ggml.pre"}
    if pre is not None:
        metadata["tokenizer.ggml.pre"] = pre
    assert "'--override-kv tokenizer.ggml.pre=str:llama-bpe'" in said(header("llama", metadata))


@pytest.mark.parametrize(
    "clean",
    [
        {},
        {"tokenizer.ggml.eos_token_id": 128_001},
        {"tokenizer.ggml.pre": "", "tokenizer.ggml.model": "llama"},
        {"tokenizer.ggml.pre": "", "tokenizer.ggml.tokens": SkippedArray(128_257, ValueType.STRING)},
        {"tokenizer.ggml.pre": "", "tokenizer.ggml.tokens": ("a", "b")},
    ],
    ids=["llama 3", "the end token of its base model", "another kind", "another length", "a short one"],
)
def test_a_vocabulary_that_says_enough(clean: dict[str, Value]) -> None:
    assert cautions(header("llama", {**LLAMA_3, **clean})) == ()


def test_a_deepseek_from_before_mla() -> None:
    assert "takes 4.8 MiB a token, 71 times as much: take a current GGUF" in said(
        header("deepseek2", DEEPSEEK)
    )
    assert cautions(header("deepseek2", {**DEEPSEEK, "deepseek2.attention.key_length_mla": 192})) == ()


def test_a_deepseek_of_unknown_shape_is_given_no_numbers() -> None:
    assert "takes many times the memory: take" in said(header("deepseek2"))


def test_a_projector_that_does_not_say_of_which_kind_it_is() -> None:
    llava: dict[str, Value] = {"clip.has_vision_encoder": True}
    assert "It does not say which kind of projector it is" in said(header("clip", llava))
    assert cautions(header("clip", {**llava, "clip.projector_type": "mlp"})) == ()


def test_a_type_of_a_time_to_come() -> None:
    newer = said(header("llama", {}, (*PLAIN, tensor("blk.0.ffn_up.weight", type_id=43))))
    assert "'blk.0.ffn_up.weight' has type 43, which this program does not know" in newer
    assert "'synaptic-tui engine get'" in newer


def test_nothing_is_said_of_what_cannot_be_loaded() -> None:
    assert cautions(header("gptoss", {TEMPLATE: ""})) == ()


def test_all_that_is_odd_is_said() -> None:
    assert len(cautions(header("llama", {**LLAMA_3, TEMPLATE: "", "tokenizer.ggml.pre": "default"}))) == 2
