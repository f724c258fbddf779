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
from app.cli.what_if import what_if_options
from app.core.cluster import Cluster
from app.core.plan import Misfit, Plan
from app.core.planning import AS_SET, Change
from app.text.problem import Problem
from app.text.units import bytes_text


@click.command()
@click.argument("name", metavar="MODEL", shell_complete=complete_model)
@what_if_options
@click.option("--swap", is_flag=True, help="Stop other coordinators for it also while they answer.")
@json_option
@cluster_options
def start(options: ClusterOptions, name: str, change: Change, swap: bool, as_json: bool) -> int:
    """Have MODEL loaded by a coordinator, and leave it running; 'stop' ends it.

    The options for its plan are those of 'plan'.
    """
    return run(_start(options, name, change, swap=swap, as_json=as_json))


async def _start(options: ClusterOptions, name: str, change: Change, *, swap: bool, as_json: bool) -> int:
    async with open_cluster(options) as cluster, narrated(cluster):
        await cluster.look()
        found = {coordinator.status.model for coordinator in cluster.coordinators.present}
        try:
            plan = None if change == AS_SET else await _planned(cluster, name, change)
            status = await cluster.dispatcher.start(name, plan, swap="always" if swap else None)
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


async def _planned(cluster: Cluster, name: str, change: Change) -> Plan:
    planned = await cluster.dispatcher.plan(name, change)
    if isinstance(planned, Misfit):
        raise Problem(
            f"{name} does not fit like that: {bytes_text(planned.short_by)} of it have no place.",
            "'plan' tells what would help, and --anyway places it all the same.",
        )
    return planned
