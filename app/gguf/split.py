"""How the files of a split model are named: `NAME-00001-of-00003.gguf`."""

from __future__ import annotations

import re
from pathlib import Path

_PART = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
PARTS_LIMIT = 1000


def parts_of(path: Path) -> tuple[Path, ...]:
    """Every part of the model that `path` is named a part of, the first one first; else `path` alone."""
    match = _PART.fullmatch(path.name)
    if match is None or not 1 < int(match["count"]) <= PARTS_LIMIT:
        return (path,)
    count = int(match["count"])
    return tuple(path.with_name(f"{match['name']}-{n:05}-of-{count:05}.gguf") for n in range(1, count + 1))


def model_name(path: Path) -> str:
    """What a person would call the model in a file: the file's name, without ending and part."""
    match = _PART.fullmatch(path.name)
    return match["name"] if match else path.name.removesuffix(".gguf")
