"""A log as numbered lines: all of them, whatever the pieces, in memory that does not grow with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.llama import log_book
from app.llama.log import Level, LogLine
from app.llama.log_book import LogBook


def record(number: int, text: str = "srv  load: line", level: str = "info") -> str:
    return json.dumps({"type": "log", "time": number, "level": level, "msg": f"{text} {number}\n"}) + "\n"


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


async def grown(book: LogBook) -> LogBook:
    while await book.grow():
        pass
    return book


async def texts(book: LogBook) -> list[str]:
    return [line.text for line in await book.read(book.numbers)]


async def test_lines_of_every_form_are_numbered_and_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, record(1) + "0.00.005.485 W slot    release: id  0\n" + "\n" + "terminate called\n")
    book = await grown(LogBook(log))
    assert book.numbers == range(4)
    assert await book.read([0, 1, 2, 3]) == [
        LogLine(0.000001, Level.INFO, "srv  load: line 1"),
        LogLine(0.005485, Level.WARN, "slot    release: id  0"),
        LogLine(None, None, ""),
        LogLine(None, None, "terminate called"),
    ]
    assert list(book.components) == ["srv", "slot"]


async def test_a_log_is_awaited_and_a_line_until_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    book = LogBook(log)
    assert await book.grow() == b""
    append(log, "one\ntw")
    assert await book.grow() == b"one\n"
    assert await book.grow() == b""
    append(log, "o\n")
    assert await book.grow() == b"two\n"
    append(log, "the end")
    assert await book.grow() == b""
    assert await book.grow(to_the_last_byte=True) == b"the end"
    assert await texts(book) == ["one", "two", "the end"]


async def test_pieces_of_any_size_make_the_same_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    lines = [f"line {'x' * (number % 37)}{number}" for number in range(300)]
    append(log, "\n".join(lines) + "\n")
    for size in (60, 61, 100, 4096):
        monkeypatch.setattr(log_book, "PIECE_BYTES", size)
        assert await texts(await grown(LogBook(log))) == lines


async def test_a_line_longer_than_a_piece_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_book, "PIECE_BYTES", 64)
    log = tmp_path / "log"
    append(log, "x" * 200 + "\nnext\n")
    assert (await texts(await grown(LogBook(log))))[-1] == "next"


@pytest.mark.parametrize("replace", [True, False], ids=["replaced", "cut"])
async def test_a_log_that_is_another_now_goes_on_with_new_numbers(tmp_path: Path, *, replace: bool) -> None:
    log = tmp_path / "log"
    append(log, "one\ntwo\n")
    book = await grown(LogBook(log))
    if replace:
        log.rename(tmp_path / "old")
    log.write_text("new\n")
    await grown(book)
    assert book.numbers == range(2, 3)
    assert await texts(book) == ["new"]


async def test_only_so_many_lines_are_kept_in_mind(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "".join(map(record, range(5_000))))
    book = await grown(LogBook(log, lines_kept=1_000))
    assert 1_000 <= len(book.numbers) <= 1_050
    assert book.end == 5_000
    newest, forgotten = await book.read([4_999, 0])
    assert (newest.text, forgotten.text) == ("srv  load: line 4999", "")


async def test_it_can_begin_in_the_middle(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "one\ntwo\nthree\nfour\n")
    book = LogBook(log)
    await book.skip_to(5)
    await grown(book)
    assert await texts(book) == ["three", "four"]
    book.forget_bytes(9)
    assert await texts(book) == ["four"]


async def test_a_log_that_is_gone_has_nothing_to_say(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "one\n")
    book = await grown(LogBook(log))
    log.unlink()
    assert [line.text for line in await book.read([0])] == [""]
    assert await book.find(0, 1, lambda _: True) == []
