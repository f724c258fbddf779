"""`synaptic-tui start MODEL`."""

from __future__ import annotations

import asyncio

import click

from app.cli.forms import coordinator_form
from app.cli.narration import narrated
from app.cli.options import ClusterOptions, cluster_options, complete_model
from app.cli.output import json_option, print_json
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_placement


@click.command()
@click.argument("name", metavar="MODEL", shell_complete=complete_model)
@click.option("--swap", is_flag=True, help="Stop other coordinators for it also while they answer.")
@json_option
@cluster_options
def start(options: ClusterOptions, name: str, swap: bool, as_json: bool) -> int:
    """Have MODEL loaded by a coordinator, and leave it running; 'stop' ends it."""
    return run(_start(options, name, swap=swap, as_json=as_json))


async def _start(options: ClusterOptions, name: str, *, swap: bool, as_json: bool) -> int:
    async with open_cluster(options) as cluster, narrated(cluster):
        await cluster.look()
        found = {coordinator.status.model for coordinator in cluster.coordinators.present}
        try:
            status = await cluster.start(name, swap="always" if swap else None)
        except asyncio.CancelledError:
            started = [c.status.model for c in cluster.coordinators.present if c.status.model not in found]
            if started:
                await asyncio.shield(cluster.coordinators.stop(*started))
            raise
    if as_json:
        print_json(coordinator_form(status))
    else:
        print_placement(status.placement)
    return 0
