from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.ollama.ndjson import LINE_LIMIT, LineTooLong, lines

LINES = st.lists(st.text("ab é青🙂\r{}\t", max_size=12).map(str.encode))
CUTS = st.lists(st.integers(0, 200), max_size=20)


async def pieces(whole: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    """The bytes, cut at these places; a place that comes twice makes an empty piece."""
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    for start, end in pairwise(places):
        yield whole[start:end]


@given(LINES, CUTS, st.booleans())
@example([b"one", b"two"], [], True)
@example(["青".encode()], [1, 2], False)
@example([b"a\r", b"\r"], [2, 2], True)
async def test_lines_are_the_same_wherever_they_are_cut(
    written: list[bytes], cuts: list[int], ended: bool
) -> None:
    whole = b"\n".join(written) + (b"\n" if ended else b"")
    expected = [content for line in written if (content := line.strip())]
    assert [line async for line in lines(pieces(whole, cuts))] == expected


async def test_the_longest_line() -> None:
    longest = b"x" * (LINE_LIMIT - 1) + b"\n"
    assert [len(line) async for line in lines(pieces(longest * 2, [5, LINE_LIMIT + 7]))] == [
        LINE_LIMIT - 1
    ] * 2


@pytest.mark.parametrize("cuts", [[], [3], list(range(0, LINE_LIMIT, 1 << 16))])
@pytest.mark.parametrize("end", [b"", b"\n", b"\nnext\n"])
async def test_a_line_that_is_too_long(cuts: list[int], end: bytes) -> None:
    received = lines(pieces(b"first\n" + b"x" * (LINE_LIMIT + 1) + end, cuts))
    assert await anext(received) == b"first"
    with pytest.raises(LineTooLong):
        await anext(received)
