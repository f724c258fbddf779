from __future__ import annotations

from pathlib import Path

import pytest

from app.demo.model import write_model
from app.gguf.cautions import cautions
from app.gguf.header import Header, read_header
from app.gguf.layout import SkippedArray, Value
from app.gguf.loadable import why_not_loadable
from app.gguf.types import REMOVED_TYPES, ValueType
from tests.support.headers import PLAIN, header, tensor
from tests.support.models import LLAMA_8B, write_llama

EPSILON = "gemma3.attention.layer_norm_rms_epsilon"
CHARACTERS = "tokenizer.ggml.precompiled_charsmap"
STANDARD = "ollama pull hf.co/ORG/REPO"


def said(of: Header) -> str:
    problem = why_not_loadable(of)
    assert problem is not None
    assert problem.remedy
    return str(problem)


@pytest.mark.parametrize(
    ("of", "sentence", "remedy"),
    [
        (header("clip"), "It is a projector, not a model.", "that it belongs to"),
        (
            header("llama", {"general.type": "mmproj"}),
            "It is a projector, not a model.",
            "that it belongs to",
        ),
        (
            header("llama", {"general.type": "adapter"}),
            "It is an adapter, not a model.",
            "that it belongs to",
        ),
        (header("bert", {"bert.pooling_type": 2}), "It is a text encoder, not a model.", "that can answer"),
        (header("llama", tensors=()), "It is a vocabulary, not a model.", "that it belongs to"),
    ],
)
def test_what_is_no_model(of: Header, sentence: str, remedy: str) -> None:
    problem = why_not_loadable(of)
    assert problem is not None
    assert problem.sentence == sentence
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("ollamas", "llama_cpps"),
    [
        ("gptoss", "gpt-oss"),
        ("qwen25vl", "qwen2vl"),
        ("glm4moelite", "deepseek2"),
        ("deepseekocr", "deepseek2-ocr"),
        ("glmocr", "glm4"),
        ("olmo3", "olmo2"),
        ("nemotron_h_omni", "nemotron_h"),
    ],
)
def test_architectures_by_names_of_ollamas(ollamas: str, llama_cpps: str) -> None:
    refused = said(header(ollamas))
    assert f"'{ollamas}'" in refused
    assert f"'{llama_cpps}'" in refused
    assert STANDARD in refused
    assert why_not_loadable(header(llama_cpps)) is None


def test_an_architecture_that_llama_cpp_never_had() -> None:
    assert "'mllama', is one that llama.cpp does not have" in said(header("mllama"))


def test_an_architecture_that_nobody_knows_is_left_to_the_engine() -> None:
    assert why_not_loadable(header("flurble")) is None


@pytest.mark.parametrize("prefix", ["v.blk.0", "mm.0", "a.conv1d", "s.blk.0", "mtp.0", "model.vision_tower"])
@pytest.mark.parametrize("architecture", ["llama", "llama4", "mistral3", "gemma4"])
def test_more_than_the_text_model_in_one_file(architecture: str, prefix: str) -> None:
    assert f"'{prefix}.weight'" in said(header(architecture, tensors=(*PLAIN, f"{prefix}.weight")))
    assert why_not_loadable(header(architecture, tensors=(*PLAIN, "blk.0.nextn.eh_proj.weight"))) is None


KEYS: dict[str, tuple[str, ...]] = {
    "gemma3": (
        "gemma3.mm.tokens_per_image",
        "gemma3.rope.global.freq_base",
        "gemma3.rope.local.freq_base",
        "tokenizer.ggml.add_padding_token",
        "tokenizer.ggml.add_unknown_token",
    ),
    "mistral3": (
        "mistral3.rope.scaling.beta_fast",
        "mistral3.rope.scaling.mscale_all_dim",
        "mistral3.rope.scaling_beta",
    ),
    **{
        moe: tuple(
            f"{moe}.{name}"
            for name in (
                "vision.block_count",
                "image_token_id",
                "ssm.v_head_reordered",
                "rope.mrope_interleaved",
            )
        )
        for moe in ("qwen35", "qwen35moe")
    },
    "laguna": ("laguna.rope.swa.freq_base",),
}
CLEAN: dict[str, dict[str, Value]] = {
    "gemma3": {EPSILON: 1e-6, "gemma3.rope.freq_base": 1e6},
    "mistral3": {"mistral3.rope.scaling.yarn_beta_fast": 32.0},
    "qwen35": {"qwen35.rope.dimension_sections": (11, 11, 10, 0)},
    "qwen35moe": {"qwen35moe.feed_forward_length": 512},
    "laguna": {"laguna.rope.freq_base_swa": 1e4},
}


