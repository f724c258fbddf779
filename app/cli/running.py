"""Runs one command to its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def run(command: Coroutine[Any, Any, int | None]) -> int:
    """Run one command to its end; SIGTERM, SIGHUP and Ctrl-C cancel it, so that it cleans up.

    Returns its exit code: 0 where it has none, 128 and the signal's number where one ended it.
    """

    async def cancellable() -> int:
        loop, ended_by = asyncio.get_running_loop(), list[int]()
        task = asyncio.current_task()
        assert task is not None

        def end(number: int) -> None:
            ended_by.append(number)
            if len(ended_by) == 1 or number == signal.SIGINT:
                # The end of a session comes as several signals, which must not cut the cleaning up short.
                task.cancel()

        for number in ENDING_SIGNALS:
            loop.add_signal_handler(number, end, number)
        code = 0
        try:
            code = await command or 0
        except asyncio.CancelledError:
            if not ended_by:
                raise
        # The console takes being cancelled for an order to end, and ends without an exception.
        return 128 + ended_by[0] if ended_by else code

    return asyncio.run(cancellable())
