"""What a terminal sends becomes messages, and nothing looks for it in between."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from textual.events import Key, Paste

from app.ui.terminal_input import TerminalInput

DEADLINE_S = 20.0


class Reading:
    """A thread that reads what is sent."""

    def __init__(self, terminal: TerminalInput) -> None:
        self.got: list[str] = []
        self._terminal = terminal
        self.thread = Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        for message in self._terminal.messages():
            if isinstance(message, Key):
                self.got.append(message.key)
            elif isinstance(message, Paste):
                self.got.append(f"pasted {message.text}")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """How long each wait was to last at most, in milliseconds; None: for as long as it takes."""
    asked: list[float | None] = []

    class Poll:
        def __init__(self) -> None:
            self._poll = _poll()

        def register(self, file: int, events: int) -> None:
            self._poll.register(file, events)

        def poll(self, wait_ms: float | None) -> list[tuple[int, int]]:
            asked.append(wait_ms)
            return self._poll.poll(wait_ms)

    _poll = select.poll
    monkeypatch.setattr("app.ui.terminal_input.select.poll", Poll)
    return asked


@contextmanager
def reading() -> Iterator[tuple[Reading, int]]:
    """A thread that reads, and the file to write what it reads."""
    theirs, ours = os.pipe()
    terminal = TerminalInput(theirs)
    reads = Reading(terminal)
    reads.thread.start()
    try:
        yield reads, ours
    finally:
        terminal.end()
        reads.thread.join(DEADLINE_S)
        assert not reads.thread.is_alive()
        terminal.close()
        os.close(theirs)
        os.close(ours)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_it_waits_for_as_long_as_nothing_comes(waits: list[float | None]) -> None:
    with reading() as (reads, terminal):
        until(lambda: len(waits) == 1)
        os.write(terminal, b"ab\x1b[A")
        until(lambda: reads.got == ["a", "b", "up"])
        until(lambda: len(waits) == 2)
    assert waits == [None, None]


def test_escape_alone_is_a_key_after_a_while(waits: list[float | None]) -> None:
    with reading() as (reads, terminal):
        os.write(terminal, b"\x1b")
        until(lambda: reads.got == ["escape"])
        os.write(terminal, b"x")
        until(lambda: reads.got == ["escape", "x"])
        until(lambda: waits[-1] is None)
    assert any(wait is not None for wait in waits)


def test_a_sign_in_two_pieces_and_what_is_none(waits: list[float | None]) -> None:
    with reading() as (reads, terminal):
        os.write(terminal, "ä".encode()[:1])
        until(lambda: len(waits) == 2)
        os.write(terminal, "ä".encode()[1:] + b"\xffb")
        until(lambda: len(reads.got) == 3)
    assert reads.got[2] == "b"


def test_a_large_paste() -> None:
    text = "word " * 10_000
    with reading() as (reads, terminal):
        os.write(terminal, f"\x1b[200~{text}\x1b[201~".encode())
        until(lambda: reads.got == [f"pasted {text}"])


def test_a_terminal_that_has_gone_ends_it() -> None:
    theirs, ours = os.pipe()
    os.close(ours)
    terminal = TerminalInput(theirs)
    assert list(terminal.messages()) == []
    terminal.close()
    os.close(theirs)
