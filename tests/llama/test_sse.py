"""Server-sent events, cut into pieces in any way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.llama.sse import MAX_EVENT_BYTES, EventTooLong, SseParser


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: one\n\ndata: two\n\n", ["one", "two"]),
        (b"data: one\r\n\r\ndata: two\r\n\r\n", ["one", "two"]),
        (b"data: one\r\rdata: two\r\r", ["one", "two"]),
        (b":\n\n: a comment\n\ndata: one\n\n", ["one"]),
        (b"event: ping\nid: 3\ndata: one\nretry: 9\n\n", ["one"]),
        (b"data:one\n\ndata:  two\n\n", ["one", " two"]),
        (b"data: one\ndata: two\n\n", ["one\ntwo"]),
        (b"data\n\n", [""]),
        (b"\n\n\n", []),
        (b"data: not whole\n", []),
        ("data: Grüße 🙂\n\n".encode(), ["Grüße 🙂"]),
        (b"data: \xff\n\n", ["\N{REPLACEMENT CHARACTER}"]),
    ],
)
def test_a_stream(stream: bytes, events: list[str]) -> None:
    assert SseParser().feed(stream) == events
    parser = SseParser()
    assert [event for byte in stream for event in parser.feed(bytes([byte]))] == events


data_lines = st.text(alphabet=st.characters(exclude_characters="\r\n", codec="utf-8"))


@given(
    st.lists(st.lists(data_lines, min_size=1)),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 50)),
    st.booleans(),
)
def test_any_pieces_give_the_same_events(
    events: list[list[str]], end: str, sizes: list[int], comments: bool
) -> None:
    stream = "".join(
        (f": {len(lines)}{end}" if comments else "") + "".join(f"data: {line}{end}" for line in lines) + end
        for lines in events
    ).encode()
    parser, out = SseParser(), []
    for size in [*sizes, len(stream)]:
        out += parser.feed(stream[:size])
        stream = stream[size:]
    assert out == ["\n".join(lines) for lines in events]


@given(st.lists(st.binary()))
def test_any_bytes_are_taken(pieces: list[bytes]) -> None:
    parser = SseParser()
    for piece in pieces:
        parser.feed(piece)


@pytest.mark.parametrize(
    "piece", [b"x" * 10_000, b"data: " + b"x" * 10_000 + b"\n"], ids=["one line", "many lines"]
)
def test_an_event_has_a_limit(piece: bytes) -> None:
    parser = SseParser()
    for _ in range(MAX_EVENT_BYTES // len(piece)):
        parser.feed(piece)
    with pytest.raises(EventTooLong):
        parser.feed(2 * piece)


def test_many_events_have_none() -> None:
    parser = SseParser()
    for _ in range(300):
        assert parser.feed(b"data: " + b"x" * 10_000 + b"\n\n") != []
