"""A log that its writer holds open takes only so much of the disk, and no line is lost to that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.llama import log_room
from app.llama.log import HEAD_BYTES
from app.llama.log_book import LogBook
from app.llama.log_room import keep_newest
from tests.llama.test_log_book import grown, texts

KEPT = MARGIN = 1 << 20


def on_disk(log: Path) -> int:
    return log.stat().st_blocks * 512


def line(number: int) -> bytes:
    return b"line %07d\n" % number


async def test_a_log_stays_bounded_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "log"
    book, number, most = LogBook(log), 0, 0
    writer = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(40):
            number += 20_000
            os.write(writer, b"".join(map(line, range(number - 20_000, number))))
            await grown(book)
            book.forget_bytes(keep_newest(log, KEPT, MARGIN))
            most = max(most, on_disk(log))
    finally:
        os.close(writer)
    assert log.stat().st_size == 40 * 20_000 * 13
    assert most <= KEPT + MARGIN + HEAD_BYTES + 4096
    assert book.end == number
    assert len(book.numbers) * 13 >= KEPT - 13
    assert (await book.read(book.numbers[-1:]))[0].text == f"line {number - 1:07}"
    assert (await book.read(book.numbers[:1]))[0].text == f"line {book.first:07}"
    with log.open("rb") as file:
        assert file.read(len(line(0))) == line(0)


async def test_a_cut_log_is_taken_up_at_its_newest_part(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(map(line, range(400_000))))
    begin = keep_newest(log, KEPT, MARGIN)
    assert keep_newest(log, KEPT, MARGIN) == begin
    book = LogBook(log)
    await book.skip_to(begin)
    await grown(book)
    assert [text for text in await texts(book) if not text.startswith("line ")] == []
    assert book.end - book.first >= KEPT // 13 - 1


def test_where_a_middle_cannot_be_cut_out_all_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(map(line, range(400_000))))
    monkeypatch.setattr(log_room, "_cut_out", lambda *_: False)
    assert keep_newest(log, KEPT, MARGIN) == 0
    assert log.stat().st_size == 0


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(map(line, range(1_000))))
    assert keep_newest(log, KEPT, MARGIN) == 0
    assert log.stat().st_size == 13_000
