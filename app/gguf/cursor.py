"""Reads forward through a header that nobody vouches for, never believing a length that it finds there."""

from __future__ import annotations

import struct
from typing import BinaryIO

BUFFER = 1 << 20
"""Bytes read from the disk at a time."""
KEPT_LIMIT = 4 << 20
"""Bytes of text and lists kept of one header; templates and licences are some tens of KiB."""
TEXTS_LIMIT = 1 << 21
"""Strings passed over in one header; the largest vocabularies with their merges have 800,000."""

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")
_LENGTH = U64.size
_RUN = 1 << 16
"""Strings passed over between two looks at how far they reach; no vocabulary has so many empty in a row."""


class Damage(Exception):  # noqa: N818  what is wrong with the file, to follow "it ..."
    """The bytes are no GGUF header."""


class CutOff(Damage):
    """The file ends before its header does."""

    def __init__(self) -> None:
        super().__init__("ends in the middle of its header")


class Cursor:
    """A place in the header of a file of known size; memory stays bounded whatever the file claims."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._keepable = KEPT_LIMIT
        self._skippable_texts = TEXTS_LIMIT

    @property
    def position(self) -> int:
        """Bytes from the start of the file."""
        return self._file.tell()

    def number(self, form: struct.Struct) -> int:
        """The next whole number.

        Raises:
            CutOff: the file ends first.
        """
        return int(form.unpack(self.take(form.size))[0])

    def take(self, count: int) -> bytes:
        """The next bytes, few by the caller's own bounds.

        Raises:
            CutOff: the file ends first.
        """
        taken = self._file.read(count)
        if len(taken) != count:
            raise CutOff
        return taken

    def text(self) -> str:
        """The next string; bytes that are no UTF-8 are shown as escapes.

        Raises:
            CutOff: the file ends first.
            Damage: it is longer than any header's text.
        """
        length = self.number(U64)
        self.keep(length)
        return self.take(length).decode("utf-8", "backslashreplace")

    def keep(self, size: int) -> None:
        """Count bytes that the caller is about to keep.

        Raises:
            Damage: more than the header of any model holds.
        """
        self._keepable -= size
        if self._keepable < 0:
            raise Damage("holds more text than the header of any model")

    def skip(self, count: int) -> None:
        """Pass over bytes without reading them.

        Raises:
            CutOff: the file ends first.
        """
        if count > self._size - self.position:
            raise CutOff
        self._file.seek(count, 1)

    def skip_texts(self, count: int) -> None:
        """Pass over strings, such as a vocabulary.

        Raises:
            CutOff: the file ends first.
            Damage: more than any vocabulary has, or nothing but empty ones.
        """
        self._skippable_texts -= count
        if self._skippable_texts < 0:
            raise Damage("claims more strings than any vocabulary has")
        if count * _LENGTH > self._size - self.position:
            raise CutOff
        for passed in range(0, count, _RUN):
            start, run = self.position, min(_RUN, count - passed)
            self._skip_run(run)
            if run == _RUN and self.position - start == run * _LENGTH:
                # Otherwise a small file with a hole of gigabytes would keep us busy for a second.
                raise Damage("has a hole in place of its strings")

    def _skip_run(self, count: int) -> None:
        read, unpack = self._file.read, U64.unpack
        for _ in range(count):
            prefix = read(_LENGTH)
            if len(prefix) != _LENGTH:
                raise CutOff
            (length,) = unpack(prefix)
            if length > BUFFER:
                self.skip(length)
            elif len(read(length)) != length:  # reading is faster than seeking, which drops the buffer
                raise CutOff
