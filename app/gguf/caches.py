"""Which cache each layer of a model has, for the architectures whose caches are known.

Sources: `load_arch_hparams` of src/models/*.cpp, `llama_model::create_memory` in src/llama-model.cpp, and
`n_embd_k_gqa`, `n_embd_r` and their like in src/llama-hparams.cpp.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.gguf.cache import LayerCache
from app.gguf.keys import ModelKeys, NeedsUnknown
from app.text.problem import quoted

Flags = tuple[bool, ...]
"""One for each layer."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Sliding windows: of each `period` layers the last one looks at the whole context, the others do not."""

    period: int | None = None
    """Where the file does not say; None: the file must."""
    tokens: int | None = None
    """Length where the file does not say; None: it has no windows then."""
    is_fixed: bool = False
    """Whether the length is always `tokens`, unless the file says that there are no windows."""
    only_with: int | None = None
    """Whether only models of so many layers have them."""


@dataclass(frozen=True, slots=True)
class Design:
    """How the layers of one architecture remember. As it stands: each by a KV cache of the whole context."""

    windows: Windows | None = None
    recurrent: Callable[[ModelKeys], Flags] | None = None
    """The layers with a recurrent state in place of a KV cache."""
    has_both: bool = False
    """Each layer has a recurrent state beside its KV cache."""
    own_caches: int | None = None
    """The layers behind so many use the caches of those before, where the file does not say how many do."""
    may_be_latent: bool = False
    """Keys and values may be one compressed vector (MLA), of which only the keys are stored."""


def caches_of(keys: ModelKeys) -> tuple[LayerCache, ...]:
    """The cache of each layer.

    Raises:
        NeedsUnknown: the architecture is not known, or a number that its caches depend on is not said.
    """
    design = DESIGNS.get(keys.architecture)
    if design is None:
        name = quoted(keys.architecture)
        raise NeedsUnknown(f"What the layers of the architecture {name} keep of a conversation is not known.")
    recurrent = design.recurrent(keys) if design.recurrent else (design.has_both,) * keys.layers
    state = _state(keys) if any(recurrent) else 0
    if all(recurrent) and not design.has_both:
        return (LayerCache(state=state),) * keys.layers
    caches = []
    for attention, flag in zip(_attention(keys, design), recurrent, strict=True):
        cache = LayerCache() if flag and not design.has_both else attention
        caches.append(replace(cache, state=state) if flag else cache)
    return tuple(caches)


def _attention(keys: ModelKeys, design: Design) -> tuple[LayerCache, ...]:
    heads = keys.each("attention.head_count_kv") or keys.each("attention.head_count")
    if heads is None:
        raise NeedsUnknown("The model does not say how many attention heads it has.")
    windows = _windows(keys, design.windows)
    shared = keys.whole("attention.shared_kv_layers")
    own = design.own_caches if shared is None else keys.layers - shared
    whole = head_lengths(keys, is_latent=design.may_be_latent)
    behind_window = (
        keys.number("attention.key_length_swa", whole[0]),
        keys.number("attention.value_length_swa", whole[1]),
    )
    caches = []
    for count, window in zip(heads, windows, strict=True):
        key, value = whole if window is None else behind_window
        caches.append(LayerCache(count * key, count * value, window))
    return tuple(cache if own is None or layer < own else LayerCache() for layer, cache in enumerate(caches))


def heads_of(keys: ModelKeys) -> tuple[int, int] | None:
    """Elements of one token's key and of its value in one head; None where there are none, or nobody says."""
    design = DESIGNS.get(keys.architecture)
    try:
        return None if design is None else head_lengths(keys, is_latent=design.may_be_latent)
    except NeedsUnknown:
        return None


def head_lengths(keys: ModelKeys, *, is_latent: bool) -> tuple[int, int]:
    """Elements that one head keeps of one token: of its key, and of its value.

    Raises:
        NeedsUnknown: they are not said, nor the width and the heads that they would follow from.
    """
    key, value = keys.whole("attention.key_length"), keys.whole("attention.value_length")
    if key is None or value is None:
        heads = keys.each("attention.head_count")
        if heads is None or not heads[0]:
            raise NeedsUnknown("The model does not say how long its keys and values are.")
        default = keys.required("embedding_length") // heads[0]
        key, value = default if key is None else key, default if value is None else value
    return (key, 0) if is_latent and keys.whole("attention.key_length_mla") else (key, value)


