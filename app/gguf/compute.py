"""An allowance for the compute buffer of one device: what it needs for the numbers between the layers.

llama.cpp finds the size by planning the whole graph (`sched_reserve` in src/llama-context.cpp); there is no
formula. The terms below are those that the planned sizes were seen to follow, each taken at its largest. They
hold with flash attention, which is on by default, and for caches of F16 or less: F32 is converted first.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.gguf.cache import UBATCH, LayerCache, cells_of
from app.gguf.caches import channels_of, head_lengths
from app.gguf.keys import ModelKeys
from app.text.units import MIB

_NUMBER, _MASK_NUMBER = 4, 2
"""Bytes: of an activation (F32), and of what hides a token from another (F16)."""
_COPIES = 4
"""Several devices work on several batches at once, each with inputs of its own (`GGML_SCHED_MAX_COPIES`)."""
_WIDTHS = 4 * _COPIES
"""Whole states of a batch that are there at once: four of each copy."""
_WIDEST = 3
"""Results of the widest matrices that are there at once: gate, up, and their product."""
_LAYERWISE = 10
"""Inputs that each layer has of its own, as often as they are there at once: of each copy, and in parts."""
_RECURRENT = 3
"""A recurrent layer is as wide as three times what it puts through its convolution."""
_SMALL = MIB
"""Positions, indices and alignment."""
_LARGEST_VOCABULARY = 262_144
"""Taken where the number of tokens is not said; no family of models has more."""


@dataclass(frozen=True, slots=True)
class ComputeNeeds:
    """What the compute buffers of a model follow from."""

    width: int
    """Numbers of one token between the layers."""
    layerwise: int
    """Numbers of one token that the layers get beside those, of all layers together."""
    widest: int
    """Numbers of one token inside a layer, after its widest matrix."""
    vocabulary: int | None
    windows: frozenset[int | None]
    """The lengths that its KV caches look back, None for all; a mask is needed for each."""

    def bytes_of(self, context: int, *, has_output: bool) -> int:
        """Bytes on one of several devices, with the output or without."""
        token = _NUMBER * (_WIDTHS * self.width + _LAYERWISE * self.layerwise + _WIDEST * self.widest)
        token += _COPIES * _MASK_NUMBER * sum(cells_of(context, window) for window in self.windows)
        if has_output:
            # Recent builds plan the logits of a few tokens only, older ones those of all.
            token += _NUMBER * (self.vocabulary or _LARGEST_VOCABULARY)
        return UBATCH * token + _SMALL


def compute_of(keys: ModelKeys, caches: tuple[LayerCache, ...], vocabulary: int | None) -> ComputeNeeds:
    """What the compute buffers of a model with these caches follow from.

    Raises:
        NeedsUnknown: a number that is needed is not said.
    """
    width = keys.required("embedding_length")
    windows = frozenset(cache.window for cache in caches if cache.keys)
    inner = max(keys.each("feed_forward_length") or (0,))
    expert = max(width, keys.whole("expert_feed_forward_length") or inner)
    heads = max(keys.each("attention.head_count") or (0,))
    queries = heads * head_lengths(keys, is_latent=False)[0] if heads else 0
    widest = max(
        inner,
        queries,
        expert * keys.number("expert_used_count", 0),
        _RECURRENT * channels_of(keys),
    )
    return ComputeNeeds(
        width=width * max(1, keys.number("altup.num_inputs", 1)),
        layerwise=keys.number("embedding_length_per_layer_input", 0) * keys.layers,
        widest=widest,
        vocabulary=vocabulary,
        windows=windows,
    )
