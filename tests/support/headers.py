"""Headers of models that nobody has to write to a disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from app.gguf.header import Header
from app.gguf.layout import TensorInfo, Value
from tests.support.models import F32

TEMPLATE = "tokenizer.chat_template"
PLAIN = ("token_embd.weight", "blk.0.attn_norm.weight", "output_norm.weight")


def tensor(name: str, *, type_id: int = F32, rows: int = 8) -> TensorInfo:
    """A tensor with rows of 32 elements."""
    return TensorInfo(name, (32, rows), type_id, 0)


def header(
    architecture: str,
    metadata: Mapping[str, Value] | None = None,
    tensors: Sequence[str | TensorInfo] = PLAIN,
) -> Header:
    """The header of a model that has a chat template, unless `metadata` has an empty one."""
    listed = tuple(tensor(each) if isinstance(each, str) else each for each in tensors)
    declared = {"general.architecture": architecture, TEMPLATE: "{{ messages }}", **(metadata or {})}
    return Header(Path("some.gguf"), 3, declared, listed, 1000)
