"""What was typed before, to be brought back with the arrow keys."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

KEPT = 500


class History:
    """Lines that were sent, and the draft that one leaves when going back to them."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._back = 0
        self._draft = ""

    def keep(self, line: str) -> None:
        """Remember a line that was sent; the same one twice in a row is kept once."""
        self._back = 0
        if line and (not self._lines or self._lines[-1] != line):
            self._lines.append(line)

    def remember(self, lines: Iterable[str]) -> None:
        """Take lines that were sent at another time as sent now, and nothing of that as a draft."""
        for line in lines:
            self.keep(line)

    def older(self, shown: str) -> str | None:
        """The line before the one shown; None where there is none."""
        if self._back == len(self._lines):
            return None
        if self._back == 0:
            self._draft = shown
        self._back += 1
        return self._lines[-self._back]

    def newer(self) -> str | None:
        """The line after the one shown, and the draft after the newest; None at the draft itself."""
        if self._back == 0:
            return None
        self._back -= 1
        return self._lines[-self._back] if self._back else self._draft
