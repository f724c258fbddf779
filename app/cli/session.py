"""Opens the cluster for one command, and closes it whatever happens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from app.cli.options import ClusterOptions
from app.cli.output import say
from app.config import folders
from app.config.legacy import import_once
from app.config.logfile import log_file, logging_to
from app.config.origins import Overrides, Resolved, resolve
from app.config.state import StateFile
from app.core.cluster import Cluster, Places
from app.text.secrets import keep_environment_secret


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
