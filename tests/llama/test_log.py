"""Log lines: understood in all their forms, made safe, and followed in a file that grows."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.llama import log as log_module
from app.llama.log import MAX_LINE_BYTES, Level, LineAssembler, LogLine, parse_line, read_log, tail


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (
            '{"type":"log","time":6099,"level":"info","msg":"srv  llama_server: initializing ...\\n"}',
            LogLine(0.006099, Level.INFO, "srv  llama_server: initializing ..."),
        ),
        (
            '{"type":"log","time":1,"level":"unknown","msg":"x"}',
            LogLine(1e-6, None, "x"),
        ),
        (
            "0.00.005.485 I srv  llama_server: initializing ...",
            LogLine(0.005485, Level.INFO, "srv  llama_server: initializing ..."),
        ),
        ("75.03.000.000 E send failed", LogLine(4503.0, Level.ERROR, "send failed")),
        (
            "\x1b[34m0.00.005.485\x1b[0m \x1b[32mI \x1b[0msrv  load",
            LogLine(0.005485, Level.INFO, "srv  load"),
        ),
        (
            "ggml-rpc.cpp:547: Failed to connect to 127.0.0.9:50052",
            LogLine(None, None, "ggml-rpc.cpp:547: Failed to connect to 127.0.0.9:50052"),
        ),
        ('{"type":"fit_memory_breakdown"}', LogLine(None, None, '{"type":"fit_memory_breakdown"}')),
        ("{not json", LogLine(None, None, "{not json")),
        ('{"msg": 3, "time": "x"}', LogLine(None, None, '{"msg": 3, "time": "x"}')),
        ("", LogLine(None, None, "")),
    ],
)
def test_forms_of_a_line(raw: str, line: LogLine) -> None:
    assert parse_line(raw) == line


def test_a_line_cannot_touch_the_terminal() -> None:
    nasty = "a\x1b[2Jb\x07c\x9bd\u202ee\nf\tg\ud800h\u2028i"
    assert parse_line(nasty).text == "ab c d e f g h i"
    assert parse_line(json.dumps({"time": 1, "level": "info", "msg": nasty.replace("\ud800", " ")})).text == (
        "ab c d e f g h i"
    )


def test_a_long_line_is_cut() -> None:
    assert len(parse_line("x" * 10 * MAX_LINE_BYTES).text) == MAX_LINE_BYTES


records = st.builds(
    lambda message, time, level: json.dumps({"type": "log", "time": time, "level": level, "msg": message}),
    st.text(),
    st.integers() | st.integers(10**300, 10**400) | st.floats(),
    st.text() | st.sampled_from(list(Level)),
)
prefixed = st.builds(
    "{}.{:02}.{:03}.{:03} {} {}".format, *[st.integers(0)] * 4, st.sampled_from("DIWEX"), st.text()
)


@given(st.text() | records | prefixed | st.builds("{{{}".format, st.text()))
def test_any_line_is_understood_somehow_and_safe(raw: str) -> None:
    text = parse_line(raw).text
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text)
    text.encode()


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n\r", codec="utf-8"))), st.data())
def test_lines_come_out_whole_however_they_are_cut(lines: list[str], data: st.DataObject) -> None:
    stream = "".join(f"{line}\n" for line in lines).encode() + b"partial"
    assembler, out, rest = LineAssembler(), [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        out += assembler.feed(rest[:size])
        rest = rest[size:]
    assert out == lines


def test_of_a_line_too_long_only_the_start_is_kept() -> None:
    assembler = LineAssembler()
    assert [assembler.feed(b"x" * 10_000) for _ in range(100)] == [[]] * 100
    assert assembler.feed(b"\nnext\r\n") == ["x" * MAX_LINE_BYTES, "next"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert LineAssembler().feed(b"a\xffb\n") == ["a\N{REPLACEMENT CHARACTER}b"]


def test_a_log_is_read_whole_where_it_is_short(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\n\nsecond\nno end")
    assert read_log(log) == ["first", "second", "no end"]


def test_of_a_long_log_the_start_and_the_end_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "HEAD_BYTES", 100)
    monkeypatch.setattr(log_module, "TAIL_BYTES", 100)
    log = tmp_path / "log"
    for count in (5, 10, 11, 12, 20, 21, 22, 500):
        lines = [f"line {number:04}" for number in range(count)]
        log.write_text("".join(f"{line}\n" for line in lines))
        read = read_log(log)
        assert read[:5] == lines[:5]
        assert read[-5:] == lines[-5:]
        assert read == sorted(set(read))
        assert len(read) == count or 18 <= len(read) < 21


class Follower:
    """What a tail has brought so far."""

    def __init__(self, log: Path, *, from_end: bool = False) -> None:
        self._tail = tail(log, from_end=from_end, poll_s=0.005)
        self.lines: list[str] = []

    async def take(self, count: int) -> list[str]:
        """Wait until there are so many lines in all, and return the last `count`."""
        while len(self.lines) < count:
            async with asyncio.timeout(20):
                self.lines += await anext(self._tail)
        taken, self.lines = self.lines[:count], self.lines[count:]
        return taken

    async def aclose(self) -> None:
        await self._tail.aclose()


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


async def test_a_log_is_followed_from_before_it_exists(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with aclosing(Follower(log)) as follower:
        waiting = asyncio.create_task(follower.take(2))
        await asyncio.sleep(0.02)
        append(log, "one\ntwo\nthr")
        assert await waiting == ["one", "two"]
        append(log, "ee\n")
        assert await follower.take(1) == ["three"]


async def test_a_log_that_is_cut_is_read_again_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "one\ntwo\n")
    async with aclosing(Follower(log)) as follower:
        assert await follower.take(2) == ["one", "two"]
        log.write_text("new\n")
        assert await follower.take(1) == ["new"]


async def test_a_log_that_is_replaced_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "one\ntwo\n")
    async with aclosing(Follower(log)) as follower:
        assert await follower.take(2) == ["one", "two"]
        await asyncio.to_thread(log.rename, tmp_path / "log.1")
        append(log, "another, and longer than the first\n")
        assert await follower.take(1) == ["another, and longer than the first"]


async def keep_writing(log: Path, first: str) -> None:
    append(log, first)
    while True:
        await asyncio.sleep(0.01)
        append(log, "new\n")


@pytest.mark.parametrize(
    ("there", "coming"), [("old\n", "new\n"), ("old\nhalf a", " line\nnew\n"), ("", "new\n")]
)
async def test_a_log_is_followed_from_its_end(tmp_path: Path, there: str, coming: str) -> None:
    log = tmp_path / "log"
    append(log, there)
    async with aclosing(Follower(log, from_end=True)) as follower:
        waiting = asyncio.create_task(follower.take(3))
        writing = asyncio.create_task(keep_writing(log, coming))
        assert await waiting == ["new"] * 3
        writing.cancel()
        await asyncio.wait([writing])


async def test_a_flood_comes_in_bounded_batches(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "a line of some length\n" * 20_000)
    count = 0
    async with aclosing(tail(log)) as batches:
        async for batch in batches:
            assert sum(map(len, batch)) <= log_module.READ_BYTES
            count += len(batch)
            if count == 20_000:
                break
