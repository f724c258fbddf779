"""Headers that lie: one clear sentence each, and no memory or time for what they claim."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.gguf.header import Header, HeaderProblem, read_header
from app.gguf.types import ValueType
from app.gguf.writer import Tensor, Typed, write_gguf

MEMORY_LIMIT = 50_000_000
SPARSE = 8 << 30
"""Apparent size of a file of zeros, large enough for every claim to fit into it."""
HUGE = (1 << 63, (1 << 64) - 1, 1 << 40, 1 << 34)


def u32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def u64(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def text(content: bytes) -> bytes:
    return u64(len(content)) + content


def start(tensors: int = 0, keys: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + u32(version) + u64(tensors, keys)


def read_within_bounds(path: Path) -> Header | HeaderProblem:
    tracemalloc.start()
    try:
        return read_header(path)
    except HeaderProblem as problem:
        return problem
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MEMORY_LIMIT


def problem_of(tmp_path: Path, content: bytes, size: int = 0) -> str:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(max(size, len(content)))
    found = read_within_bounds(path)
    assert isinstance(found, HeaderProblem), found
    assert found.remedy
    return found.sentence.removeprefix(f"{path} ")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not a GGUF file."),
        (b"GGU", "is not a GGUF file."),
        (b"GGML" + bytes(100), "is not a GGUF file."),
        (b"PK\3\4" + bytes(100), "is not a GGUF file."),
        (start(version=1), "is a version 1 GGUF, which llama.cpp does not load."),
        (start(version=4), "is a version 4 GGUF, which llama.cpp does not load."),
        (start(version=0), "is a version 0 GGUF, which llama.cpp does not load."),
        (start(version=3 << 24), "is a big-endian GGUF, which llama.cpp does not load."),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert problem_of(tmp_path, content) == sentence


@pytest.mark.parametrize("size", [0, SPARSE], ids=["small", "sparse"])
@pytest.mark.parametrize("claim", HUGE)
@pytest.mark.parametrize(
    "before",
    [
        start(0, 1) + text(b"k") + u32(ValueType.STRING),
        start(0, 1) + text(b"k") + u32(ValueType.ARRAY, ValueType.STRING),
        start(0, 1) + text(b"k") + u32(ValueType.ARRAY, ValueType.U64),
        start(0, 1) + text(b"k") + u32(ValueType.ARRAY, ValueType.STRING) + u64(5000),
        start(0, 1),
        start(1, 0),
        start(1, 0) + text(b"t") + u32(1),
        b"GGUF" + u32(3),
        b"GGUF" + u32(3) + u64(0),
    ],
    ids=[
        "text",
        "texts",
        "numbers",
        "one of many texts",
        "key",
        "tensor name",
        "dimension",
        "tensors",
        "keys",
    ],
)
def test_huge_lengths_and_counts(tmp_path: Path, before: bytes, claim: int, size: int) -> None:
    assert problem_of(tmp_path, before + u64(claim) + u32(0) + u64(0), size)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (start(0, 1 << 14), "has a key without a name"),
        (start(1 << 15, 0), "has the tensor '' twice"),
        (start(0, 2) + (text(b"k") + u32(0) + b"\0") * 2, "has the key 'k' twice"),
        (start(0, 1) + text(b"k") + u32(13), "has a value of the impossible type 13"),
        (start(0, 1) + text(b"k") + u32(ValueType.ARRAY, ValueType.ARRAY) + u64(1), "impossible type 9"),
        (start(0, 1) + text(b"k") + u32(ValueType.ARRAY, 99) + u64(0), "impossible type 99"),
        (start(1, 0) + text(b"t") + u32(5), "of 5 dimensions"),
        (start(1, 0) + text(b"n" * 64) + u32(1), "a name of 64 letters"),
        (start(1, 0) + text(b"t") + u32(2) + u64(1 << 40, 1 << 40) + u32(0) + u64(0), "impossible size"),
        (start(1, 0) + text(b"t") + u32(2) + u64(0, 1 << 63) + u32(0) + u64(0), "impossible size"),
        (start(1, 0) + text(b"t") + u32(1) + u64(31) + u32(2) + u64(0), "whole blocks of Q4_0"),
        (start(0, 1) + text(b"general.alignment") + u32(ValueType.U32, 24), "impossible alignment, '24'"),
        (start(0, 1) + text(b"general.alignment") + u32(ValueType.U32, 0), "impossible alignment, '0'"),
        (
            start(0, 1) + text(b"general.alignment") + u32(ValueType.STRING) + text(b"x" * 999),
            "impossible alignment, 'xxx",
        ),
    ],
)
def test_nonsense(tmp_path: Path, content: bytes, said: str) -> None:
    sentence = problem_of(tmp_path, content, SPARSE)
    assert said in sentence
    assert sentence.startswith("is damaged: it ")
    assert len(sentence) < 200


def test_data_beyond_the_end_of_the_file(tmp_path: Path) -> None:
    content = start(1, 0) + text(b"t") + u32(1) + u64(8) + u32(0) + u64((1 << 64) - 1)
    assert problem_of(tmp_path, content).startswith("is truncated: the last ")


def test_control_characters_of_a_name_do_not_reach_the_terminal(tmp_path: Path) -> None:
    assert "\x1b" not in problem_of(tmp_path, start(0, 2) + (text(b"\x1b[2J") + u32(0) + b"\0") * 2)


def test_many_long_lists_and_texts_stay_small_in_memory(tmp_path: Path) -> None:
    lists = b"".join(
        text(b"k%d" % n) + u32(ValueType.ARRAY, ValueType.I8) + u64(1024) + b"\x80" * 1024
        for n in range(9000)
    )
    assert "more text than" in problem_of(tmp_path, start(0, 9000) + lists)
    texts = b"".join(
        text(b"k%d" % n) + u32(ValueType.STRING) + text("😀".encode() + b"x" * 1_000_000) for n in range(9)
    )
    assert "more text than" in problem_of(tmp_path, start(0, 9) + texts)


def test_a_list_of_more_strings_than_any_vocabulary(tmp_path: Path) -> None:
    content = start(0, 1) + text(b"k") + u32(ValueType.ARRAY, ValueType.STRING) + u64(1 << 28)
    assert "more strings than" in problem_of(tmp_path, content, SPARSE)


def test_a_hole_in_place_of_a_vocabulary(tmp_path: Path) -> None:
    content = start(0, 1) + text(b"k") + u32(ValueType.ARRAY, ValueType.STRING) + u64(1 << 21)
    assert "a hole in place of its strings" in problem_of(tmp_path, content, SPARSE)


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("valid") / "valid.gguf"
    write_gguf(
        path,
        {
            "general.architecture": "llama",
            "general.alignment": 64,
            "llama.block_count": 2,
            "words": [f"w{n}" for n in range(1100)],
            "heads": [1, 2, 3],
            "scores": [0.5] * 1030,
            "split.no": Typed(ValueType.U16, 0),
        },
        [Tensor("a.weight", (256, 2), 12), Tensor("b", (3,), 0)],
    )
    return path.read_bytes()


Change = tuple[int, bytes]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 600) | st.integers(0, 40_000), st.binary(min_size=1, max_size=9)),
        max_size=4,
    ),
    cut=st.none() | st.integers(0, 40_000),
)
@example(changes=[(8, b"\xff" * 8)], cut=None)
@example(changes=[(16, b"\xff" * 8)], cut=None)
def test_a_mutated_file_is_read_or_is_a_problem(
    valid: bytes, tmp_path: Path, changes: list[Change], cut: int | None
) -> None:
    content = bytearray(valid)
    for place, new in changes:
        place %= len(content)
        content[place : place + len(new)] = new
    path = tmp_path / "mutated.gguf"
    path.write_bytes(content[:cut])
    found = read_within_bounds(path)
    if isinstance(found, HeaderProblem):
        assert found.sentence.startswith(str(path))
        return
    assert found.parameters is None or found.parameters > 0
    assert found.kind
    assert found.quantization is None or found.quantization
    assert found.layers is None or found.layers >= 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_after_the_magic(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "random.gguf"
    path.write_bytes(b"GGUF" + u32(3) + u64(1, 1) + content)
    read_within_bounds(path)
