"""Lines of a stream that arrives in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

LINE_LIMIT = 8 << 20
"""Ollama's own client takes no longer line, in bytes."""


class LineTooLong(Exception):  # noqa: N818  it is the line that is too long
    """A line longer than any that Ollama sends."""


async def lines(pieces: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Every line that is not blank, without the space around it; the last one may lack its end.

    Raises:
        LineTooLong: a line is over the limit.
    """
    line = bytearray()
    async for piece in pieces:
        for part in piece.splitlines(keepends=True):
            line += part
            if len(line) > LINE_LIMIT:
                raise LineTooLong
            if part.endswith(b"\n"):
                if content := bytes(line.strip()):
                    yield content
                line.clear()
    if content := bytes(line.strip()):
        yield content