def _windows(keys: ModelKeys, windows: Windows | None) -> tuple[int | None, ...]:
    """The window of each layer; None for one that looks at the whole context."""
    if windows is None or windows.only_with not in (None, keys.layers):
        return (None,) * keys.layers
    said = keys.whole("attention.sliding_window")
    tokens = windows.tokens if said is None or (said and windows.is_fixed) else said
    if not tokens:
        return (None,) * keys.layers
    if keys.is_list("attention.sliding_window_pattern"):
        return tuple(tokens if flag else None for flag in keys.each("attention.sliding_window_pattern") or ())
    period = keys.whole("attention.sliding_window_pattern") or windows.period
    if period is None:
        raise NeedsUnknown("The model does not say which of its layers have a sliding window.")
    return tuple(tokens if layer % period < period - 1 else None for layer in range(keys.layers))


def _state(keys: ModelKeys) -> int:
    """Numbers of the recurrent state of one layer: the end of its convolution, and what it sums up."""
    convolution = keys.whole("shortconv.l_cache")
    if convolution:
        return keys.required("embedding_length") * (convolution - 1)
    size = keys.required("ssm.state_size") * keys.required("ssm.inner_size")
    return max(0, keys.required("ssm.conv_kernel") - 1) * channels_of(keys) + size


def channels_of(keys: ModelKeys) -> int:
    """Numbers of one token that a recurrent layer puts through its convolution; 0 where it has none."""
    groups, size = keys.number("ssm.group_count", 0), keys.number("ssm.state_size", 0)
    return keys.number("ssm.inner_size", 0) + 2 * groups * size


def _all(keys: ModelKeys) -> Flags:
    return (True,) * keys.layers


def _without_heads(keys: ModelKeys) -> Flags:
    return tuple(not count for count in keys.each("attention.head_count_kv") or (1,) * keys.layers)


def _without_heads_and_feed_forward(keys: ModelKeys) -> Flags:
    inner = keys.each("feed_forward_length") or (0,) * keys.layers
    return tuple(flag and not width for flag, width in zip(_without_heads(keys), inner, strict=True))


def _between_attention(keys: ModelKeys) -> Flags:
    if keys.is_list("attention.recurrent_layers"):
        return tuple(bool(flag) for flag in keys.each("attention.recurrent_layers") or ())
    interval = keys.whole("full_attention_interval") or _ATTENTION_INTERVAL
    return tuple((layer + 1) % interval != 0 for layer in range(keys.layers))


_ATTENTION_INTERVAL = 4
_BY_HEADS = Design(recurrent=_without_heads)
_BY_INTERVAL = Design(recurrent=_between_attention)
_BY_FEED_FORWARD = Design(recurrent=_without_heads_and_feed_forward)

_WITH_PLAIN_CACHES = (
    "apertus arcee baichuan bitnet chatglm command-r deci deepseek dots1 ernie4_5 ernie4_5-moe exaone falcon "
    "gemma glm4 glm4moe gpt2 gptneox granite granitemoe hunyuan-dense hunyuan-moe internlm2 llama minicpm "
    "mistral3 nemotron olmo olmoe orion phi2 phi3 phimoe qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3vl "
    "qwen3vlmoe seed_oss smollm3 stablelm starcoder starcoder2 xverse"
)

DESIGNS = {
    **dict.fromkeys(_WITH_PLAIN_CACHES.split(), Design()),
    "cohere2": Design(Windows(period=4)),
    "exaone4": Design(Windows(period=4, tokens=4096, only_with=64)),
    "gemma2": Design(Windows(period=2, tokens=4096)),
    "gemma3": Design(Windows(period=6)),
    "gemma3n": Design(Windows(period=5), own_caches=20),
    "gemma4": Design(Windows()),
    "gpt-oss": Design(Windows(period=2)),
    "llama4": Design(Windows(period=4, tokens=8192, is_fixed=True)),
    "olmo2": Design(Windows(period=4)),
    "deepseek2": Design(may_be_latent=True),
    "mamba": Design(recurrent=_all),
    "mamba2": Design(recurrent=_all),
    "falcon-h1": Design(has_both=True),
    "granitehybrid": _BY_HEADS,
    "jamba": _BY_HEADS,
    "lfm2": _BY_HEADS,
    "lfm2moe": _BY_HEADS,
    "nemotron_h": _BY_FEED_FORWARD,
    "nemotron_h_moe": _BY_FEED_FORWARD,
    "qwen35": _BY_INTERVAL,
    "qwen35moe": _BY_INTERVAL,
    "qwen3next": _BY_INTERVAL,
}
"""By the name in the file; what is not here is not known."""
