"""`synaptic-tui` without a command: the console."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from typing import Any

import click

from app.cli.crash import tell_fault
from app.cli.options import ClusterOptions
from app.cli.session import open_cluster, run
from app.core.cluster import Cluster

SETTLED_S = 2.0
"""After which a console is drawn, and everything made that stays as long as it does."""

_LOG = logging.getLogger(__name__)


def open_console(options: ClusterOptions) -> int:
    """Open the full-screen console; returns its exit code."""
    require_terminal()
    return run(_console(options))


def require_terminal() -> None:
    """Refuse where no terminal is there to draw on and to read keys from."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(
            "The console needs a terminal. 'synaptic-tui --help' lists the commands that do not."
        )


async def show(cluster: Cluster) -> int:
    """Show the console on `cluster` until the person leaves it; returns its exit code."""
    from app.ui.app import ConsoleApp

    console = ConsoleApp(cluster)

    def end_by(error: BaseException) -> None:
        console.end_by(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_fault)
    # A search for garbage in all that stays would hold every key up for 50 ms, again and again.
    settled = loop.call_later(SETTLED_S, gc.freeze)
    cluster.watch(end_by)
    await console.run_async()
    settled.cancel()
    if console.fault is not None:
        return await tell_fault(cluster, console.fault)
    return console.return_code or 0


def _log_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Write down what no task was asked for, instead of printing it over the screen."""
    _LOG.error("%s", context.get("message"), exc_info=context.get("exception"))


async def _console(options: ClusterOptions) -> int:
    # On the screen the notes are lines of the coordinator pane.
    async with open_cluster(options, tell=lambda _: None) as cluster:
        return await show(cluster)
