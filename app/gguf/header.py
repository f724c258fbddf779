"""Reads the header of a GGUF file: metadata and tensor list, never the weights.

Source of the layout: ggml/src/gguf.cpp. Large arrays, such as a vocabulary, are passed over and only their
length is kept, so a header of any model takes some hundredths of a second and some megabytes.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import BinaryIO

from app.gguf.types import FILE_TYPES, TENSOR_TYPES
from app.text.problem import Problem

BUFFER = 1 << 20
KEPT_ELEMENTS = 1024
"""Longer arrays are passed over."""
STRING_LIMIT = 1 << 24
"""A longer string in a header is garbage, in bytes; templates and licences are far below."""
COUNT_LIMIT = 1 << 20
"""More keys or tensors than any model has."""
DIMENSIONS = 4
NOT_TEXT = ("v.", "mm.", "a.", "s.")
"""Tensors of a vision or audio part; they do not count as parameters of the text model."""

_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_STRING, _ARRAY = 8, 9
_U32, _U64 = _SCALARS[4], _SCALARS[10]
_SUPPORTED = (2, 3)

Scalar = int | float | bool | str


class HeaderProblem(Problem):
    """A file that is no GGUF, or not a whole one."""


@dataclass(frozen=True, slots=True)
class SkippedArray:
    """An array that was passed over."""

    length: int


Value = Scalar | tuple[Scalar, ...] | SkippedArray


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of the list."""

    name: str
    shape: tuple[int, ...]
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


