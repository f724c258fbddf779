"""The theme that was wanted last."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.last_theme import keep_last_theme, last_theme


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    assert last_theme(tmp_path) is None
    keep_last_theme(tmp_path / "cache", "synaptic-light")
    assert last_theme(tmp_path / "cache") == "synaptic-light"


def test_that_none_is_wanted_is_kept_too(tmp_path: Path) -> None:
    keep_last_theme(tmp_path, None)
    assert not (tmp_path / "theme").exists()
    keep_last_theme(tmp_path, "nord")
    keep_last_theme(tmp_path, None)
    assert last_theme(tmp_path) is None


def test_the_same_again_writes_nothing(tmp_path: Path) -> None:
    keep_last_theme(tmp_path, "nord")
    before = (tmp_path / "theme").stat().st_ino
    keep_last_theme(tmp_path, "nord")
    assert (tmp_path / "theme").stat().st_ino == before


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 1000], ids=["empty", "no text", "too long"])
def test_what_is_no_name_counts_for_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "theme").write_bytes(content)
    assert last_theme(tmp_path) is None


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    keep_last_theme(tmp_path / "cache", "nord")
    assert last_theme(tmp_path / "cache") is None
