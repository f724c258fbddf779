"""What the header of a GGUF file says of a model; the weights are never read."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from app.gguf.cursor import BUFFER, U32, Cursor, CutOff, Damage
from app.gguf.layout import (
    KEYS_LIMIT,
    TENSORS_LIMIT,
    TensorInfo,
    Value,
    data_start,
    read_count,
    read_metadata,
    read_tensors,
)
from app.gguf.split import parts_of
from app.gguf.types import FILE_TYPES, TENSOR_TYPES
from app.text.problem import Problem
from app.text.units import bytes_text

VERSIONS = (2, 3)
"""The versions that llama.cpp loads; both have one layout."""
NOT_TEXT = ("v.", "mm.", "a.")
"""Tensors of a vision or audio part; they do not count as parameters of the text model."""
GUESSED_FILE_TYPE = 1024
"""Flag in `general.file_type`: the converter was not sure."""


class HeaderProblem(Problem):
    """A file that is no GGUF, or not a whole one."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which part of a split model a file is."""

    number: int
    """From 0."""
    count: int


class Kind(StrEnum):
    """What a GGUF file holds."""

    MODEL = "model"
    ENCODER = "text encoder"
    """Turns text into one vector; it cannot answer."""
    PROJECTOR = "projector"
    """The eyes or ears of a model."""
    ADAPTER = "adapter"
    MATRIX = "calibration matrix"
    CONTROL = "control vector"
    VOCABULARY = "vocabulary"
    """No weights at all."""


_DECLARED_KINDS = {
    "adapter": Kind.ADAPTER,
    "imatrix": Kind.MATRIX,
    "mmproj": Kind.PROJECTOR,
    "projector": Kind.PROJECTOR,
}
"""By the value of `general.type`."""
_ARCHITECTURE_KINDS = {"clip": Kind.PROJECTOR, "controlvector": Kind.CONTROL, "imatrix": Kind.MATRIX}


@dataclass(frozen=True)
class Header:
    """What a GGUF file, or all parts of a split one, says about itself. None: it does not say."""

    path: Path
    """Of a split model the first part, which is the one that llama.cpp is given."""
    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]
    size: int
    """Bytes of the file, or of all parts."""

    @property
    def architecture(self) -> str | None:
        """`llama`, `qwen3moe`, ..."""
        return self._text("general.architecture")

    @property
    def name(self) -> str | None:
        """What its makers call it."""
        return self._text("general.name")

    @cached_property
    def parameters(self) -> int | None:
        """Elements of all tensors, but for the vision and audio parts of a text model."""
        left_out = () if self.architecture == "clip" else NOT_TEXT
        return sum(t.elements for t in self.tensors if not t.name.startswith(left_out)) or None

    @cached_property
    def active_parameters(self) -> int | None:
        """Parameters that take part in one token: of the experts only as many as are used."""
        experts, used = self._number("expert_count"), self._number("expert_used_count")
        if self.parameters is None or not experts or not used or used >= experts:
            return self.parameters
        expert_elements = sum(t.elements for t in self.tensors if "_exps." in t.name)
        return self.parameters - expert_elements * (experts - used) // experts

    @property
    def layers(self) -> int | None:
        """Repeating layers; those that only predict further tokens are not counted."""
        blocks = self._number("block_count")
        return None if blocks is None else max(0, blocks - (self._number("nextn_predict_layers") or 0))

    @property
    def context_length(self) -> int | None:
        """Tokens that the model was trained for."""
        return self._number("context_length")

    @property
    def embedding_length(self) -> int | None:
        """Numbers that stand for one token between the layers."""
        return self._number("embedding_length")

    @cached_property
    def quantization(self) -> str | None:
        """The file's own word for it, else the type of most of its bytes."""
        declared = self._whole("general.file_type")
        if declared is not None and declared & ~GUESSED_FILE_TYPE in FILE_TYPES:
            return FILE_TYPES[declared & ~GUESSED_FILE_TYPE]
        sizes: Counter[int] = Counter()
        for tensor in self.tensors:
            sizes[tensor.type_id] += tensor.size or 0
        known = [type_id for type_id, _ in sizes.most_common() if type_id in TENSOR_TYPES]
        return TENSOR_TYPES[known[0]].name if known else None

    @property
    def kind(self) -> Kind:
        """What the file holds, by what it declares; a file that declares nothing is a model."""
        declared = _DECLARED_KINDS.get(self._text("general.type") or "")
        declared = declared or _ARCHITECTURE_KINDS.get(self.architecture or "")
        if declared is not None:
            return declared
        if not self.tensors and self.split is None:
            return Kind.VOCABULARY
        return Kind.ENCODER if self._number("pooling_type") else Kind.MODEL

    @property
    def is_model(self) -> bool:
        """Whether it can answer prompts, as far as it says."""
        return self.kind is Kind.MODEL

    @property
    def has_chat_template(self) -> bool:
        """Whether the file carries a chat template of its own."""
        return bool(self._text("tokenizer.chat_template"))

    @property
    def split(self) -> Split | None:
        """Which part of a split model the file is; None where it is whole."""
        number, count = self._whole("split.no"), self._whole("split.count")
        return Split(number or 0, count) if count is not None and count > 1 else None

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def _whole(self, key: str) -> int | None:
        value = self.metadata.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    def _number(self, name: str) -> int | None:
        return self._whole(f"{self.architecture}.{name}")


def read_header(path: Path) -> Header:
    """The header of one file; blocks on the disk, so call it in a thread.

    Raises:
        HeaderProblem: it cannot be read, is no GGUF, is damaged, or ends before its last tensor.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise HeaderProblem(f"{path} is not a file.", "Give the path of a .gguf file.")
        with path.open("rb", buffering=BUFFER) as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _read(Cursor(file, size), size, path)
    except CutOff as damage:
        raise HeaderProblem(f"{path} is truncated: it {damage}.", "Download or copy it again.") from None
    except Damage as damage:
        raise HeaderProblem(f"{path} is damaged: it {damage}.", "Download or copy it again.") from None
    except OSError as error:
        raise HeaderProblem(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from None


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


def _read(cursor: Cursor, size: int, path: Path) -> Header:
    version = _version(cursor, size, path)
    tensor_count = read_count(cursor, TENSORS_LIMIT, "tensors")
    key_count = read_count(cursor, KEYS_LIMIT, "keys")
    metadata = read_metadata(cursor, key_count)
    tensors = read_tensors(cursor, tensor_count)
    header = Header(path, version, metadata, tensors, size)
    end = data_start(cursor, metadata) + max((t.offset + (t.size or 0) for t in tensors), default=0)
    if tensors and end > size:
        raise HeaderProblem(
            f"{path} is truncated: the last {bytes_text(end - size)} of {bytes_text(end)} are missing.",
            "Download or copy it again.",
        )
    return header


def _version(cursor: Cursor, size: int, path: Path) -> int:
    if size < U32.size or cursor.take(U32.size) != b"GGUF":
        raise HeaderProblem(f"{path} is not a GGUF file.", "Give the path of a .gguf file.")
    version = cursor.number(U32)
    if version not in VERSIONS:
        odd = "big-endian" if version and version & 0xFFFF == 0 else f"version {version}"
        raise HeaderProblem(
            f"{path} is a {odd} GGUF, which llama.cpp does not load.",
            "Convert the model again, or download it in GGUF version 3.",
        )
    return version


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
