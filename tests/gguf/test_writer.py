"""What the writer writes, the reader reads."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.gguf.header import read_header
from app.gguf.types import SCALAR_FORMATS, TENSOR_TYPES, ValueType
from app.gguf.writer import Plain, Tensor, Typed, write_gguf

INTEGER_BITS = {
    "B": (0, 8),
    "H": (0, 16),
    "I": (0, 32),
    "Q": (0, 64),
    "b": (1, 8),
    "h": (1, 16),
    "i": (1, 32),
    "q": (1, 64),
}


def elements_of(kind: ValueType) -> st.SearchStrategy[Plain]:
    if kind is ValueType.STRING:
        return st.text(max_size=20)
    letter = SCALAR_FORMATS[kind][1]
    if letter == "?":
        return st.booleans()
    if letter in "fd":
        return st.floats(allow_nan=False, width=32 if letter == "f" else 64)
    signed, bits = INTEGER_BITS[letter]
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)


kinds = st.sampled_from([kind for kind in ValueType if kind is not ValueType.ARRAY])
typed = kinds.flatmap(
    lambda kind: st.builds(Typed, st.just(kind), elements_of(kind) | st.lists(elements_of(kind), max_size=5))
)
names = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=15)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    type_id = draw(st.sampled_from(sorted(TENSOR_TYPES)))
    block = TENSOR_TYPES[type_id].elements
    shape = (block * draw(st.integers(1, 3)), *draw(st.lists(st.integers(1, 4), max_size=3)))
    tensor = Tensor(draw(names), shape, type_id)
    data = draw(st.none() | st.binary(min_size=1, max_size=1).map(lambda byte: byte * tensor.size))
    return Tensor(tensor.name, shape, type_id, data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    metadata=st.dictionaries(names.map(lambda name: f"key.{name}"), typed, max_size=6),
    listed=st.lists(tensors(), max_size=5, unique_by=lambda tensor: tensor.name),
    alignment=st.sampled_from([None, 1, 8, 64, 4096]),
)
def test_round_trip(
    tmp_path: Path, metadata: dict[str, Typed], listed: list[Tensor], alignment: int | None
) -> None:
    path = tmp_path / "some.gguf"
    write_gguf(path, metadata if alignment is None else metadata | {"general.alignment": alignment}, listed)
    header = read_header(path)
    for key, written in metadata.items():
        expected = tuple(written.value) if isinstance(written.value, list) else written.value
        assert header.metadata[key] == expected
    assert [(t.name, t.shape, t.type_id, t.size) for t in header.tensors] == [
        (t.name, t.shape, t.type_id, t.size) for t in listed
    ]
    content = path.read_bytes()
    assert header.size == len(content)
    if listed:
        last = header.tensors[-1]
        padded = -(-(last.size or 0) // (alignment or 32)) * (alignment or 32)
        start = len(content) - padded - last.offset
        for tensor, told in zip(listed, header.tensors, strict=True):
            begin = start + told.offset
            assert begin % (alignment or 32) == 0
            assert content[begin : begin + tensor.size] == (tensor.data or bytes(tensor.size))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (7, ValueType.U32),
        (-7, ValueType.I32),
        (1 << 32, ValueType.U64),
        (True, ValueType.BOOL),
        (0.5, ValueType.F32),
        ("text", ValueType.STRING),
    ],
)
def test_plain_values_get_the_usual_types(tmp_path: Path, value: Plain, kind: ValueType) -> None:
    path = tmp_path / "some.gguf"
    write_gguf(path, {"k": value}, [])
    assert struct.unpack_from("<I", path.read_bytes(), 4 + 4 + 16 + 8 + 1) == (kind,)


@pytest.mark.parametrize(
    ("value", "kind"),
    [([1], ValueType.I32), ([], ValueType.I32), ([True], ValueType.BOOL), (["a"], ValueType.STRING)],
)
def test_lists_get_the_usual_types(tmp_path: Path, value: list[Plain], kind: ValueType) -> None:
    path = tmp_path / "some.gguf"
    write_gguf(path, {"k": value}, [])
    assert struct.unpack_from("<II", path.read_bytes(), 4 + 4 + 16 + 8 + 1) == (ValueType.ARRAY, kind)


def test_a_tensor_without_data_takes_no_disk(tmp_path: Path) -> None:
    path = tmp_path / "sparse.gguf"
    write_gguf(path, {}, [Tensor("large", (1 << 20, 1 << 10), 0)])
    assert path.stat().st_size > 1 << 32
    assert path.stat().st_blocks * 512 < 1 << 16


def test_infinity_is_a_number(tmp_path: Path) -> None:
    path = tmp_path / "some.gguf"
    write_gguf(path, {"k": math.inf}, [])
    assert read_header(path).metadata == {"k": math.inf}
