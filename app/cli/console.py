"""`synaptic-tui` without a command: the console."""

from __future__ import annotations

import sys

import click

from app.cli.options import ClusterOptions
from app.cli.session import open_cluster, run
from app.core.cluster import Cluster


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

    cluster.watch()
    console = ConsoleApp(cluster)
    await console.run_async()
    return console.return_code or 0


async def _console(options: ClusterOptions) -> int:
    # On the screen the notes are lines of the coordinator pane.
    async with open_cluster(options, tell=lambda _: None) as cluster:
        return await show(cluster)
