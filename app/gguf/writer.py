"""Writes small GGUF files: the demo's model, and whatever a test needs. Layout: see app.gguf.layout."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

from app.gguf.layout import DEFAULT_ALIGNMENT
from app.gguf.types import SCALAR_FORMATS, TENSOR_TYPES, ValueType

VERSION = 3

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_UINT32_MAX = (1 << 32) - 1

Plain = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Typed:
    """A value with a type that is not the usual one for it, such as a u16."""

    kind: ValueType
    """Of each element, where the value is a list."""
    value: Plain | Sequence[Plain]


Metadata = Mapping[str, Plain | Sequence[Plain] | Typed]


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor to write; without data its place is left as a hole of zeros that takes no disk."""

    name: str
    shape: tuple[int, ...]
    """Row length first."""
    type_id: int
    data: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return TENSOR_TYPES[self.type_id].bytes_of(prod(self.shape))


def write_gguf(path: Path, metadata: Metadata, tensors: Sequence[Tensor]) -> None:
    """Write a whole file; blocks on the disk.

    Values get the types that llama.cpp expects of most keys: integers u32, or u64 where that is too small;
    lists of integers i32; other numbers f32.
    """
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int):
        raise TypeError(f"an alignment is an integer, not {alignment!r}")
    with path.open("wb") as file:
        file.write(b"GGUF" + _U32.pack(VERSION) + _U64.pack(len(tensors)) + _U64.pack(len(metadata)))
        for key, value in metadata.items():
            file.write(_string(key) + _value(value if isinstance(value, Typed) else _typed(value)))
        offset = 0
        for tensor in tensors:
            file.write(_listed(tensor, offset))
            offset += _padded(tensor.size, alignment)
        place = _padded(file.tell(), alignment)
        for tensor in tensors:
            file.seek(place)
            file.write(tensor.data or b"")
            place += _padded(tensor.size, alignment)
        file.truncate(place)


def _listed(tensor: Tensor, offset: int) -> bytes:
    dimensions = b"".join(_U64.pack(length) for length in tensor.shape)
    place = _U32.pack(tensor.type_id) + _U64.pack(offset)
    return _string(tensor.name) + _U32.pack(len(tensor.shape)) + dimensions + place


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _string(text: str) -> bytes:
    encoded = text.encode()
    return _U64.pack(len(encoded)) + encoded


def _typed(value: Plain | Sequence[Plain]) -> Typed:
    if isinstance(value, str | int | float):
        return Typed(_usual_kind(value), value)
    first = value[0] if value else 0
    return Typed(ValueType.I32 if type(first) is int else _usual_kind(first), value)


def _usual_kind(value: Plain) -> ValueType:
    if isinstance(value, bool):
        return ValueType.BOOL
    if isinstance(value, str):
        return ValueType.STRING
    if isinstance(value, float):
        return ValueType.F32
    if value < 0:
        return ValueType.I32
    return ValueType.U32 if value <= _UINT32_MAX else ValueType.U64


def _value(typed: Typed) -> bytes:
    if isinstance(typed.value, str | int | float):
        return _U32.pack(typed.kind) + _plain(typed.kind, typed.value)
    elements = b"".join(_plain(typed.kind, element) for element in typed.value)
    return _U32.pack(ValueType.ARRAY) + _U32.pack(typed.kind) + _U64.pack(len(typed.value)) + elements


def _plain(kind: ValueType, value: Plain) -> bytes:
    return _string(value) if isinstance(value, str) else struct.pack(SCALAR_FORMATS[kind], value)
