"""Models that are split over several files, named `NAME-00001-of-00003.gguf`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from app.gguf.header import Header, HeaderProblem, read_header

_PART = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
PARTS_LIMIT = 1000


def read_model(path: Path) -> Header:
    """The header of a model, its further parts joined; any part may be named.

    Raises:
        HeaderProblem: a part is missing, or cannot be read.
    """
    parts = parts_of(path)
    if len(parts) == 1:
        header = read_header(path)
        if header.parts > 1:
            raise HeaderProblem(
                f"{path} is one part of {header.parts}, but is not named NAME-00001-of-{header.parts:05}.gguf.",
                "Give all parts their original names.",
            )
        return header
    missing = [part.name for part in parts if not part.exists()]
    if missing:
        raise HeaderProblem(
            f"{path} is split over {len(parts)} files, and {missing[0]} is missing.",
            "Put all parts into one folder.",
        )
    first, *others = (read_header(part) for part in parts)
    tensors = sum((other.tensors for other in others), first.tensors)
    return replace(first, tensors=tensors, size=first.size + sum(other.size for other in others))


def parts_of(path: Path) -> tuple[Path, ...]:
    """Every part of the model that `path` is a part of, the first one first; `path` alone where it is whole."""
    match = _PART.fullmatch(path.name)
    if match is None or not 1 < int(match["count"]) <= PARTS_LIMIT:
        return (path,)
    count = int(match["count"])
    return tuple(path.with_name(f"{match['name']}-{n:05}-of-{count:05}.gguf") for n in range(1, count + 1))


def model_name(path: Path) -> str:
    """What a person would call the model in a file: the file's name, without ending and part."""
    match = _PART.fullmatch(path.name)
    return match["name"] if match else path.name.removesuffix(".gguf")
