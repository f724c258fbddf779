"""Crash reports: what is in them, what is not, and how many there are."""

from __future__ import annotations

import stat
from pathlib import Path

from app import __version__
from app.config.crashes import KEPT, Circumstances, crash_folder, newest_report, write_report
from app.text.secrets import keep_secret

SETTINGS = (
    ("nodes", "http://me:planted-word@10.0.0.1:11434", "config file"),
    ("coordinator.extra_arguments", "--hf-token, planted-token", "config file"),
)


def _error() -> RuntimeError:
    local_value = "planted-local"
    try:
        raise RuntimeError(f"it broke near planted-key-1 {len(local_value)}")
    except RuntimeError as error:
        return error


def test_a_report_says_what_happened_and_holds_no_secret(tmp_path: Path) -> None:
    keep_secret("planted-key-1")
    report = write_report(tmp_path, _error(), Circumstances(SETTINGS, ("12:00:00 coordinator ready",)))
    text = report.read_text()
    for wanted in ("RuntimeError: it broke near", "in _error", __version__, "Python 3", "textual "):
        assert wanted in text
    assert "12:00:00 coordinator ready" in text
    assert "nodes = http://****@10.0.0.1:11434 (config file)" in text
    for secret in ("planted-key-1", "planted-word", "planted-token", "planted-local"):
        assert secret not in text
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert stat.S_IMODE(crash_folder(tmp_path).stat().st_mode) == 0o700


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    assert newest_report(tmp_path) is None
    reports = [write_report(tmp_path, _error(), Circumstances()) for _ in range(KEPT + 3)]
    assert sorted(crash_folder(tmp_path).iterdir()) == reports[-KEPT:]
    assert newest_report(tmp_path) == reports[-1]
