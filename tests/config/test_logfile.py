"""The log file: asked for, bounded, private, without secrets, and never in the way."""

from __future__ import annotations

import logging
import stat
from logging.handlers import QueueListener
from pathlib import Path

import pytest

from app.config import logfile
from app.config.logfile import log_file, logging_to
from app.text.problem import Problem
from app.text.secrets import keep_secret

LOG = logging.getLogger("app.test")


def test_off_makes_no_file_and_logs_nothing(tmp_path: Path) -> None:
    with logging_to(log_file(tmp_path), "off"):
        assert not LOG.isEnabledFor(logging.INFO)
        LOG.error("lost")
    assert not log_file(tmp_path).exists()


def test_it_is_written_as_asked_for(tmp_path: Path) -> None:
    file = log_file(tmp_path / "state")
    with logging_to(file, "info"):
        LOG.debug("too little")
        LOG.info("a %s line", "fine")
    text = file.read_text()
    assert "INFO    app.test: a fine line" in text
    assert "too little" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_trace_back_is_written_without_the_secret_in_it(tmp_path: Path) -> None:
    keep_secret("planted-key-123")
    with logging_to(log_file(tmp_path), "error"):
        try:
            raise RuntimeError("it said planted-key-123 to http://me:secret1@host")
        except RuntimeError:
            LOG.exception("a worker ended")
    text = log_file(tmp_path).read_text()
    assert "Traceback" in text
    assert "RuntimeError: it said ****" in text
    assert "planted-key-123" not in text
    assert "secret1" not in text


def test_it_is_bounded_and_every_file_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "FILE_BYTES", 1000)
    with logging_to(log_file(tmp_path), "info"):
        for number in range(200):
            LOG.info("line %d", number)
    files = sorted(tmp_path.glob(f"{logfile.NAME}*"))
    assert len(files) == 1 + logfile.FILES_BEFORE
    assert all(file.stat().st_size <= 1000 for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert "line 199" in log_file(tmp_path).read_text()


def test_what_the_disk_is_too_slow_for_is_lost_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "WAITING", 2)
    monkeypatch.setattr(QueueListener, "start", lambda _self: None)
    monkeypatch.setattr(QueueListener, "stop", lambda _self: None)
    with logging_to(log_file(tmp_path), "info"):
        for number in range(1000):
            LOG.info("line %d", number)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(Problem, match="cannot be made"), logging_to(log_file(tmp_path / "state"), "info"):
        pass


def test_the_loggers_are_as_before_afterwards(tmp_path: Path) -> None:
    logger = logging.getLogger("app")
    before = (logger.level, logger.propagate, list(logger.handlers))
    with logging_to(log_file(tmp_path), "debug"):
        assert logging.getLogger("httpx").isEnabledFor(logging.DEBUG)
    assert (logger.level, logger.propagate, list(logger.handlers)) == before