@dataclass(frozen=True)
class Header:
    """What a GGUF file, or all parts of a split one, says about itself."""

    path: Path
    metadata: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]
    size: int
    """Bytes of the file, or of all parts."""

    @property
    def architecture(self) -> str | None:
        """`llama`, `qwen3moe`, ..."""
        return self._text("general.architecture")

    @cached_property
    def parameters(self) -> int:
        """Elements of all tensors of the text model."""
        return sum(t.elements for t in self.tensors if not t.name.startswith(NOT_TEXT))

    @cached_property
    def active_parameters(self) -> int:
        """Parameters that take part in one token: of the experts only as many as are used."""
        experts, used = self._number("expert_count"), self._number("expert_used_count")
        if not experts or not used or used >= experts:
            return self.parameters
        expert_elements = sum(t.elements for t in self.tensors if "_exps." in t.name)
        return self.parameters - expert_elements * (experts - used) // experts

    @property
    def layers(self) -> int | None:
        """Repeating layers; those that only predict further tokens are not counted."""
        blocks = self._number("block_count")
        return None if blocks is None else blocks - (self._number("nextn_predict_layers") or 0)

    @property
    def context_length(self) -> int | None:
        """Tokens that the model was trained for."""
        return self._number("context_length")

    @cached_property
    def quantization(self) -> str | None:
        """The file's own word for it, else the type of most of its bytes."""
        declared = self.metadata.get("general.file_type")
        if isinstance(declared, int) and declared in FILE_TYPES:
            return FILE_TYPES[declared]
        sizes: Counter[int] = Counter()
        for tensor in self.tensors:
            sizes[tensor.type_id] += tensor.size or 0
        most = sizes.most_common(1)
        return TENSOR_TYPES[most[0][0]].name if most and most[0][0] in TENSOR_TYPES else None

    @property
    def kind(self) -> str:
        """`model`, or what it is instead."""
        declared = self._text("general.type")
        if self.architecture == "clip" or declared in ("mmproj", "projector"):
            return "projector"
        if declared in ("adapter", "imatrix"):
            return declared
        return "model" if self.tensors else "vocabulary"

    @property
    def has_chat_template(self) -> bool:
        """Whether the file carries a chat template of its own."""
        return "tokenizer.chat_template" in self.metadata

    @property
    def parts(self) -> int:
        """Files that the model is split over."""
        count = self.metadata.get("split.count")
        return count if isinstance(count, int) and count > 1 else 1

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def _number(self, name: str) -> int | None:
        value = self.metadata.get(f"{self.architecture}.{name}")
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_header(path: Path) -> Header:
    """The header of one file; blocks on the disk, so call it in a thread.

    Raises:
        HeaderProblem: it cannot be read, is no GGUF, is damaged, or ends before its last tensor.
    """
    try:
        with path.open("rb", buffering=BUFFER) as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _Reader(file, size, path).header()
    except OSError as error:
        raise HeaderProblem(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from None


class _Reader:
    """Reads forward through one file; never takes more memory than the file has bytes left."""

    def __init__(self, file: BinaryIO, size: int, path: Path) -> None:
        self._file = file
        self._size = size
        self._path = path

    def header(self) -> Header:
        if self._bytes(4) != b"GGUF":
            raise HeaderProblem(f"{self._path} is not a GGUF file.", "Give the path of a .gguf file.")
        version = self._number(_U32)
        if version not in _SUPPORTED:
            odd = "big-endian" if version & 0xFFFF == 0 else f"version {version}"
            raise HeaderProblem(
                f"{self._path} is a {odd} GGUF, which llama.cpp does not load.", "Convert it again."
            )
        tensor_count, key_count = self._count("tensors"), self._count("keys")
        metadata: dict[str, Value] = {}
        for _ in range(key_count):
            key = self._string()
            metadata[key] = self._value(self._number(_U32))
        tensors = tuple(self._tensor() for _ in range(tensor_count))
        header = Header(self._path, metadata, tensors, self._size)
        self._check_whole(header)
        return header

    def _check_whole(self, header: Header) -> None:
        alignment = header.metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
            raise self._damaged(f"its alignment is {alignment}")
        start = -(-self._file.tell() // alignment) * alignment
        end = max((start + t.offset + (t.size or 0) for t in header.tensors), default=0)
        if end > self._size:
            raise HeaderProblem(
                f"{self._path} is truncated: it has {self._size} bytes and needs {end}.",
                "Download or copy it again.",
            )

    def _tensor(self) -> TensorInfo:
        name = self._string()
        dimensions = self._number(_U32)
        if dimensions > DIMENSIONS:
            raise self._damaged(f"tensor '{name[:64]}' has {dimensions} dimensions")
        shape = tuple(self._number(_U64) for _ in range(dimensions))
        return TensorInfo(name, shape, self._number(_U32), self._number(_U64))

    def _value(self, kind: int) -> Value:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        return self._scalar(kind)

    def _scalar(self, kind: int) -> Scalar:
        form = _SCALARS.get(kind)
        if form is None:
            raise self._damaged(f"it has a value of unknown type {kind}")
        value: Scalar = form.unpack(self._bytes(form.size))[0]
        return value

    def _array(self) -> Value:
        kind, length = self._number(_U32), self._number(_U64)
        if kind == _ARRAY:
            raise self._damaged("it has an array of arrays")
        if kind != _STRING:
            form = _SCALARS.get(kind)
            if form is None:
                raise self._damaged(f"it has an array of unknown type {kind}")
            if length > KEPT_ELEMENTS:
                self._skip(length * form.size)
                return SkippedArray(length)
            return tuple(self._scalar(kind) for _ in range(length))
        if length > KEPT_ELEMENTS:
            self._skip_strings(length)
            return SkippedArray(length)
        return tuple(self._string() for _ in range(length))

    def _skip_strings(self, count: int) -> None:
        if count * _U64.size > self._left():
            raise self._damaged("it ends in the middle of its header")
        read, unpack, skip = self._file.read, _U64.unpack, self._skip
        for _ in range(count):
            prefix = read(8)
            if len(prefix) != 8:  # noqa: PLR2004
                raise self._damaged("it ends in the middle of its header")
            (length,) = unpack(prefix)
            if length > BUFFER:
                skip(length)
            else:
                # Reading is faster than seeking: a seek throws the buffer away.
                read(length)

    def _string(self) -> str:
        length = self._number(_U64)
        if length > STRING_LIMIT:
            raise self._damaged(f"it has a string of {length} bytes")
        return self._bytes(length).decode("utf-8", "replace")

    def _count(self, what: str) -> int:
        count = self._number(_U64)
        if count > COUNT_LIMIT:
            raise self._damaged(f"it claims {count} {what}")
        return count

    def _number(self, form: struct.Struct) -> int:
        return int(form.unpack(self._bytes(form.size))[0])

    def _bytes(self, count: int) -> bytes:
        read = self._file.read(count) if count <= self._size else b""
        if len(read) != count:
            raise self._damaged("it ends in the middle of its header")
        return read

    def _skip(self, count: int) -> None:
        if count > self._left():
            raise self._damaged("it ends in the middle of its header")
        self._file.seek(count, 1)

    def _left(self) -> int:
        return self._size - self._file.tell()

    def _damaged(self, why: str) -> HeaderProblem:
        return HeaderProblem(f"{self._path} is damaged: {why}.", "Download or copy it again.")
