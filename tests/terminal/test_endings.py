"""However the console ends, the terminal is as it was before, and nothing is left."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping

import psutil
import pytest

from app.config import folders
from app.config.crashes import newest_report
from tests.support.terminal import Terminal
from tests.terminal.conftest import CONSOLE

PLANTED = "planted-secret-4711"
FAULTS = {
    "a handler": "app.ui.screens.main:MainScreen.action_command_line",
    "a task of the core": "app.core.vitals:BoxWatch._watch_vitals",
}
BROKEN = """
import importlib, sys
from app.text.secrets import keep_secret

def boom(self, *_):
    local_value = "planted-local-4711"
    raise ZeroDivisionError(f"near {secret}")

async def boom_later(self, *_):
    boom(self)

keep_secret("{secret}")
module, path = "{where}".split(":")
owner, name = path.split(".")
kind = getattr(importlib.import_module(module), owner)
import inspect
setattr(kind, name, boom_later if inspect.iscoroutinefunction(getattr(kind, name)) else boom)
from app.cli import main
main()
"""


CUT_SHORT = """
import asyncio
from textual.app import App
from app.cli import main

async def cancelled(self):
    raise asyncio.CancelledError

App._close_all = cancelled
main()
"""


def broken(where: str) -> tuple[str, ...]:
    """The console with a fault at one place of it."""
    code = BROKEN.replace("{secret}", PLANTED).replace("{where}", where)
    return (sys.executable, "-c", code)


def test_a_key_ends_it(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        assert not terminal.restored, "or this test could not fail"
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert terminal.restored


def test_control_c_twice_ends_it(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("\x03")
        terminal.wait_for("ctrl+c again quits")
        terminal.send("\x03")
        assert terminal.wait_exit() == 0
        assert terminal.restored


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_ends_it(lonely: Mapping[str, str], number: int, code: int) -> None:
    with Terminal(CONSOLE, lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        os.kill(terminal.pid, number)
        assert terminal.wait_exit() == code
        assert terminal.restored


def test_an_end_that_is_cut_short_restores_the_terminal(lonely: Mapping[str, str]) -> None:
    """As it is where Textual cancels what was just coming when the end came."""
    with Terminal((sys.executable, "-c", CUT_SHORT), lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("\x11")
        terminal.wait_exit()
        assert terminal.restored


def test_a_closed_terminal_ends_it(lonely: Mapping[str, str]) -> None:
    with Terminal(CONSOLE, lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        process = psutil.Process(terminal.pid)
        children = process.children(recursive=True)
        terminal.hang_up()
        assert process.wait(30) == 129
        assert not [child for child in children if child.is_running()]


def test_a_closed_terminal_ends_it_in_a_session_of_its_own(lonely: Mapping[str, str]) -> None:
    with Terminal(["setsid", "--fork", "--wait", *CONSOLE], lonely, 100, 30) as terminal:
        terminal.wait_for("No model is chosen")
        (console,) = psutil.Process(terminal.pid).children()
        terminal.hang_up()
        console.wait(30)


@pytest.mark.parametrize("where", FAULTS)
def test_a_fault_ends_it_with_two_sentences_and_a_report(lonely: Mapping[str, str], where: str) -> None:
    with Terminal(broken(FAULTS[where]), lonely, 100, 30) as terminal:
        if where == "a handler":
            terminal.wait_for("No model is chosen")
            terminal.send("\x1b")
            terminal.wait_for("? help")
            terminal.send(":")
        assert terminal.wait_exit() == 1
        assert terminal.restored
        told = bytes(terminal.written[terminal.written.rfind(b"\x1b[?1049l") :]).decode()
    assert "synaptic-tui ended by a fault of its own (ZeroDivisionError: near ****)." in told
    assert "Traceback" not in told
    report = newest_report(folders.state_folder())
    assert report is not None
    assert str(report) in "".join(told.split("\r\n"))
    text = report.read_text()
    assert "ZeroDivisionError" in text
    assert "in boom" in text
    assert "networks = 127.0.0.1 (config file)" in text
    assert "No llama-server is found" in text
    assert PLANTED not in text + told
    assert "planted-local" not in text
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert str(report) in _doctor(lonely)


def test_a_fault_of_a_command_is_told_and_the_console_stays(lonely: Mapping[str, str]) -> None:
    with Terminal(broken("app.core.cluster:Cluster.discover"), lonely, 120, 36) as terminal:
        terminal.wait_for("No model is chosen")
        terminal.send("/rpc discover\r")
        terminal.wait_for("ended by a fault of this program")
        report = newest_report(folders.state_folder())
        assert report is not None
        assert PLANTED not in report.read_text()
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert terminal.restored


def test_a_fault_before_the_console_opens(lonely: Mapping[str, str]) -> None:
    with Terminal(broken("app.core.coordinators:Coordinators.adopt"), lonely, 100, 30) as terminal:
        assert terminal.wait_exit() == 1
        assert "ended by a fault of its own" in terminal.text
        assert "Traceback" not in terminal.text
    assert newest_report(folders.state_folder()) is not None


def test_without_a_terminal_it_says_so(lonely: Mapping[str, str]) -> None:
    done = subprocess.run(
        CONSOLE, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=lonely, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "The console needs a terminal." in done.stderr
    assert done.stdout == ""


def _doctor(environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [*CONSOLE, "doctor"], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    return done.stdout
