"""The program as a person meets it: in a real terminal, on the real engine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.llama.engine import Engine
from tests.support.terminal import Terminal

DEMO = (sys.executable, "-m", "app", "demo")
LEAVES_TERMINAL = b"\x1b[?1049l"
SIZES = ((120, 36), (80, 24))


@pytest.fixture
def environment(engine: Engine, tmp_path: Path) -> dict[str, str]:
    """Where the demo finds the engine at once, and leaves nothing behind that the test cannot see."""
    folder = tmp_path / "data" / "synaptic-tui"
    folder.mkdir(parents=True)
    (folder / "engine").symlink_to(engine.server.parent)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    return {**os.environ, "TMPDIR": str(temporary), "PATH": "/usr/bin:/bin"}


@pytest.fixture
def nothing_left(environment: dict[str, str]) -> Callable[[], None]:
    """Checks that the demo has left no folder, no process and no port."""

    def check() -> None:
        assert os.listdir(environment["TMPDIR"]) == []
        left = [
            process.info["cmdline"]
            for process in psutil.process_iter(["cmdline", "status"])
            if environment["TMPDIR"] in " ".join(process.info["cmdline"] or ())
            and process.info["status"] != psutil.STATUS_ZOMBIE
        ]
        assert left == []

    return check


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_from_start_to_a_streamed_answer_to_a_clean_quit(
    environment: dict[str, str], nothing_left: Callable[[], None], columns: int, rows: int
) -> None:
    with Terminal(DEMO, environment, columns, rows) as terminal:
        terminal.wait_for("Chat")
        terminal.send("what is a worker")
        terminal.wait_for("what is a worker")
        terminal.send("\r")
        terminal.wait_for("lends its memory to the coordinator")
        terminal.wait_for("t/s")
        terminal.send("\x1b")
        terminal.wait_for("? help")
        terminal.send("q")
        assert terminal.wait_exit() == 0
        assert LEAVES_TERMINAL in terminal.written
    nothing_left()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_cleanly(
    environment: dict[str, str], nothing_left: Callable[[], None], number: int, code: int
) -> None:
    with Terminal(DEMO, environment, 100, 30) as terminal:
        terminal.wait_for("Chat")
        os.kill(terminal.pid, number)
        assert terminal.wait_exit() == code
        assert LEAVES_TERMINAL in terminal.written
    nothing_left()


def test_demo_once_prints_placement_and_answer_and_leaves_nothing(
    environment: dict[str, str], nothing_left: Callable[[], None]
) -> None:
    done = subprocess.run(
        [*DEMO, "--once", "a worker"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for host in ("127.0.0.2", "127.0.0.3"):
        assert re.search(rf"{host}:\d+ +RPC\d +\d+ +[1-9][0-9.]* [KM]iB", done.stdout), done.stdout
    assert "lends its memory to the coordinator" in done.stdout
    assert "ready in" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    nothing_left()


def test_an_interrupt_of_the_demo_leaves_nothing(
    environment: dict[str, str], nothing_left: Callable[[], None]
) -> None:
    demo = subprocess.Popen(
        [*DEMO, "--once", "a worker"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert demo.stderr is not None
    while "checking" not in (line := demo.stderr.readline()):
        assert line, "it ended too early"
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=60)
    assert demo.returncode in (130, 0), "0 where the answer was faster"
    nothing_left()
