"""`synaptic-tui stop`."""

from __future__ import annotations

import click

from app.cli.options import ClusterOptions, cluster_options
from app.cli.output import say
from app.cli.running import run
from app.cli.session import open_cluster


@click.command()
@cluster_options
def stop(options: ClusterOptions) -> int:
    """End the coordinator that runs on this box, whoever of ours started it."""
    return run(_stop(options))


async def _stop(options: ClusterOptions) -> int:
    async with open_cluster(options) as cluster:
        stopped = await cluster.coordinators.stop()
    say("Stopped." if stopped else "No coordinator runs on this box.")
    return 0
