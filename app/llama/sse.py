"""Server-sent events: the data of each, from a stream that arrives in pieces.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, of which llama-server uses one line of
data an event, and comments to keep the connection alive.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

EVENT_LIMIT = 1 << 20
"""A longer event is none of llama-server's, in bytes."""


class EventTooLong(Exception):  # noqa: N818  it is the event that is too long
    """An event longer than any that llama-server sends."""


async def events(pieces: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """The data of every event.

    Raises:
        EventTooLong: a line is over the limit.
    """
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
        if len(rest) > EVENT_LIMIT:
            raise EventTooLong
