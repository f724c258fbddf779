"""`synaptic-tui discover`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from app.cli.forms import sweep_form
from app.cli.options import ClusterOptions, cluster_options
from app.cli.output import json_option, print_json, say
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_backends
from app.core.cluster import Cluster
from app.core.discovery import ANSWERED, Sweep, Where
from app.text.units import duration_text, plural


@click.command()
@click.option(
    "--network",
    "networks",
    metavar="CIDR",
    multiple=True,
    help="Sweep this network, address or host name instead of this box's networks; repeatable.",
)
@click.option(
    "--port",
    "ports",
    metavar="N",
    type=click.IntRange(1, 65535),
    multiple=True,
    help="Try this port instead of those of the settings; repeatable.",
)
@click.option("--virtual", is_flag=True, help="Also docker's and other virtual networks of this box.")
@click.option("--dry-run", is_flag=True, help="Remember nothing of what is found.")
@json_option
@cluster_options
def discover(
    options: ClusterOptions,
    networks: tuple[str, ...],
    ports: tuple[int, ...],
    virtual: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Look for backends on the networks, and remember the workers that are found.

    Every candidate is spoken to in llama.cpp's own RPC protocol, in a way that cannot harm a worker.
    """
    sweeping = Cluster.look_for_backends if dry_run else Cluster.discover
    return run(_discover(options, sweeping, Where(networks, ports, virtual), as_json=as_json))


async def _discover(
    options: ClusterOptions,
    sweeping: Callable[[Cluster, Where], Awaitable[Sweep]],
    asked: Where,
    *,
    as_json: bool,
) -> int:
    async with open_cluster(options) as cluster:
        settings = cluster.settings
        where = Where(
            asked.networks or settings.networks,
            asked.ports or settings.ports,
            asked.virtual or settings.discovery.virtual_interfaces,
        )
        sweep = await sweeping(cluster, where)
    if as_json:
        print_json(sweep_form(sweep))
        return 0
    print_backends(sweep.backends)
    for network in sweep.left_out:
        say(f"Not swept: {network}")
    answered = [b for b in sweep.backends if b.state in ANSWERED]
    found = plural(len(answered), "answer")
    say(f"{found} from {plural(sweep.candidates, 'candidate')} in {duration_text(sweep.elapsed_s)}.")
    return 0
