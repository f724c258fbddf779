from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from app.config.disk import FILE_LIMIT, make_private_folder, read_small, write_private
from app.text.problem import Problem


def test_a_small_file_is_read_and_a_large_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * FILE_LIMIT)
    assert len(read_small(file)) == FILE_LIMIT
    with file.open("ab") as opened:
        opened.write(b"x")
    with pytest.raises(OSError, match="File too large"):
        read_small(file)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(OSError, match="File too large"):
        read_small(Path("/dev/zero"))


def test_what_is_written_is_for_its_user_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "new" / "file", b"content")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "new" / "file").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_what_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "file").mkdir(parents=True)
    with pytest.raises(
        Problem, match=r"file cannot be written: Is a directory\. What it held before is unchanged"
    ):
        write_private(folder / "file", b"content")
    assert list(folder.iterdir()) == [folder / "file"]
