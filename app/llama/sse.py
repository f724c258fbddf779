"""Server-sent events: bytes in, the data of whole events out.

By the HTML standard, section 9.2.6, as far as llama-server uses it: `data` lines and comments.
"""

from __future__ import annotations

import re

MAX_EVENT_BYTES = 1 << 20

_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventTooLong(Exception):  # noqa: N818  it is the event that is too long
    """An event longer than any that llama-server sends."""


class SseParser:
    """Puts events together from pieces of any size, cut anywhere."""

    def __init__(self) -> None:
        self._partial = b""
        self._after_return = False
        """The last piece ended in a carriage return, which a line feed may still belong to."""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[str]:
        """The data of the events that are whole now; bytes that are no UTF-8 are replaced.

        Raises:
            EventTooLong: the event at hand is over the limit.
        """
        if self._after_return and piece:
            piece = piece.removeprefix(b"\n")
            self._after_return = False
        if not piece:
            return []
        self._after_return = piece.endswith(b"\r")
        *lines, self._partial = _LINE_END.split(self._partial + piece)
        events = [event for line in lines if (event := self._take(line)) is not None]
        if self._size + len(self._partial) > MAX_EVENT_BYTES:
            raise EventTooLong
        return events

    def _take(self, line: bytes) -> str | None:
        """The event that the line ends, if it does."""
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
                self._size += len(line)
            return None
        data, self._data, self._size = self._data, [], 0
        return b"\n".join(data).decode("utf-8", "replace") if data else None
