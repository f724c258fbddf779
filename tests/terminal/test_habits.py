"""What a person does with any program in a terminal: suspend it, resize it, paste into it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping

import pytest

from tests.support.terminal import Terminal
from tests.terminal.conftest import CONSOLE

SHELL = ("bash", "--norc", "--noprofile", "-i")


def test_it_is_suspended_and_resumed_as_any_job(lonely: Mapping[str, str]) -> None:
    with Terminal(SHELL, {**lonely, "PS1": "the-shell> "}, 100, 30) as terminal:
        terminal.wait_for("the-shell>")
        terminal.send(f"{shlex.join(CONSOLE)}\r")
        terminal.wait_for("No model is chosen")
        terminal.send("a half-written prompt")
        terminal.wait_for("a half-written prompt")
        terminal.clear()
        terminal.send("\x1a")
        terminal.wait_for("Stopped")
        assert not set(terminal.modes_left) - {2004}, "2004 is bash's own"
        terminal.send("stty -a\r")
        terminal.wait_for(" icanon")
        terminal.wait_for(" echo ")
        terminal.clear()
        terminal.send("fg\r")
        terminal.wait_for("1 Chat")
        terminal.wait_for("a half-written prompt")
        terminal.send(", and more")
        terminal.wait_for("a half-written prompt, and more")
        terminal.send("\x11")
        terminal.wait_for("the-shell>")
        terminal.send("exit\r")
        assert terminal.wait_exit() == 0
        assert not terminal.modes_left


def test_it_is_resized_to_very_little_and_back(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, lonely, 120, 36) as terminal:
        terminal.wait_for("4 Coordinator")
        terminal.clear()
        terminal.resize(40, 10)
        terminal.wait_for("2 Backends")
        terminal.send("still here")
        terminal.wait_for("still here")
        terminal.clear()
        terminal.resize(120, 36)
        terminal.wait_for("4 Coordinator")
        terminal.wait_for("still here")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert terminal.restored


def test_a_large_text_is_pasted_and_not_sent(lonely: Mapping[str, str]) -> None:
    text = "".join(f"line {number} of many\n" for number in range(5000)) + "the very last words"
    with Terminal(CONSOLE, lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.paste(text)
        terminal.wait_for("[pasted: 5,001 lines, 86.8 KiB]")
        terminal.send(" and my own")
        terminal.wait_for("and my own")
        assert "line 7 of many" not in terminal.text
        terminal.send("\x7f" * len(" and my own") + "\x7f")
        terminal.wait_for("Ask, or / for a command")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert terminal.restored


def test_alt_and_a_digit_leave_the_prompt_for_a_pane(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, lonely, 80, 24) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("half a prompt")
        terminal.wait_for("half a prompt")
        terminal.send("\x1b2")
        terminal.wait_for("No backend is known yet.")
        terminal.clear()
        terminal.send("\x1b1")
        terminal.wait_for("half a prompt")
        terminal.send(" and more")
        terminal.wait_for("half a prompt and more")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0


def test_no_colour_where_none_is_wanted(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, {**lonely, "NO_COLOR": "1"}, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert not terminal.colours


def test_only_ascii_where_the_locale_has_nothing_else(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, {**lonely, "LC_ALL": "C"}, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert terminal.written.isascii()


def test_the_version_needs_no_terminal(lonely: Mapping[str, str]) -> None:
    with Terminal((sys.executable, "-m", "app", "--version"), lonely, 100, 30) as terminal:
        assert terminal.wait_exit() == 0
        assert terminal.text.startswith("synaptic-tui ")
        assert terminal.restored


@pytest.mark.parametrize(
    ("burst", "shown"),
    [("\x1b2:status\r", "0 of 0 up"), ("\x1b2mzzz", "zzz"), ("\x1b2:model\rzzz", "zzz")],
)
def test_keys_in_one_burst_go_where_those_before_them_lead(
    lonely: Mapping[str, str], burst: str, shown: str
) -> None:
    with Terminal(CONSOLE, lonely, 120, 36) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send(burst)
        terminal.wait_for(shown)
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
