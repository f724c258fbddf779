"""How a llama-server is, by what it says of itself."""

from __future__ import annotations

from enum import Enum, auto


class Health(Enum):
    """What a llama-server says of itself; it says nothing of its backends."""

    UNREACHABLE = auto()
    """It has not opened its port yet, or not any more, or something else has it."""
    LOADING = auto()
    READY = auto()
