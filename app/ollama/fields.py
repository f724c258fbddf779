"""Single values out of JSON that a node wrote: what is missing, or of another kind, is unknown.

Nodes are of every age, and other programs speak Ollama's API too: one odd field must not cost the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

Json = Mapping[str, object]

_NANOSECONDS = 1_000_000_000


def text(said: Json, key: str) -> str | None:
    """Text that can be shown on one line; None for an empty one too."""
    value = said.get(key)
    return value if isinstance(value, str) and value and value.isprintable() else None


def whole(said: Json, key: str) -> int | None:
    """A whole number that is not negative."""
    value = said.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def count(said: Json, key: str) -> int | None:
    """How many there are, where zero means that nobody knows."""
    return whole(said, key) or None


def seconds(said: Json, key: str) -> float | None:
    """A duration, which Ollama writes in nanoseconds."""
    nanoseconds = whole(said, key)
    return None if nanoseconds is None else nanoseconds / _NANOSECONDS


def moment(said: Json, key: str) -> datetime | None:
    """A point in time, with its offset; Go's zero time is unknown."""
    try:
        value = datetime.fromisoformat(text(said, key) or "")
    except ValueError:
        return None
    return value if value.tzinfo is not None and value.year > 1 else None


def words(said: Json, key: str) -> frozenset[str] | None:
    """A list of words, whose order says nothing."""
    value = said.get(key)
    return frozenset(w for w in value if isinstance(w, str)) if isinstance(value, list) else None


def part(said: Json, key: str) -> Json:
    """An object inside; empty where there is none."""
    value = said.get(key)
    return value if isinstance(value, dict) else {}


def parts(said: Json, key: str) -> tuple[Json, ...]:
    """The objects of a list inside."""
    value = said.get(key)
    return tuple(p for p in value if isinstance(p, dict)) if isinstance(value, list) else ()
