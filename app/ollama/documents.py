"""JSON documents in a store, which anybody may have written."""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


class NoSuchDocument(Exception):  # noqa: N818  what is wrong, to follow a colon
    """The bytes are not the JSON that they should be."""


def decode(content: bytes, kind: type[T]) -> T:
    """The document in `content`.

    Raises:
        NoSuchDocument: it is no JSON, has other types than `kind`, or is nested without end.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except RecursionError:
        raise NoSuchDocument("its JSON is nested without end") from None
    except ValueError as error:
        raise NoSuchDocument(str(error)) from None
