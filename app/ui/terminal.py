"""The terminal that the console draws on, which may be closed under it at any moment."""

from __future__ import annotations

import asyncio
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO, cast

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.drivers.linux_driver import LinuxDriver

from app.ui.ascii import ascii_text, draws_only_ascii
from app.ui.plain import plain_line
from app.ui.terminal_input import TerminalInput

if TYPE_CHECKING:
    from app.config.settings import Signs


for _digit in "1234567890":
    # Textual takes Escape and a digit for what a Mac types with its option key; terminals mean alt with it.
    cast("dict[str, object]", ANSI_SEQUENCES_KEYS).pop(f"\x1b{_digit}", None)


_TITLE_KEPT, _TITLE_BACK = "\x1b[22;0t", "\x1b[23;0t"
"""As xterm keeps titles, one on the other."""


class TerminalDriver(LinuxDriver):
    """Textual's own, but for a terminal that goes away: it ends with the program instead of holding it."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  those of Textual
        super().__init__(*args, **options)
        self._file: Any = _Outliving(self._file)
        self.draw_with("auto")
        self._title: str | None = None
        self._is_entitled = False
        """Whether the terminal keeps the title of before for us."""
        self._hang_up: select.epoll | None = None
        """Tells when the terminal is closed."""
        self._input: TerminalInput | None = None

    def draw_with(self, signs: Signs) -> None:
        """Write these signs from now on, whatever part of the program has made them."""
        self._only_ascii = draws_only_ascii(signs, os.environ)

    def show_title(self, title: str | None) -> None:
        """Have this as the title of the window from now on; None: the one that was there before."""
        if title != self._title:
            self._title = title
            self._entitle()

    def start_application_mode(self) -> None:
        """Take the terminal, and end the program when it is closed.

        Its session is told of that by a signal; who was started in a session of its own would read an
        ended input for ever.
        """
        self._input = TerminalInput(self.fileno, debug=self._debug)
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual gives it none
        self._hang_up = select.epoll()
        self._hang_up.register(self.fileno, 0)  # which leaves what is always told
        asyncio.get_running_loop().add_reader(self._hang_up, self._end)

    def stop_application_mode(self) -> None:
        """Restore the terminal, its title too."""
        self._watch_no_more()
        if self._is_entitled:
            self.write(_TITLE_BACK)
            self._is_entitled = False
        super().stop_application_mode()

    def run_input_thread(self) -> None:
        """Pass on what the terminal sends; nothing is done while it sends nothing."""
        assert self._input is not None
        for message in self._input.messages():
            self.process_message(message)

    def disable_input(self) -> None:
        """Let the thread above end; does nothing where it has ended before."""
        if self._input is None:
            return
        self._input.end()
        super().disable_input()
        self._input.close()
        self._input = None

    def resume_application_mode(self) -> None:
        """Take the terminal again, after the shell had it."""
        super().resume_application_mode()
        self._entitle()

    def _end(self) -> None:
        self._watch_no_more()
        signal.raise_signal(signal.SIGHUP)

    def _watch_no_more(self) -> None:
        if self._hang_up is not None:
            asyncio.get_running_loop().remove_reader(self._hang_up)
            self._hang_up.close()
            self._hang_up = None

    def _entitle(self) -> None:
        if self._title is not None:
            self.write(f"{'' if self._is_entitled else _TITLE_KEPT}\x1b]2;{plain_line(self._title)}\x07")
        elif self._is_entitled:
            self.write(_TITLE_BACK)
        self._is_entitled = self._title is not None

    def write(self, data: str) -> None:
        """Write `data`, its signs replaced where the terminal has only those of ASCII."""
        super().write(ascii_text(data) if self._only_ascii else data)

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
