"""The very first start, in a real terminal."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.cli.session import usual_places
from tests.support.terminal import Terminal
from tests.terminal.conftest import CONSOLE


@pytest.mark.parametrize(("columns", "rows"), [(120, 36), (80, 24)])
def test_the_first_start_welcomes_until_it_is_told_not_to(
    lonely: Mapping[str, str], columns: int, rows: int
) -> None:
    usual_places().state_file.unlink()
    with Terminal(CONSOLE, lonely, columns, rows) as terminal:
        terminal.wait_for("Welcome")
        terminal.wait_for("No llama-server is found on this box.")
        terminal.wait_for("n never again")
        terminal.send("n")
        terminal.wait_for("The welcome page comes up by itself no more")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
    with Terminal(CONSOLE, lonely, columns, rows) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("/welcome\r")
        terminal.wait_for("n never again")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert terminal.restored