@pytest.mark.parametrize(
    ("architecture", "key"), [(name, key) for name, keys in KEYS.items() for key in keys]
)
def test_keys_of_ollamas(architecture: str, key: str) -> None:
    clean = CLEAN[architecture]
    refused = said(header(architecture, {**clean, key: 1}))
    assert refused.startswith(
        f"It is a {architecture} in a layout that only Ollama reads: it has the key '{key}'."
    )
    assert STANDARD in refused
    assert why_not_loadable(header(architecture, clean)) is None


@pytest.mark.parametrize(
    ("architecture", "key"),
    [
        ("gemma3", EPSILON),
        ("qwen3vl", "qwen3vl.rope.dimension_sections"),
        ("qwen3vlmoe", "qwen3vlmoe.rope.dimension_sections"),
    ],
)
def test_keys_that_ollama_leaves_out(architecture: str, key: str) -> None:
    assert f"it lacks the key '{key}'" in said(header(architecture))
    assert why_not_loadable(header(architecture, {key: 1})) is None


@pytest.mark.parametrize(
    ("architecture", "metadata", "odd", "usual"),
    [
        ("gemma3", {EPSILON: 1e-6}, "dense.0.weight", "blk.0.ffn_up.weight"),
        ("laguna", {}, "blk.0.attn_g.weight", "blk.0.attn_gate.weight"),
        ("nemotron_h_moe", {}, "blk.1.ffn_latent_in.weight", "blk.1.ffn_latent_down.weight"),
        ("qwen3next", {}, "blk.3.ssm_dt", "blk.3.ssm_dt.bias"),
    ],
)
def test_tensors_of_ollamas(architecture: str, metadata: dict[str, Value], odd: str, usual: str) -> None:
    assert f"it has the tensor '{odd}'" in said(header(architecture, metadata, (*PLAIN, odd)))
    assert why_not_loadable(header(architecture, metadata, (*PLAIN, usual))) is None


def test_a_gemma3n_whose_embeddings_are_of_different_lengths() -> None:
    common, of_layers = tensor("token_embd.weight", rows=262_400), "per_layer_token_embd.weight"
    assert f"than in '{of_layers}'" in said(header("gemma3n", {}, (common, tensor(of_layers, rows=262_144))))
    assert why_not_loadable(header("gemma3n", {}, (common, tensor(of_layers, rows=262_400)))) is None


def test_a_gemma4_with_the_vocabulary_of_llama() -> None:
    assert "'tokenizer.ggml.model'" in said(header("gemma4", {"tokenizer.ggml.model": "llama"}))
    assert why_not_loadable(header("gemma4", {"tokenizer.ggml.model": "gemma4"})) is None


def test_an_lfm2_whose_first_norm_has_another_name() -> None:
    assert "it lacks the tensor 'token_embd_norm.weight'" in said(header("lfm2"))
    assert why_not_loadable(header("lfm2", {}, (*PLAIN, "token_embd_norm.weight"))) is None


@pytest.mark.parametrize("texts", [("a", "b"), SkippedArray(2000, ValueType.STRING)])
def test_a_bert_with_its_characters_as_texts(texts: Value) -> None:
    unigram: dict[str, Value] = {"tokenizer.ggml.model": "t5"}
    assert f"'{CHARACTERS}'" in said(header("bert", {**unigram, CHARACTERS: texts}))
    for clean in ((1, 2), SkippedArray(2000, ValueType.U8)):
        assert why_not_loadable(header("bert", {**unigram, CHARACTERS: clean})) is None
    assert why_not_loadable(header("bert", {"tokenizer.ggml.model": "bert", CHARACTERS: texts})) is None


@pytest.mark.parametrize("type_id", REMOVED_TYPES)
def test_types_that_were_removed(type_id: int) -> None:
    refused = said(header("llama", {}, (*PLAIN, tensor("blk.0.ffn_up.weight", type_id=type_id))))
    assert f"'blk.0.ffn_up.weight' is in {REMOVED_TYPES[type_id]}, which" in refused


@pytest.mark.parametrize("architecture", ["gptoss", "gpt-oss"])
def test_the_old_mxfp4_of_ollama_comes_before_anything_else(architecture: str) -> None:
    refused = said(header(architecture, {}, (tensor("blk.0.ffn_down_exps.weight", type_id=4),)))
    assert "'blk.0.ffn_down_exps.weight' has type 4, once Ollama's number for MXFP4" in refused
    assert "Pull it again." in refused
    assert (
        why_not_loadable(header("gpt-oss", {}, (tensor("blk.0.ffn_down_exps.weight", type_id=39),))) is None
    )


def test_a_name_from_a_file_cannot_command_the_terminal() -> None:
    assert "\x1b" not in said(header("llama", {}, ("v.\x1b[2J",)))


def test_real_models_pass_without_a_word(tmp_path: Path) -> None:
    write_model(tmp_path / "demo.gguf")
    for path in (tmp_path / "demo.gguf", write_llama(tmp_path / "llama.gguf", LLAMA_8B)):
        assert why_not_loadable(read_header(path)) is None
        assert cautions(read_header(path)) == ()
