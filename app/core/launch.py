"""From the wish for a model to the exact command that serves it."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from app.config.disk import make_private_folder
from app.config.settings import CoordinatorSettings
from app.core.plan import Plan
from app.core.worker import free_port
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
    placement: Plan | None = None
    """Which layers are to go where; None where that was not planned."""


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
    logs: Path,
    settings: CoordinatorSettings,
    environment: Mapping[str, str],
) -> Launch:
    """The command for `plan`: a free loopback port, a fresh key that only the environment carries, a new log.

    Blocks on the disk.

    Raises:
        Problem: the log folder cannot be written.
    """
    key = secrets.token_urlsafe(32)
    port = free_port("127.0.0.1")
    placement = plan.placement
    argv = coordinator_command(
        engine.options,
        server=engine.server,
        model=plan.path,
        backends=plan.backends,
        port=port,
        alias=plan.model,
        context=placement.context if placement else settings.context,
        split=placement.tensor_split if placement else (),
        caches=(placement.k, placement.v) if placement else (settings.cache_k, settings.cache_v),
        threads=settings.threads or max(1, (os.cpu_count() or 2) - 1),
        extra=settings.extra_arguments,
    )
    return Launch(tuple(argv), coordinator_environment(environment, key), port, key, _new_log(logs, port))


class StartLock:
    """The right to start a coordinator, against every other process of ours on this box."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "start.lock"
        self._held: IO[str] | None = None

    def acquire(self) -> None:
        """Take the right.

        Raises:
            Problem: another process is starting a coordinator now.
        """
        make_private_folder(self._file.parent)
        opened = self._file.open("w")
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.close()
            raise Problem(
                "Another synaptic-tui on this box is starting a coordinator right now.",
                "Wait until it is ready, or stop it there.",
            ) from None
        self._held = opened

    def release(self) -> None:
        """Let others start one; doing it twice is no error."""
        if self._held is not None:
            self._held.close()
            self._held = None


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
