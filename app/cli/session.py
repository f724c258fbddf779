"""Opens the cluster for one command, and closes it whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.cli.options import ClusterOptions
from app.cli.output import say
from app.config import folders
from app.config.legacy import import_once
from app.config.logfile import log_file, logging_to
from app.config.origins import Overrides, Resolved, resolve
from app.config.state import StateFile
from app.core.cluster import Cluster, Places
from app.text.secrets import keep_environment_secret

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def usual_places() -> Places:
    """The XDG folders of whoever runs the program."""
    state = folders.state_folder()
    return Places(
        state_file=state / "state.yaml",
        state=state,
        cache=folders.cache_folder(),
        engine=folders.data_folder() / "engine",
        home=Path.home(),
    )


@asynccontextmanager
async def open_cluster(
    options: ClusterOptions,
    places: Places | None = None,
    environment: Mapping[str, str] = os.environ,
    tell: Callable[[str], None] = say,
) -> AsyncIterator[Cluster]:
    """The cluster that options, environment, state and settings describe.

    What is to be said about a first start goes to `tell`, and to the cluster's bus.

    Raises:
        Problem: the configuration or the state cannot be used.
    """
    where = places or usual_places()
    keep_environment_secret(environment)
    resolved, notes = await asyncio.to_thread(_resolve, options, where, environment)
    with logging_to(log_file(where.lasting), resolved.settings.console.log_level):
        async with Cluster(resolved, where, environment) as cluster:
            for note in notes:
                tell(note)
                cluster.bus.say("settings", note)
            yield cluster


def run(command: Coroutine[Any, Any, int | None]) -> int:
    """Run one command to its end; SIGTERM, SIGHUP and Ctrl-C cancel it, so that it cleans up.

    Returns its exit code: 0 where it has none, 128 and the signal's number where one ended it.
    """

    async def cancellable() -> int:
        loop, ended_by = asyncio.get_running_loop(), list[int]()
        task = asyncio.current_task()
        assert task is not None

        def end(number: int) -> None:
            ended_by.append(number)
            task.cancel()

        for number in ENDING_SIGNALS:
            loop.add_signal_handler(number, end, number)
        code = 0
        try:
            code = await command or 0
        except asyncio.CancelledError:
            if not ended_by:
                raise
        # The console takes being cancelled for an order to end, and ends without an exception.
        return 128 + ended_by[0] if ended_by else code

    return asyncio.run(cancellable())


def _resolve(
    options: ClusterOptions, places: Places, environment: Mapping[str, str]
) -> tuple[Resolved, tuple[str, ...]]:
    """The settings that count, and what to tell about a first start. Blocks on the disk."""
    state_file = StateFile(places.state_file)
    notes = import_once(state_file, places.home)
    said = Overrides(
        options.distributed,
        options.distributed_inference,
        options.rpc_backends,
        options.nodes,
        options.model,
        options.log_level,
    )
    resolved = resolve(
        command_line=said, environment=environment, state=state_file.read(), config=options.config
    )
    return resolved, notes
