"""What is wanted of a log: by level, component and text, also while it grows and forgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.llama import log_sieve
from app.llama.log import Level
from app.llama.log_book import LogBook
from app.llama.log_sieve import Sieve, Wanted, pattern_of
from tests.llama.test_log_book import append, grown, record


async def all_of(sieve: Sieve) -> list[int]:
    while await sieve.look():
        pass
    return list(sieve.numbers)


@pytest.fixture
async def book(tmp_path: Path) -> LogBook:
    log = tmp_path / "log"
    append(log, record(0) + record(1, "slot release: id", "warn") + record(2, "slot release: id", "error"))
    append(log, "abort\n" + record(4, "load_tensors: Offloaded", "debug"))
    return await grown(LogBook(log))


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(), [0, 1, 2, 3, 4]),
        (Wanted(level=Level.INFO), [0, 1, 2, 3]),
        (Wanted(level=Level.WARN), [1, 2, 3]),
        (Wanted(level=Level.ERROR), [2, 3]),
        (Wanted(component="slot"), [1, 2]),
        (Wanted(component="load_tensors"), [4]),
        (Wanted(pattern=pattern_of("OFFLOADED")), []),
        (Wanted(pattern=pattern_of("offloaded")), [4]),
        (Wanted(pattern=pattern_of(r"id \d$")), [1, 2]),
        (Wanted(pattern=pattern_of("(no regex")), []),
        (Wanted(Level.ERROR, "slot", pattern_of("2")), [2]),
    ],
)
async def test_what_is_wanted_is_found(book: LogBook, wanted: Wanted, numbers: list[int]) -> None:
    assert await all_of(Sieve(book, wanted)) == numbers
    assert wanted.everything == (len(numbers) == 5)


async def test_everything_that_is_wanted_at_once(book: LogBook) -> None:
    assert await all_of(Sieve(book, Wanted(level=Level.WARN), Wanted(pattern=pattern_of("slot")))) == [1, 2]


async def test_it_keeps_up_block_by_block(book: LogBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_sieve, "BLOCK_LINES", 2)
    sieve = Sieve(book, Wanted(component="slot"))
    assert sieve.behind == 5
    assert await sieve.look()
    assert (list(sieve.numbers), sieve.behind) == ([1], 3)
    assert await all_of(sieve) == [1, 2]
    append(book.path, record(5, "slot release: id") * 3)
    await grown(book)
    assert await all_of(sieve) == [1, 2, 5, 6, 7]
    book.forget(6)
    assert await all_of(sieve) == [6, 7]
    assert not await sieve.look()


async def test_lines_forgotten_before_they_were_looked_at_are_left_out(book: LogBook) -> None:
    sieve = Sieve(book, Wanted())
    book.forget(3)
    assert await all_of(sieve) == [3, 4]
