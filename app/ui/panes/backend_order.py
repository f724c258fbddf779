"""What the rows of the backends are sorted by."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from app.core.backends import Backend
from app.core.placement import Share
from app.ui.widgets.ledger import Column

_FIRST = "backend"
_RANKS: dict[str, Callable[[Backend, Share | None], Any]] = {
    _FIRST: lambda _backend, _share: 0,
    "name": lambda backend, _share: backend.remark.name or None,
    "state": lambda backend, _share: backend.word,
    "protocol": lambda backend, _share: backend.protocol,
    "devices": lambda backend, _share: len(backend.devices) or None,
    "memory": lambda backend, _share: backend.total_bytes,
    "ms": lambda backend, _share: backend.latency_ms,
    "layers": lambda _backend, share: share.layers if share else None,
    "holds": lambda _backend, share: share.held_bytes if share else None,
    "origin": lambda backend, _share: backend.origin,
}
"""Of each column by which rows can be sorted; those alike are in the order of their addresses."""


class BackendOrder:
    """A column, and which way round; what is not known is last either way."""

    def __init__(self) -> None:
        self._by = _FIRST
        self.reverse = False
        """Whether the greatest is first."""

    @property
    def is_by_host(self) -> bool:
        """Whether the ports of a host are together, the lowest first."""
        return self._by == _FIRST and not self.reverse

    def go_on(self, columns: Sequence[Column]) -> None:
        """Sort by the next of these columns."""
        keys = [column.key for column in columns if column.key in _RANKS]
        at = keys.index(self._by) if self._by in keys else -1
        self._by = keys[(at + 1) % len(keys)]

    def choose(self, column: str) -> None:
        """Sort by a column; the other way round, where it is sorted by already."""
        if column in _RANKS:
            self.reverse = column == self._by and not self.reverse
            self._by = column

    def titled(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The columns, with a sign at that which is sorted by."""
        sign = "▼" if self.reverse else "▲"
        return tuple(replace(c, title=f"{c.title}{sign}") if c.key == self._by else c for c in columns)

    def place(self, backend: Backend, share: Share | None) -> tuple[Any, ...]:
        """What a backend is sorted by."""
        value = _RANKS[self._by](backend, share)
        return (value is None) is not self.reverse, value or 0, by_address(str(backend.address))


@lru_cache(maxsize=4096)
def by_address(text: str) -> tuple[int, object, str]:
    """Numeric addresses in their order, then names in theirs."""
    host, _, port = text.partition(":")
    try:
        return 0, int(ipaddress.IPv4Address(host)), port.zfill(5)
    except ValueError:
        return 1, host, port.zfill(5)
