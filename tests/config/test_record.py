from __future__ import annotations

import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config.record import CoordinatorRecord, RecordFolder
from app.text.problem import Problem

RECORD = CoordinatorRecord(port=1, model="m", argv=("a",), log="/log", key="secret", pid=5, started=1.5)


def test_a_record_is_there_again_for_its_user_only_until_it_is_removed(tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path / "coordinators")
    assert folder.all() == ((), ())
    folder.save(RECORD)
    assert folder.all() == ((RECORD,), ())
    (file,) = (tmp_path / "coordinators").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    folder.remove(RECORD)
    folder.remove(RECORD)
    assert folder.all() == ((), ())


def test_a_record_does_not_show_its_key() -> None:
    assert "secret" not in repr(RECORD)
    assert "secret" not in str(RECORD)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"port": "x"}', b"\xff", b'{"port": 2, "model": "\xff"}', b"[" * 5000]
)
def test_a_damaged_record_is_said_and_its_neighbours_are_read(tmp_path: Path, content: bytes) -> None:
    folder = RecordFolder(tmp_path)
    folder.save(RECORD)
    (tmp_path / "2.json").write_bytes(content)
    records, problems = folder.all()
    assert records == (RECORD,)
    assert len(problems) == 1
    assert str(tmp_path / "2.json") in problems[0]
    assert (tmp_path / "2.json").read_bytes() == content


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_one_sentence(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "1.json").write_bytes(content)
        records, problems = RecordFolder(Path(folder)).all()
    assert len(records) + len(problems) == 1


def test_what_is_no_record_is_left_alone(tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path)
    folder.save(RECORD)
    (tmp_path / "start.lock").write_text("")
    (tmp_path / ".1.json.abc").write_text("")
    assert folder.all() == ((RECORD,), ())


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = RecordFolder(tmp_path / "file")
    assert "cannot be read: Not a directory" in folder.all()[1][0]
    with pytest.raises(Problem, match="cannot be made: File exists"):
        folder.save(RECORD)
    with pytest.raises(Problem, match="cannot be removed: Not a directory"):
        folder.remove(RECORD)
