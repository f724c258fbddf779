"""A command that is ended by a signal cleans up, whatever signals come while it does."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from app.cli.running import run


@pytest.mark.parametrize(("second", "whole"), [(signal.SIGHUP, True), (signal.SIGINT, False)])
def test_only_control_c_cuts_the_cleaning_up_short(second: signal.Signals, whole: bool) -> None:
    cleaned = list[bool]()

    async def command() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            came = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, came.set)
            os.kill(os.getpid(), second)
            os.kill(os.getpid(), signal.SIGUSR1)
            await came.wait()
            await asyncio.sleep(0)
            cleaned.append(True)

    assert run(command()) == 128 + signal.SIGTERM
    assert cleaned == [True] * whole
