"""The title of the terminal's window: said where it is wanted, and as it was before at the end."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from app.config import folders
from tests.support.terminal import Terminal
from tests.terminal.conftest import CONSOLE
from tests.terminal.test_habits import SHELL

KEPT, SAID, BACK = b"\x1b[22;0t", b"\x1b]2;synaptic-tui\x07", b"\x1b[23;0t"


def test_unasked_it_stays_as_it_is(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert not any(part in terminal.written for part in (KEPT, b"\x1b]2;", BACK))


def test_it_is_said_once_and_given_back(lonely: Mapping[str, str]) -> None:
    _want_title()
    with Terminal(CONSOLE, lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert [terminal.written.count(part) for part in (KEPT, SAID, BACK)] == [1, 1, 1]
        assert terminal.written.index(KEPT) < terminal.written.index(SAID) < terminal.written.index(BACK)


def test_the_shell_has_its_own_while_the_console_is_suspended(lonely: Mapping[str, str]) -> None:
    _want_title()
    with Terminal(SHELL, {**lonely, "PS1": "the-shell> "}, 100, 30) as terminal:
        terminal.wait_for("the-shell>")
        terminal.send(f"{shlex.join(CONSOLE)}\r")
        terminal.wait_for("No model is chosen")
        terminal.send("\x1a")
        terminal.wait_for("Stopped")
        assert [terminal.written.count(part) for part in (KEPT, SAID, BACK)] == [1, 1, 1]
        terminal.clear()
        terminal.send("fg\r")
        terminal.wait_for("1 Chat")
        terminal.send("\x11")
        terminal.wait_for("the-shell>")
        assert [terminal.written.count(part) for part in (KEPT, SAID, BACK)] == [2, 2, 2]
        terminal.send("exit\r")
        assert terminal.wait_exit() == 0


def _want_title() -> None:
    config = folders.config_file()
    config.write_text(f"{config.read_text()}console: {{title: true}}\n")
