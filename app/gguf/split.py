"""Models that are split over several files, named `NAME-00001-of-00003.gguf`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.gguf.header import Header, HeaderProblem, Split, read_header

_PART = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
PARTS_LIMIT = 1000


def read_model(path: Path) -> Header:
    """The header of a model, its further parts joined; any part may be named. Blocks on the disk.

    Raises:
        HeaderProblem: a part is missing, cannot be read, or is not a part of this model.
    """
    named = read_header(path)
    if named.split is None:
        return named
    count = named.split.count
    parts = parts_of(path)
    if len(parts) != count:
        raise HeaderProblem(
            f"{path} is one part of {count}, but is not named NAME-00001-of-{count:05}.gguf.",
            "Give all parts their original names.",
        )
    missing = next((part.name for part in parts if not part.is_file()), None)
    if missing is not None:
        raise HeaderProblem(
            f"{path} is split over {count} files, and {missing} is missing.", "Put all parts into one folder."
        )
    return _joined([named if part == path else read_header(part) for part in parts])


def _joined(parts: Sequence[Header]) -> Header:
    for number, part in enumerate(parts):
        if part.split != Split(number, len(parts)):
            raise HeaderProblem(
                f"{part.path} is not part {number + 1} of {len(parts)} of its model, as its name says.",
                "Download the parts again, all of the same model.",
            )
    first, tensors = parts[0], tuple(tensor for part in parts for tensor in part.tensors)
    declared = first.metadata.get("split.tensors.count", len(tensors))
    if declared != len(tensors):
        raise HeaderProblem(
            f"{first.path} says that its parts have {declared} tensors, and they have {len(tensors)}.",
            "Download the parts again, all of the same model.",
        )
    return replace(first, tensors=tensors, size=sum(part.size for part in parts))


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
