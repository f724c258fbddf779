"""The body of a short reply."""

from __future__ import annotations

from collections.abc import AsyncIterable

REPLY_LIMIT = 8 << 20
"""A larger reply to a short question is none of Ollama's, in bytes."""


class ReplyTooLong(Exception):  # noqa: N818  it is the reply that is too long
    """A reply over the limit."""


async def whole(pieces: AsyncIterable[bytes]) -> bytes:
    """All of it, in one.

    Raises:
        ReplyTooLong: it is over the limit.
    """
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > REPLY_LIMIT:
            raise ReplyTooLong
    return bytes(body)
