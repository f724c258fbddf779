"""A model to plan for."""

from __future__ import annotations

from dataclasses import dataclass

from app.gguf.cache import CacheType
from app.text.units import MIB

_BITS = dict(zip(CacheType, (32, 16, 16, 9, 7, 6, 5, 4, 4), strict=True))
"""Of an element of the cache, near enough."""


@dataclass(frozen=True)
class Model:
    """Layers of any size, each with a cache in proportion to the context."""

    layers: tuple[int, ...]
    output_bytes: int = 500 * MIB
    cache_per_token: int = 16 * 1024
    """Of one layer, as f32."""
    host_bytes: int = 250 * MIB
    trained_context: int | None = 131_072
    working: int = 128 * MIB
    logits: int = 256 * MIB

    def why_not_cached(self, _k: CacheType, _v: CacheType) -> str | None:
        return None

    def weights_of(self, first: int, count: int) -> int:
        return sum((*self.layers, self.output_bytes)[first : first + count])

    def cache_of(self, first: int, count: int, context: int, k: CacheType, v: CacheType) -> int:
        cached = max(0, min(first + count, len(self.layers)) - first)
        return cached * context * self.cache_per_token * (_BITS[k] + _BITS[v]) // 64

    def compute_bytes(self, context: int, *, has_output: bool) -> int:
        return self.working + (self.logits if has_output else 0)
