"""The layout of a GGUF header: metadata, the list of tensors, then padding up to the data.

Source, also of what is refused: ggml/src/gguf.cpp. Long arrays, such as a vocabulary, are passed over and
only their length is kept, so the header of any model takes some hundredths of a second and a few MiB.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from app.gguf.cursor import U32, U64, Cursor, Damage
from app.gguf.types import SCALAR_FORMATS, TENSOR_TYPES, ValueType

DEFAULT_ALIGNMENT = 32
KEPT_ELEMENTS = 1024
"""Longer arrays are passed over."""
KEYS_LIMIT = 1 << 14
TENSORS_LIMIT = 1 << 15
"""More than any model has; a header that claims more is garbage."""
DIMENSIONS_LIMIT = 4
NAME_LIMIT = 63
INT64_MAX = (1 << 63) - 1

_SCALARS = {kind: struct.Struct(form) for kind, form in SCALAR_FORMATS.items()}
_KEPT_ELEMENT = 40
"""Bytes that one number of a kept list takes in memory."""

Scalar = int | float | bool | str


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """An array that was passed over."""

    length: int
    kind: ValueType
    """Of each element."""


Value = Scalar | tuple[Scalar, ...] | SkippedArray


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of the list."""

    name: str
    shape: tuple[int, ...]
    """Row length first."""
    type_id: int
    offset: int
    """From the start of the data, in bytes."""

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def size(self) -> int | None:
        """Bytes in the file; None for a type that is not known."""
        kind = TENSOR_TYPES.get(self.type_id)
        return kind.bytes_of(self.elements) if kind else None


def read_count(cursor: Cursor, limit: int, what: str) -> int:
    """How many of something follow.

    Raises:
        CutOff: the file ends first.
        Damage: more than any model has.
    """
    count = cursor.number(U64)
    if count > limit:
        raise Damage(f"claims to have {count} {what}")
    return count


def read_metadata(cursor: Cursor, count: int) -> dict[str, Value]:
    """The keys with their values.

    Raises:
        CutOff: the file ends first.
        Damage: a key without a name or twice, an impossible type, more text than any header holds.
    """
    metadata: dict[str, Value] = {}
    for _ in range(count):
        key = cursor.text()
        if not key or key in metadata:
            raise Damage(f"has the key {key[:NAME_LIMIT]!r} twice" if key else "has a key without a name")
        metadata[key] = _value(cursor, cursor.number(U32))
    return metadata


def _value(cursor: Cursor, kind: int) -> Value:
    if kind == ValueType.STRING:
        return cursor.text()
    if kind == ValueType.ARRAY:
        return _array(cursor, cursor.number(U32), cursor.number(U64))
    value: Scalar = _scalar_form(kind).unpack(cursor.take(_scalar_form(kind).size))[0]
    return value


def _array(cursor: Cursor, kind: int, length: int) -> Value:
    if kind == ValueType.STRING:
        if length <= KEPT_ELEMENTS:
            return tuple(cursor.text() for _ in range(length))
        cursor.skip_texts(length)
        return SkippedArray(length, ValueType.STRING)
    form = _scalar_form(kind)
    if length <= KEPT_ELEMENTS:
        cursor.keep(length * _KEPT_ELEMENT)
        return tuple(value for (value,) in form.iter_unpack(cursor.take(length * form.size)))
    cursor.skip(length * form.size)
    return SkippedArray(length, ValueType(kind))


def _scalar_form(kind: int) -> struct.Struct:
    if kind not in SCALAR_FORMATS:
        raise Damage(f"has a value of the impossible type {kind}")
    return _SCALARS[ValueType(kind)]


def read_tensors(cursor: Cursor, count: int) -> tuple[TensorInfo, ...]:
    """The list of tensors.

    Raises:
        CutOff: the file ends first.
        Damage: a tensor twice, or of an impossible shape.
    """
    tensors = {}
    for _ in range(count):
        tensor = _tensor(cursor)
        if tensor.name in tensors:
            raise Damage(f"has the tensor {tensor.name!r} twice")
        tensors[tensor.name] = tensor
    return tuple(tensors.values())


def _tensor(cursor: Cursor) -> TensorInfo:
    name = cursor.text()
    if len(name) > NAME_LIMIT:
        raise Damage(f"has a tensor with a name of {len(name)} letters")
    dimensions = cursor.number(U32)
    if dimensions > DIMENSIONS_LIMIT:
        raise Damage(f"has a tensor {name!r} of {dimensions} dimensions")
    shape = tuple(cursor.number(U64) for _ in range(dimensions))
    tensor = TensorInfo(name, shape, cursor.number(U32), cursor.number(U64))
    if max(shape, default=0) > INT64_MAX or tensor.elements > INT64_MAX:
        raise Damage(f"has a tensor {name!r} of impossible size")
    kind = TENSOR_TYPES.get(tensor.type_id)
    if kind and shape and shape[0] % kind.elements:
        raise Damage(f"has a tensor {name!r} whose rows do not fill whole blocks of {kind.name}")
    return tensor


def data_start(cursor: Cursor, metadata: Mapping[str, Value]) -> int:
    """Where the data starts, in bytes from the start of the file.

    Raises:
        Damage: the alignment is no power of two.
    """
    alignment = metadata.get("general.alignment", DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or alignment < 1 or alignment.bit_count() != 1:
        raise Damage(f"claims an impossible alignment, {str(alignment)[:NAME_LIMIT]!r}")
    return -(-cursor.position // alignment) * alignment
