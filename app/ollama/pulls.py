"""Downloads into Ollama's store that are under way, or were broken off. Source: ollama/server/download.go."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.ollama.documents import NoSuchDocument, decode

_PARTIAL = re.compile(r"sha256-(?P<digest>[0-9a-fA-F]{64})-partial(?P<part>-\d+)?")
_PART_LIMIT = 4096
"""Bytes of the note about one part; more is no note."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One blob that is not there as a whole yet."""

    digest: str
    """64 hexadecimal digits."""
    completed: int | None
    """Bytes that have arrived; None while a note about them is being rewritten."""
    total: int | None
    """Bytes of the whole blob."""


class _Part(msgspec.Struct):
    size: int = msgspec.field(name="Size")
    completed: int = msgspec.field(name="Completed")


def read_pulls(blobs: Path) -> tuple[Pull, ...]:
    """The downloads of a store. Notes on their parts tell how far they are: the file has its size at once.

    Raises:
        OSError: the folder cannot be read.
    """
    files: dict[str, list[Path]] = defaultdict(list)
    for entry in os.scandir(blobs):
        if match := _PARTIAL.fullmatch(entry.name):
            files[match["digest"]].append(Path(entry.path))
    return tuple(_pull(digest, files[digest]) for digest in sorted(files))


def _pull(digest: str, files: Sequence[Path]) -> Pull:
    whole = [file for file in files if file.name.endswith("-partial")]
    parts = [_part(file) for file in files if file not in whole]
    known = [part for part in parts if part is not None]
    if known and len(known) == len(parts):
        return Pull(digest, sum(part.completed for part in known), sum(part.size for part in known))
    return Pull(digest, None, _size(whole[0]) if whole else None)


def _part(file: Path) -> _Part | None:
    """The note about one part; None where Ollama is just writing it, or has just removed it."""
    try:
        with file.open("rb") as opened:
            return decode(opened.read(_PART_LIMIT), _Part)
    except (OSError, NoSuchDocument):
        return None


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size or None
    except OSError:
        return None
