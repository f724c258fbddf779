"""A load on standard error: bars that move and give way, or a few lines that stay."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime

import pyte
import pytest

from app.cli.load_told import LoadBars, LoadSteps
from app.cli.narration import Narration
from app.core.bottleneck import Bottleneck
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.events import Bus, Event, LifecycleLine
from app.core.loading import LoadPhase, LoadProgress, LoadShare
from app.text.address import Address
from app.text.units import GIB

NOON = datetime(2026, 1, 2, 12, 0, 58, tzinfo=UTC)
LOADING, READY = (
    CoordinatorChanged(CoordinatorStatus(state, "m"))
    for state in (CoordinatorState.LOADING, CoordinatorState.READY)
)
FIRST, SECOND = (Address(f"127.0.0.{n}", 50052) for n in (2, 3))
CONNECTING = LoadProgress(LoadPhase.CONNECTING, 2.0)


def halfway(sent: int = 2 * GIB) -> LoadProgress:
    shares = (LoadShare(FIRST, sent, 4 * GIB, 112 * 2**20), LoadShare(SECOND, 0, 4 * GIB))
    return LoadProgress(LoadPhase.LOADING, 20.0, shares, 60.0, Bottleneck.NETWORK)


def test_lines_that_cannot_change_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    steps = LoadSteps()
    for progress in (CONNECTING, halfway(0), halfway(), halfway(2 * GIB + 1), halfway(3 * GIB)):
        steps.show(progress)
    steps.clear()
    assert [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()] == [
        "loading 25% 2.0 GiB of 8.0 GiB 112 MiB/s bottleneck network",
        "127.0.0.2:50052 50% 2.0 GiB of 4.0 GiB 112 MiB/s",
        "127.0.0.3:50052 0% 0 B of 4.0 GiB —",
        "loading 38% 3.0 GiB of 8.0 GiB 112 MiB/s bottleneck network",
        "127.0.0.2:50052 75% 3.0 GiB of 4.0 GiB 112 MiB/s",
        "127.0.0.3:50052 0% 0 B of 4.0 GiB —",
    ]


def line(text: str) -> LifecycleLine:
    return LifecycleLine(NOON, "coordinator", text)


STORY: tuple[tuple[Event, ...], ...] = (
    (CONNECTING, line("starting")),
    (LOADING, halfway()),
    (halfway(3 * GIB), line("news")),
)


@contextmanager
def a_terminal() -> Iterator[OpenedTerminal]:
    """Standard error is a terminal of 80 columns; not as a fixture, for pytest puts its own back after it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    opened = OpenedTerminal(ours, theirs)
    with open(theirs, "w", encoding="utf-8") as stderr, redirect_stderr(stderr):
        yield opened
    os.close(ours)


class OpenedTerminal:
    """What a person sees of it."""

    def __init__(self, ours: int, theirs: int) -> None:
        self._ours, self._theirs = ours, theirs
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""

    def read(self) -> list[str]:
        """Take what has been written; the lines that are on the screen then."""
        # What is written comes through in its order, but not at once.
        os.write(self._theirs, b"\0")
        piece = b""
        while not piece.endswith(b"\0"):
            piece += os.read(self._ours, 1 << 16)
        self.written += piece
        self._stream.feed(piece.rstrip(b"\0"))
        return "\n".join(row.rstrip() for row in self._screen.display).rstrip().splitlines()


def told(terminal: OpenedTerminal, *batches: tuple[Event, ...], only_ascii: bool = False) -> Narration:
    """A narration that has told of these."""
    narration = Narration(Bus().subscribe(), LoadBars(only_ascii=only_ascii))
    for batch in batches:
        narration._print(batch)
        terminal.read()
    return narration


def test_bars_stay_in_their_place_under_the_lines() -> None:
    with a_terminal() as terminal:
        told(terminal, *STORY)
        assert terminal.read() == [
            "12:00:58 coordinator starting",
            "12:00:58 coordinator news",
            "  loading  20 s so far  about 60 s left",
            "  ━━━━━━━────────────  38%   3.0 GiB of 8.0 GiB   112 MiB/s  bottleneck network",
            "  127.0.0.2:50052  ━━━━━━━━━━━━━━━━─────  75%   3.0 GiB of 4.0 GiB    112 MiB/s",
            "  127.0.0.3:50052  ─────────────────────   0%       0 B of 4.0 GiB            —",
        ]
        assert b"50%" in terminal.written


def test_bars_give_way_to_the_answer_and_stay_away() -> None:
    with a_terminal() as terminal:
        narration = told(terminal, *STORY)
        narration._mailbox.put(line("last"))
        narration.give_way()
        said = ["12:00:58 coordinator starting", "12:00:58 coordinator news", "12:00:58 coordinator last"]
        assert terminal.read() == said
        narration._print((halfway(1),))
        assert terminal.read() == said


def test_bars_are_gone_when_it_is_ready() -> None:
    with a_terminal() as terminal:
        told(terminal, *STORY, (halfway(), READY))
        assert terminal.read() == ["12:00:58 coordinator starting", "12:00:58 coordinator news"]


def test_bars_of_ascii() -> None:
    with a_terminal() as terminal:
        told(terminal, (halfway(),), only_ascii=True)
        assert any(line.startswith("  127.0.0.2:50052  -----") for line in terminal.read())
        assert terminal.written.isascii()


def test_there_are_fewer_bars_than_the_terminal_has_lines() -> None:
    with a_terminal() as terminal:
        shares = tuple(LoadShare(Address(f"127.0.0.{n}", 50052), n, 40) for n in range(2, 40))
        told(terminal, (LoadProgress(LoadPhase.LOADING, 1.0, shares),))
        lines = terminal.read()
        assert len(lines) == 12
        assert lines[-1] == "  and 29 more"
