"""Terminals that can do little: no box drawing, 16 colours, none at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.support.terminal import Terminal
from tests.terminal.conftest import CONSOLE


def test_only_ascii_comes_out_where_the_locale_has_no_more(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, {**lonely, "LC_ALL": "C"}, 120, 36) as terminal:
        terminal.wait_for("no model")
        terminal.send("h\u00e9llo \u65e5\u672c")
        terminal.wait_for("h?llo????")
        assert "--------" in terminal.text
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert terminal.written.isascii()


@pytest.mark.parametrize(
    "few", [("TERM=xterm",), ("TERM=linux",), ("TERM=xterm-256color", "NO_COLOR=1")], ids=" ".join
)
def test_words_remain_where_colours_are_few(lonely: Mapping[str, str], few: tuple[str, ...]) -> None:
    plain = {name: value for name, value in lonely.items() if name != "COLORTERM"}
    with Terminal(("env", *few, *CONSOLE), plain, 120, 36) as terminal:
        terminal.wait_for("4 Coordinator")
        terminal.wait_for("no model")
        cells = [
            cell for row in terminal._screen.buffer.values() for cell in row.values() if cell.data.strip()
        ]
        assert cells
        assert [c.data for c in cells if c.fg == c.bg and c.fg != "default"] == []
        if few[0] != "TERM=xterm-256color":
            # 24-bit and 256-colour sequences are for terminals that have them.
            assert not re.search(rb"\x1b\[[0-9;]*[34]8;", bytes(terminal.written))
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
