"""From the wish for a model to the exact command that serves it."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.llama.command import coordinator_command, coordinator_environment
from app.llama.engine import Engine
from app.text.address import Address
from app.text.problem import Problem

LOGS_KEPT = 10


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """What a coordinator is to serve, and on what."""

    model: str
    path: Path
    size: int | None
    """Bytes of the weights; scales the load deadline."""
    backends: tuple[Address, ...]
    """Empty: this box alone."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A command ready to run."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    port: int
    key: str = field(repr=False)
    log: Path


def prepare(
    plan: LaunchPlan,
    engine: Engine,
    *,
    logs: Path,
    context: int | None,
    threads: int | None,
    extra: tuple[str, ...],
    environment: Mapping[str, str],
) -> Launch:
    """The command for `plan`: a free loopback port, a fresh key that only the environment carries, a new log.

    Raises:
        Problem: the log folder cannot be written.
    """
    key = secrets.token_urlsafe(32)
    port = _free_port()
    argv = coordinator_command(
        server=engine.server,
        options=engine.options,
        model=plan.path,
        backends=plan.backends,
        port=port,
        alias=plan.model,
        context=context,
        threads=threads or max(1, (os.cpu_count() or 2) - 1),
        extra=extra,
    )
    return Launch(tuple(argv), coordinator_environment(environment, key=key), port, key, _new_log(logs, port))


@contextmanager
def start_lock(folder: Path) -> Iterator[None]:
    """Hold the right to start a coordinator, against every other process of ours on this box.

    Raises:
        Problem: another process is starting one now.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "start.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(
                "Another synaptic-tui on this box is starting a coordinator right now.",
                "Wait until it is ready, or stop it there.",
            ) from None
        yield


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _new_log(folder: Path, port: int) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in sorted(folder.glob("coordinator-*.log"))[: -(LOGS_KEPT - 1)]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise Problem(
            f"The log folder {folder} cannot be written: {error.strerror}.", "Make room, or make it writable."
        ) from None
    return folder / f"coordinator-{datetime.now().astimezone():%Y%m%d-%H%M%S}-{port}.log"
