"""What one layer remembers of a conversation, and how many bytes that takes for one sequence (`-np 1`).

Sources: src/llama-kv-cache.cpp, src/llama-kv-cache-iswa.cpp, src/llama-memory-recurrent.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.gguf.types import TENSOR_TYPES

UBATCH = 512
"""Tokens that are computed at once, llama-server's default (`-ub`)."""
CELLS_STEP = 256
"""A cache has a multiple of so many cells; each holds one token."""
_STATE_NUMBER = 4
"""Bytes; the state of recurrent layers is F32 whatever the type of the cache."""

_TYPES = {kind.name: kind for kind in TENSOR_TYPES.values()}


class CacheType(StrEnum):
    """How keys or values are stored, as llama-server's `-ctk` and `-ctv` call it."""

    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"
    Q8_0 = "q8_0"
    Q5_1 = "q5_1"
    Q5_0 = "q5_0"
    Q4_1 = "q4_1"
    Q4_0 = "q4_0"
    IQ4_NL = "iq4_nl"

    @property
    def block(self) -> int:
        """Elements that are stored together."""
        return _TYPES[self.name].elements

    def bytes_of(self, count: int) -> int:
        """Bytes that `count` elements take; they fill whole blocks."""
        return _TYPES[self.name].bytes_of(count)


@dataclass(frozen=True, slots=True)
class LayerCache:
    """The KV cache of one layer, or its recurrent state, or both. As it stands: none."""

    keys: int = 0
    """Elements for each token."""
    values: int = 0
    """Elements for each token; none where they are computed from the keys (MLA)."""
    window: int | None = None
    """Tokens that a layer with a sliding window looks back; None: all."""
    state: int = 0
    """Numbers of the recurrent state, however long the context is."""

    def bytes_of(self, context: int, k: CacheType, v: CacheType) -> int:
        """Bytes for one sequence of `context` tokens, with keys stored as `k` and values as `v`."""
        cells = cells_of(context, self.window)
        return k.bytes_of(cells * self.keys) + v.bytes_of(cells * self.values) + self.state * _STATE_NUMBER


def cells_of(context: int, window: int | None = None) -> int:
    """Cells of a cache for `context` tokens; behind a sliding window those of one batch are kept too."""
    cells = _padded(context)
    return cells if window is None else min(cells, _padded(window + UBATCH))


def _padded(tokens: int) -> int:
    return -(-tokens // CELLS_STEP) * CELLS_STEP
