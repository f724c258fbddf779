"""The very first picture, in the colours that it will stay in."""

from __future__ import annotations

from collections.abc import Mapping

from textual.color import Color

from app.config import folders
from app.ui.themes import DARK
from tests.support.terminal import Terminal
from tests.terminal.conftest import CONSOLE


def test_a_light_theme_does_not_begin_dark(lonely: Mapping[str, str]) -> None:
    config = folders.config_file()
    config.write_text(f"{config.read_text()}console: {{theme: synaptic-light}}\n")
    colours = {**lonely, "COLORTERM": "truecolor"}
    first, second = (_written_by_a_start(colours) for _start in range(2))
    assert _ground(DARK.background) in first, "nobody could know before"
    assert _ground(DARK.background) not in second


def _written_by_a_start(environment: Mapping[str, str]) -> bytes:
    with Terminal(CONSOLE, environment, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        return bytes(terminal.written)


def _ground(colour: str | None) -> bytes:
    red, green, blue = Color.parse(colour or "").rgb
    return f"48;2;{red};{green};{blue}".encode()
