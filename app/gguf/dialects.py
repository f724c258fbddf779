"""How Ollama's own layouts of some architectures show in a header.

Ollama converted these models by its own rules before llama.cpp had them, or otherwise than llama.cpp does.
Source: what the detectors of ollama/llama/compat/llama-ollama-compat.cpp look for, as that translates such
files for Ollama's own engine; and `load_arch_hparams` and `load_arch_tensors` in llama.cpp's src/models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.gguf.header import Header
from app.gguf.layout import SkippedArray
from app.gguf.types import ValueType
from app.text.problem import quoted

Sign = Callable[[Header], str | None]
"""Where the layout shows, to follow "it ..."; None where it does not."""

FOREIGN_NAMES: Mapping[str, str | None] = {
    "deepseekocr": "deepseek2-ocr",
    "glm4moelite": "deepseek2",
    "glmocr": "glm4",
    "gptoss": "gpt-oss",
    "mllama": None,
    "nemotron_h_omni": "nemotron_h",
    "olmo3": "olmo2",
    "qwen25vl": "qwen2vl",
}
"""Architectures by names that only Ollama knows, with llama.cpp's name; None: it has no such architecture."""

_OTHER_PARTS = ("v.", "mm.", "a.", "s.", "mtp.", "model.vision_tower.")
"""Tensors that llama.cpp has in files of their own; in the model's it counts them, and refuses them all."""
_CHARACTERS = "tokenizer.ggml.precompiled_charsmap"


def other_part(header: Header) -> str | None:
    """A tensor that belongs to no text model, such as one of its eyes; None where there is none."""
    if header.architecture == "clip":
        return None
    return _first_tensor(header, lambda name: name.startswith(_OTHER_PARTS))


def sign_of_dialect(header: Header) -> str | None:
    """Where Ollama's layout of an architecture that llama.cpp has too shows, to follow "it ..."."""
    signs = _SIGNS.get(header.architecture or "", ())
    return next((said for sign in signs if (said := sign(header)) is not None), None)


def _first_tensor(header: Header, fits: Callable[[str], bool]) -> str | None:
    return next((tensor.name for tensor in header.tensors if fits(tensor.name)), None)


def _has_key(*keys: str) -> Sign:
    def sign(header: Header) -> str | None:
        found = next((key for key in keys if key in header.metadata), None)
        return found and f"has the key '{found}'"

    return sign


def _has_key_below(group: str) -> Sign:
    def sign(header: Header) -> str | None:
        found = next((key for key in header.metadata if key.startswith(group)), None)
        return found and f"has the key {quoted(found)}"

    return sign


def _lacks_key(key: str) -> Sign:
    return lambda header: None if key in header.metadata else f"lacks the key '{key}'"


def _has_tensor(fits: Callable[[str], bool]) -> Sign:
    def sign(header: Header) -> str | None:
        found = _first_tensor(header, fits)
        return found and f"has the tensor {quoted(found)}"

    return sign


def _other_vocabulary(header: Header) -> str | None:
    vocabulary = header.metadata.get("tokenizer.ggml.model")
    return "has 'llama' in the key 'tokenizer.ggml.model'" if vocabulary == "llama" else None


def _uneven_embeddings(header: Header) -> str | None:
    rows = {tensor.name: tensor.shape[1:] for tensor in header.tensors if "token_embd" in tensor.name}
    common, of_layers = rows.get("token_embd.weight"), rows.get("per_layer_token_embd.weight")
    if common is None or of_layers is None or common == of_layers:
        return None
    return "has other tokens in 'token_embd.weight' than in 'per_layer_token_embd.weight'"


def _lacks_first_norm(header: Header) -> str | None:
    names = {tensor.name for tensor in header.tensors}
    if "output_norm.weight" in names and "token_embd_norm.weight" not in names:
        return "lacks the tensor 'token_embd_norm.weight'"
    return None


def _characters_as_texts(header: Header) -> str | None:
    characters = header.metadata.get(_CHARACTERS)
    texts = (
        characters.kind is ValueType.STRING
        if isinstance(characters, SkippedArray)
        else isinstance(characters, tuple) and any(isinstance(element, str) for element in characters)
    )
    if header.metadata.get("tokenizer.ggml.model") == "t5" and texts:
        return f"has texts in the key '{_CHARACTERS}'"
    return None


def _qwen35(architecture: str) -> Sign:
    names = ("vision.block_count", "image_token_id", "ssm.v_head_reordered", "rope.mrope_interleaved")
    return _has_key(*(f"{architecture}.{name}" for name in names))


_SIGNS: Mapping[str, tuple[Sign, ...]] = {
    "bert": (_characters_as_texts,),
    "gemma3": (
        _lacks_key("gemma3.attention.layer_norm_rms_epsilon"),
        # With these alone it would be loaded, and with the rotation of its positions passed over.
        _has_key(
            "gemma3.rope.global.freq_base",
            "gemma3.rope.local.freq_base",
            "gemma3.mm.tokens_per_image",
            "tokenizer.ggml.add_padding_token",
            "tokenizer.ggml.add_unknown_token",
        ),
        _has_tensor(lambda name: name == "dense.0.weight"),
    ),
    "gemma3n": (_uneven_embeddings,),
    "gemma4": (_other_vocabulary,),
    "laguna": (_has_key_below("laguna.rope.swa."), _has_tensor(lambda name: name == "blk.0.attn_g.weight")),
    "lfm2": (_lacks_first_norm,),
    "mistral3": (
        _has_key(
            "mistral3.rope.scaling.beta_fast",
            "mistral3.rope.scaling.mscale_all_dim",
            "mistral3.rope.scaling_beta",
        ),
    ),
    "nemotron_h_moe": (_has_tensor(lambda name: ".ffn_latent_in" in name),),
    "qwen35": (_qwen35("qwen35"),),
    "qwen35moe": (_qwen35("qwen35moe"),),
    "qwen3next": (_has_tensor(lambda name: name.endswith(".ssm_dt")),),
    "qwen3vl": (_lacks_key("qwen3vl.rope.dimension_sections"),),
    "qwen3vlmoe": (_lacks_key("qwen3vlmoe.rope.dimension_sections"),),
}
"""By architecture; the clearest first."""
