"""Lines of a stream that arrives in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

LINE_LIMIT = 8 << 20
"""Ollama's own client takes no longer line, in bytes."""


class LineTooLong(Exception):  # noqa: N818  it is the line that is too long
    """A line longer than any that Ollama sends."""


async def lines(pieces: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Every line that is not empty, without its end; the last one may lack its end.

    Raises:
        LineTooLong: a line is over the limit.
    """
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
        if len(rest) > LINE_LIMIT:
            raise LineTooLong
    if rest.strip():
        yield rest
