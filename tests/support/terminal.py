"""A real terminal for a real process: a pty, with pyte to see what is on the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import psutil
import pyte

DEADLINE_S = 60.0
_MODES = (1049, 1000, 1003, 1006, 1004, 2004)
"""Alternate screen, mouse, focus, bracketed paste."""
_PRIVATE = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-zA-Z$]*[uqp]")
"""Sequences that pyte does not know, such as the kitty keyboard's."""


class Terminal:
    """One program in a terminal of its own."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int, rows: int
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.written = bytearray()
        """Every byte that the program has written."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # Here, for a size that is set from outside may come after the program has read it.
            _set_size(0, columns, rows)
            os.execvpe(command[0], list(command), _of_terminal(environment))
        self.flags_before = self.flags

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if psutil.pid_exists(self.pid):
            for process in psutil.Process(self.pid).children(recursive=True):
                process.kill()
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.hang_up()

    @property
    def flags(self) -> list[object]:
        """How the line discipline is set: echo, line editing, signals of keys."""
        return [*termios.tcgetattr(self._fd)[:4]]

    @property
    def restored(self) -> bool:
        """Whether the program has left the terminal as it found it."""
        return self.flags == self.flags_before and not self.modes_left

    @property
    def modes_left(self) -> list[int]:
        """The modes that the program has switched on and not off again; 25, the cursor, the other way."""
        on = [mode for mode in _MODES if self._last(f"?{mode}h") > self._last(f"?{mode}l")]
        hidden = [25] if self._last("?25l") > self._last("?25h") else []
        return on + hidden

    @property
    def colours(self) -> set[str]:
        """The colours that were written, as SGR parameters; greys count as none."""
        found = re.findall(r"[34]8;(?:5;\d+|2;\d+;\d+;\d+)", self.written.decode(errors="replace"))
        return {colour for colour in found if len(set(colour.split(";")[2:])) > 1 or ";5;" in colour}

    @property
    def _size(self) -> str:
        return "{1} columns by {0} rows".format(*termios.tcgetwinsize(self._fd))

    def _last(self, sequence: str) -> int:
        return self.written.rfind(f"\x1b[{sequence}".encode())

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._screen.resize(rows, columns)
        _set_size(self._fd, columns, rows)

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._fd, keys.encode())

    def paste(self, text: str) -> None:
        """Paste as a terminal does that brackets it, reading on while the program is slow to take it."""
        left = f"\x1b[200~{text}\x1b[201~".encode()
        while left:
            _, writable, _ = select.select([], [self._fd], [], 0)
            if writable:
                left = left[os.write(self._fd, left[:1024]) :]
            self._read(0)

    def clear(self) -> None:
        """Forget what is on the screen, so that only what is drawn from now on is seen."""
        self._screen.reset()

    def hang_up(self) -> None:
        """Close the terminal under the program."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def wait_for(self, text: str, deadline_s: float = DEADLINE_S) -> None:
        """Wait until `text` is on the screen, wherever its lines break."""
        wanted = "".join(text.split())
        deadline = time.monotonic() + deadline_s
        while wanted not in re.sub(r"[\s│┃▏▎]", "", self.text):
            assert time.monotonic() < deadline, f"'{text}' is not on the screen, {self._size}:\n{self.text}"
            assert self._read(0.2), f"it ended without '{text}':\n{self.text}"

    def read_for(self, seconds: float) -> int:
        """Read for a while; how many bytes came."""
        before, deadline = len(self.written), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._read(left):
            pass
        return len(self.written) - before

    def wait_exit(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait until the program has ended by itself; its exit code."""
        deadline = time.monotonic() + deadline_s
        while self._read(0.2):
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self, wait_s: float) -> bool:
        """Take what has been written; False where the program has closed the terminal."""
        if not select.select([self._fd], [], [], wait_s)[0]:
            return True
        try:
            piece = os.read(self._fd, 1 << 16)
        except OSError:
            return False
        if piece:
            self.written += piece
            self._stream.feed(_PRIVATE.sub(b"", piece))
        return bool(piece)


def _of_terminal(environment: Mapping[str, str]) -> dict[str, str]:
    # Python believes these rather than the terminal, and the workers of xdist have them.
    believed = ("COLUMNS", "LINES")
    return {name: value for name, value in environment.items() if name not in believed} | {
        "TERM": "xterm-256color"
    }


def _set_size(fd: int, columns: int, rows: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
