"""A program in a bare terminal, with the time of what it writes: faster than what it measures."""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from pty import fork
from signal import SIGKILL
from struct import pack
from termios import TIOCSWINSZ
from types import TracebackType
from typing import Self

import psutil

ROWS, COLUMNS = 36, 120
_RECENT = 1 << 16
"""Bytes: more than one whole screen."""
PAINTED = 200
"""Characters on the alternate screen that make a picture, rather than the way to one."""

_CONTROL = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|[PX^_\]][^\x1b\x07]*(?:\x1b\\|\x07)|[ -/]*[0-~])")
_SYNCHRONIZED = b"\x1b[?2026$p"


class Ended(Exception):  # noqa: N818  said of the program
    """The program has ended, or did not do in time what was waited for."""


class Timed:
    """One program from its start on; times are seconds since then."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.written = bytearray()
        self.began = time.perf_counter()
        self.pid, self._terminal = fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], list(command), dict(environment))
        ioctl(self._terminal, TIOCSWINSZ, pack("HHHH", ROWS, COLUMNS, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in psutil.Process(self.pid).children(recursive=True):
            process.kill()
        os.kill(self.pid, SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)

    @property
    def now(self) -> float:
        """Seconds since its start."""
        return time.perf_counter() - self.began

    def first_paint(self, within_s: float = 30) -> float:
        """When there is a picture on its alternate screen.

        Raises:
            Ended: there was none in time.
        """
        while not self._has_painted():
            self._read(within_s - self.now)
        return self.now

    def first_key(self, key: bytes, answer: bytes, every_s: float = 0.05, within_s: float = 30) -> float:
        """When it has answered a key, pressed again and again until then.

        Raises:
            Ended: it has not in time.
        """
        while True:
            os.write(self._terminal, key)
            until = self.now + every_s
            while self.now < until:
                if self._arrives(until - self.now):
                    self._read(0)
                    if answer in _CONTROL.sub(b"", bytes(self.written)):
                        return self.now
            if self.now > within_s:
                raise Ended(f"no answer to {key!r}")

    def send(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._terminal, keys)

    def read_until(self, sign: bytes, within_s: float) -> None:
        """Read on until `sign` has come, whatever controls the terminal in between.

        Raises:
            Ended: it has not in time.
        """
        start, until = len(self.written), self.now + within_s
        wanted = b"".join(sign.split())
        while wanted not in b"".join(_CONTROL.sub(b"", bytes(self.written[start:])).split()):
            self._read(until - self.now)
            start = max(start, len(self.written) - _RECENT)

    def rest(self, seconds: float) -> tuple[int, float]:
        """The bytes that it writes in so many seconds, and its share of one core's time, in per cent."""
        before, used, until = len(self.written), self._cpu_s(), self.now + seconds
        while (left := until - self.now) > 0:
            if self._arrives(left):
                self._read(0)
        return len(self.written) - before, 100 * (self._cpu_s() - used) / seconds

    def memory_mb(self) -> float:
        """Resident memory of the program, in MB."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def _cpu_s(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def _has_painted(self) -> bool:
        _, alternate, drawn = bytes(self.written).partition(b"\x1b[?1049h")
        return bool(alternate) and len(b"".join(_CONTROL.sub(b"", drawn).split())) >= PAINTED

    def _arrives(self, within_s: float) -> bool:
        return bool(select.select([self._terminal], [], [], max(0, within_s))[0])

    def _read(self, within_s: float) -> None:
        if not self._arrives(within_s):
            raise Ended("nothing came in time")
        try:
            piece = os.read(self._terminal, 1 << 16)
        except OSError:
            raise Ended(
                f"it ended: {_CONTROL.sub(b'', bytes(self.written))[-300:].decode(errors='replace')}"
            ) from None
        self.written += piece
        if _SYNCHRONIZED in piece:
            os.write(self._terminal, b"\x1b[?2026;2$y")
