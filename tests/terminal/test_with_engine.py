"""Suspension and crash while a real coordinator answers: it is neither disturbed nor lost."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.config import folders
from app.config.crashes import newest_report
from app.config.logfile import log_file
from app.llama.engine import Engine
from tests.support.terminal import DEADLINE_S, Terminal
from tests.terminal.conftest import CONSOLE
from tests.terminal.test_endings import FAULTS, broken
from tests.terminal.test_habits import SHELL

DIFFERENT = 4


@pytest.fixture
def engaged(lonely: dict[str, str], engine: Engine, endless_model: Path) -> dict[str, str]:
    """An environment with the engine and a model that answers without end."""
    folder = folders.data_folder()
    folder.mkdir(parents=True)
    (folder / "engine").symlink_to(engine.server.parent)
    folders.config_file().write_text(
        f"nodes: []\nnetworks: [127.0.0.1]\nmodel: endless\nmodels: {{folders: [{endless_model.parent}]}}\n"
        "coordinator: {on_quit: stop, context: 2048}\nconsole: {log_level: debug}\n"
    )
    return lonely


def test_an_answer_goes_on_after_a_suspension(engaged: Mapping[str, str]) -> None:
    with Terminal(SHELL, {**engaged, "PS1": "the-shell> "}, 100, 30) as terminal:
        terminal.wait_for("the-shell>")
        terminal.send(f"{shlex.join(CONSOLE)}\r")
        terminal.wait_for("endless")
        terminal.send("a worker\r")
        _grows(terminal)
        terminal.clear()
        terminal.send("\x1a")
        terminal.wait_for("Stopped")
        terminal.send("fg\r")
        terminal.wait_for("1 Chat")
        _grows(terminal)
        terminal.send("\x1b")
        terminal.wait_for("cancelled")
        terminal.send("\x11")
        terminal.wait_for("the-shell>")
        terminal.send("exit\r")
        assert terminal.wait_exit() == 0


def test_a_crash_does_not_lose_the_coordinator(engaged: Mapping[str, str]) -> None:
    with Terminal(broken(FAULTS["a handler"]), engaged, 100, 30) as terminal:
        terminal.wait_for("endless")
        terminal.send("a worker\r")
        _grows(terminal)
        terminal.send("\x1b")
        terminal.wait_for("cancelled")
        terminal.send("\x1b")
        terminal.wait_for("? help")
        terminal.send(":")
        assert terminal.wait_exit() == 1
        assert terminal.restored
    (record,) = (folders.state_folder() / "coordinators").glob("*.json")
    key = json.loads(record.read_bytes())["key"]
    report = newest_report(folders.state_folder())
    assert report is not None
    log = log_file(folders.state_folder()).read_text()
    assert key not in report.read_text() + log
    assert "coordinator: starting endless" in log
    assert "ZeroDivisionError" in log
    assert json.loads(_run(engaged, "status", "--json"))["coordinator"]["state"] == "ready"
    _run(engaged, "stop")
    assert not record.exists()


def _grows(terminal: Terminal) -> None:
    """Wait until an answer is being drawn: until the pane of the chat has been another one a few times."""
    deadline, seen = time.monotonic() + DEADLINE_S, set[str]()
    while len(seen) < DIFFERENT:
        assert time.monotonic() < deadline, terminal.text
        terminal.read_for(0.2)
        chat = "\n".join(line[:45] for line in terminal.text.splitlines()[2:24])
        if "worker" in chat and " … " not in chat:
            seen.add(chat)


def _run(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*CONSOLE, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
