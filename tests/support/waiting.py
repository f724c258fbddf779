"""Waiting for what must come, with a deadline instead of a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

DEADLINE_S = 20.0


async def until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Wait until it holds.

    Raises:
        AssertionError: it did not within the deadline.
    """
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"{what} did not come about"
        await asyncio.sleep(0.01)
