"""Writes small GGUF files: the demo's model, and whatever a test needs. Layout: see app.gguf.header."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.gguf.types import TENSOR_TYPES

ALIGNMENT = 32
VERSION = 3

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY, _UINT64 = 4, 5, 6, 7, 8, 9, 10
_UINT32_MAX = (1 << 32) - 1

Plain = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor to write; without data its place is left as a hole that takes no disk."""

    name: str
    shape: tuple[int, ...]
    """Row length first."""
    type_id: int
    data: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes in the file."""
        elements = 1
        for length in self.shape:
            elements *= length
        return TENSOR_TYPES[self.type_id].bytes_of(elements)


def write_gguf(
    path: Path, metadata: Mapping[str, Plain | Sequence[Plain]], tensors: Sequence[Tensor]
) -> None:
    """Write a whole file. Integers become u32 or u64, lists of integers
    arrays of i32, as llama.cpp's own converter writes them."""
    with path.open("wb") as file:
        file.write(b"GGUF" + _U32.pack(VERSION) + _U64.pack(len(tensors)) + _U64.pack(len(metadata)))
        for key, value in metadata.items():
            file.write(_string(key) + _typed(value))
        offset = 0
        for tensor in tensors:
            dimensions = b"".join(_U64.pack(length) for length in tensor.shape)
            file.write(_string(tensor.name) + _U32.pack(len(tensor.shape)) + dimensions)
            file.write(_U32.pack(tensor.type_id) + _U64.pack(offset))
            offset += _padded(tensor.size)
        start = _padded(file.tell())
        for tensor in tensors:
            file.seek(start)
            file.write(tensor.data or b"")
            start += _padded(tensor.size)
        file.truncate(start)


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _string(text: str) -> bytes:
    encoded = text.encode()
    return _U64.pack(len(encoded)) + encoded


def _typed(value: Plain | Sequence[Plain]) -> bytes:
    if isinstance(value, str | int | float):
        kind = _kind(value)
        return _U32.pack(kind) + _plain(value, kind)
    kind = _INT32 if not value or type(value[0]) is int else _kind(value[0])
    elements = b"".join(_plain(element, kind) for element in value)
    return _U32.pack(_ARRAY) + _U32.pack(kind) + _U64.pack(len(value)) + elements


def _kind(value: Plain) -> int:
    if isinstance(value, bool):
        return _BOOL
    if isinstance(value, str):
        return _STRING
    if isinstance(value, float):
        return _FLOAT32
    if value < 0:
        return _INT32
    return _UINT32 if value <= _UINT32_MAX else _UINT64


def _plain(value: Plain, kind: int) -> bytes:
    if isinstance(value, str):
        return _string(value)
    return struct.pack({_BOOL: "<?", _FLOAT32: "<f", _INT32: "<i", _UINT32: "<I", _UINT64: "<Q"}[kind], value)
