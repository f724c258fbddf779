"""A file of lines, whatever a crash, a full disk or a neighbour does to it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.config import line_file
from app.config.line_file import LineFile
from app.text.problem import Problem


def test_the_newest_line_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lines"
    lines = LineFile(path)
    assert (lines.newest(), lines.stamp) == ([], None)
    lines.add(b"one")
    before = lines.stamp
    lines.add(b"two")
    assert lines.newest() == [b"two", b"one"]
    assert lines.stamp != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_that_was_cut_off_stays_one_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntw")
    LineFile(path).add(b"three")
    assert LineFile(path).newest() == [b"three", b"tw", b"one"]


def test_the_oldest_lines_of_a_large_file_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_file, "READ_BYTES", 50)
    monkeypatch.setattr(line_file, "LIMIT_BYTES", 200)
    lines = LineFile(tmp_path / "lines")
    sizes: list[int] = []
    for number in range(100):
        lines.add(b"line %03d" % number)
        stamp = lines.stamp
        assert stamp is not None
        sizes.append(stamp[1])
    assert max(sizes) <= 200 + 2 * len(b"line 000\n")
    assert lines.newest() == [b"line %03d" % number for number in (99, 98, 97, 96, 95)]


def test_several_may_add_at_once(tmp_path: Path) -> None:
    def add(writer: int) -> None:
        lines = LineFile(tmp_path / "lines")
        for number in range(25):
            lines.add(b"%d %d" % (writer, number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    expected = {b"%d %d" % (writer, number) for writer in range(4) for number in range(25)}
    found = LineFile(tmp_path / "lines").newest()
    assert (len(found), set(found)) == (100, expected)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be written: Is a directory"):
        LineFile(tmp_path).add(b"line")
    with pytest.raises(Problem, match="cannot be read: Is a directory"):
        LineFile(tmp_path).newest()
