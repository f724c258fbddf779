"""The terminal that the console draws on, which may be closed under it at any moment."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TextIO

from textual.drivers.linux_driver import LinuxDriver


class TerminalDriver(LinuxDriver):
    """Textual's own, but for a terminal that goes away: it ends with the program instead of holding it."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  those of Textual
        super().__init__(*args, **options)
        self._file: Any = _Outliving(self._file)

    def _sigcont_application(self, *_signal: object) -> None:
        # A shell that ends sends SIGCONT too: only what was suspended resumes.
        if self._must_signal_resume:
            super()._sigcont_application()


class _Outliving:
    """A file that takes what is written also when nobody is there any more.

    An error here would end the thread that writes, and then whoever waits for that thread waits for ever.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()
