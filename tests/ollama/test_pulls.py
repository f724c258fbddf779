from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.ollama.pulls import Pull, read_pulls

DIGEST = "ab" * 32
BLOB = f"sha256-{DIGEST}"


def write_part(folder: Path, number: int, size: int, completed: int) -> Path:
    path = folder / f"{BLOB}-partial-{number}"
    path.write_text(
        json.dumps({"N": number, "Offset": number * 100, "Size": size, "Completed": completed}) + "\n"
    )
    return path


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """A blob of 250 bytes of which 130 have arrived; the file has its whole size already."""
    with (tmp_path / f"{BLOB}-partial").open("wb") as file:
        file.truncate(250)
    for number, (size, completed) in enumerate([(100, 100), (100, 30), (50, 0)]):
        write_part(tmp_path, number, size, completed)
    return tmp_path


def test_progress_is_that_of_the_parts(blobs: Path) -> None:
    assert read_pulls(blobs) == (Pull(DIGEST, 130, 250),)


def test_a_part_that_is_just_being_written(blobs: Path) -> None:
    (blobs / f"{BLOB}-partial-1").write_bytes(b"")
    assert read_pulls(blobs) == (Pull(DIGEST, None, 250),)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"Size": "x", "Completed": 1}', b"[" * 4096])
def test_a_part_that_makes_no_sense(blobs: Path, content: bytes) -> None:
    (blobs / f"{BLOB}-partial-1").write_bytes(content)
    assert read_pulls(blobs) == (Pull(DIGEST, None, 250),)


def test_parts_are_written_before_the_file(blobs: Path) -> None:
    (blobs / f"{BLOB}-partial").unlink()
    assert read_pulls(blobs) == (Pull(DIGEST, 130, 250),)


def test_a_file_without_parts(tmp_path: Path) -> None:
    (tmp_path / f"{BLOB}-partial").touch()
    assert read_pulls(tmp_path) == (Pull(DIGEST, None, None),)


def test_other_files_are_no_downloads(tmp_path: Path) -> None:
    for name in (BLOB, "sha256-1234567", f"{BLOB}-partial-x", "sha256-12-partial", "notes"):
        (tmp_path / name).touch()
    assert read_pulls(tmp_path) == ()


def test_several_downloads(blobs: Path) -> None:
    (blobs / f"sha256-{'0' * 64}-partial").write_bytes(b"1234")
    assert [pull.digest for pull in read_pulls(blobs)] == ["0" * 64, DIGEST]
