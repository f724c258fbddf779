"""`synaptic-tui status`."""

from __future__ import annotations

from collections import Counter
from contextlib import aclosing

import click

from app.cli.forms import status_form
from app.cli.options import ClusterOptions, cluster_options
from app.cli.output import json_option, print_json, print_table
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_placement
from app.config.logfile import log_file
from app.core.cluster import Cluster
from app.core.coordinator_status import LOADS
from app.core.loading import LoadProgress
from app.core.memory import memory_together
from app.text.units import UNKNOWN, plural
from app.ui.load_text import load_lines

_LOOKS = 6
_HZ = 20
_WIDTH, _MOST = 80, 20


@click.command()
@click.option(
    "--settings", "with_settings", is_flag=True, help="Show every setting, and where its value comes from."
)
@json_option
@cluster_options
def status(options: ClusterOptions, with_settings: bool, as_json: bool) -> int:
    """Show mode, model, coordinator with its placement, backends and nodes."""
    return run(_status(options, with_settings=with_settings, as_json=as_json))


async def _status(options: ClusterOptions, *, with_settings: bool, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        if with_settings:
            _print_settings(cluster, as_json=as_json)
            return 0
        await cluster.look()
        await look_at_load(cluster)
        if as_json:
            print_json(status_form(cluster))
        else:
            _print_status(cluster)
    return 0


async def look_at_load(cluster: Cluster) -> None:
    """Look a few times at loads that are under way: one look tells no rate, and none what holds it up."""
    looks = 0
    with cluster.bus.subscribe() as mailbox:
        async with aclosing(mailbox.batches(_HZ)) as batches:
            while looks < _LOOKS and any(c.status.state in LOADS for c in cluster.coordinators.present):
                looks += any(isinstance(event, LoadProgress) for event in await anext(batches))


def _print_status(cluster: Cluster) -> None:
    chosen, present = cluster.choices.now, cluster.coordinators.present
    states = Counter(b.word or UNKNOWN for b in cluster.backends.known)
    memory = memory_together(cluster.backends.known)
    nodes = cluster.pool.nodes
    lines = {
        "mode": chosen.mode,
        "distribution": "on" if chosen.distributed else "off",
        "model": chosen.model or UNKNOWN,
        "backends": ", ".join(f"{count} {state}" for state, count in states.items()) or "none known",
        "memory": str(memory or UNKNOWN),
        "nodes": f"{sum(n.up is True for n in nodes)} of {len(nodes)} up" if nodes else "none known",
        "log": f"{log_file(cluster.places.lasting)}, {cluster.settings.console.log_level}",
    }
    if not present:
        lines["coordinator"] = "none"
    for name, value in lines.items():
        click.echo(f"{name:<13} {value}")
    for coordinator in present:
        now = coordinator.status
        where = plural(len(now.backends), "backend") if now.backends else "this box alone"
        running = f"{now.state}: {now.model}, pid {now.pid}, port {now.port}, {where}"
        click.echo(f"{'coordinator':<13} {running}")
        if coordinator.load is not None:
            for line in load_lines(coordinator.load, _WIDTH, _MOST):
                click.echo(str(line))
        print_placement(now.placement)


def _print_settings(cluster: Cluster, *, as_json: bool) -> None:
    values = cluster.resolved.values()
    if as_json:
        print_json({key: {"value": shown, "origin": str(origin)} for key, shown, origin in values})
    else:
        print_table(("setting", "value", "origin"), [(k, str(v), str(o)) for k, v, o in values])
