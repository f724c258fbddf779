"""The program's own log file: off unless asked for, bounded, private, and without secrets.

Whoever logs only puts a record into a queue; a thread of its own formats and writes it.
"""

from __future__ import annotations

import logging
import os
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import IO

from app.config.disk import make_private_folder
from app.config.levels import LogLevel
from app.text.problem import Problem
from app.text.secrets import masked

NAME = "synaptic-tui.log"
FILE_BYTES = 1 << 20
FILES_BEFORE = 3
"""Older files that are kept beside the present one."""
WAITING = 10_000
"""Records that wait for the disk; more than that are lost."""
LOGGERS = ("app", "asyncio")
TALKATIVE = ("httpx",)
"""Loggers of libraries that tell of each request: only at level debug."""


def log_file(state: Path) -> Path:
    """Where the log is, or would be, in the state folder."""
    return state / NAME


@contextmanager
def logging_to(file: Path, level: LogLevel) -> Iterator[None]:
    """Write what the program logs into `file` for as long as the block lasts; "off": nothing at all.

    Raises:
        Problem: the file cannot be written.
    """
    if level == "off":
        yield
        return
    names = (*LOGGERS, *(TALKATIVE if level == "debug" else ()))
    entrance = _Entrance(queue.Queue(WAITING))
    listener = QueueListener(entrance.queue, _open(file))
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, logger.propagate) for logger in loggers]
    listener.start()
    try:
        for logger in loggers:
            logger.addHandler(entrance)
            logger.setLevel(level.upper())
            logger.propagate = False
        yield
    finally:
        for logger, (old_level, propagates) in zip(loggers, before, strict=True):
            logger.removeHandler(entrance)
            logger.setLevel(old_level)
            logger.propagate = propagates
        listener.stop()
        for handler in listener.handlers:
            handler.close()


class _Entrance(QueueHandler):
    """Takes a record in as it is: formatting and masking are for the thread that writes."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        # Arguments may change after this, so the message is made now; a trace-back is kept as it is.
        record.msg, record.args = record.getMessage(), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            return


class _Private(RotatingFileHandler):
    """A file that only its user can read, from the moment it exists."""

    def _open(self) -> IO[str]:  # type: ignore[override]  # of the same use, and narrower in typeshed
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name is Python's
        """A full disk is no reason to write on the screen."""


class _Masked(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


def _open(file: Path) -> logging.Handler:
    make_private_folder(file.parent)
    try:
        handler = _Private(file, maxBytes=FILE_BYTES, backupCount=FILES_BEFORE, encoding="utf-8")
    except OSError as error:
        raise Problem(
            f"The log file {file} cannot be written: {error.strerror}.", "Make room, or make it writable."
        ) from None
    handler.setFormatter(_Masked("%(asctime)s %(process)d %(levelname)-7s %(name)s: %(message)s"))
    return handler
