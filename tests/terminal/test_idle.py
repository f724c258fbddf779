"""A console in which nothing happens writes nothing: over a slow line, every byte is somebody's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from app.cli.session import usual_places
from app.config.state import Layout, StateFile
from tests.support.terminal import Terminal
from tests.terminal.conftest import CONSOLE

QUIET_S = 8.0
"""More than one round of probes, of polls and of looks at the configuration."""


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["wide", "narrow"])
@pytest.mark.parametrize(
    "keys", ["", "\x1b", "\x1b2", "\x1b4"], ids=["prompt", "chat", "backends", "coordinator"]
)
def test_nothing_is_written_while_nothing_happens(
    lonely: Mapping[str, str], size: tuple[int, int], keys: str
) -> None:
    # The line of this box is not there: whatever else this machine does would show on it.
    hidden = Layout(hidden=("nodes",))
    StateFile(usual_places().state_file).update(lambda state: replace(state, layout=hidden))
    with Terminal(CONSOLE, lonely, *size) as terminal:
        terminal.wait_for("No model is chosen yet.")
        for key in keys:
            terminal.send(key)
        while terminal.read_for(2.0):
            pass
        assert terminal.read_for(QUIET_S) == 0
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
