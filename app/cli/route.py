"""`synaptic-tui route MODEL`."""

from __future__ import annotations

import click

from app.cli.forms import route_form
from app.cli.options import ClusterOptions, cluster_options, complete_model
from app.cli.output import emphasised, json_option, print_json
from app.cli.running import run
from app.cli.session import open_cluster


@click.command()
@click.argument("name", metavar="MODEL", shell_complete=complete_model)
@json_option
@cluster_options
def route(options: ClusterOptions, name: str, as_json: bool) -> int:
    """Say where a prompt for MODEL would go now, and why, line by line.

    Exits 1 where nothing can answer for it.
    """
    return run(_route(options, name, as_json=as_json))


async def _route(options: ClusterOptions, name: str, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await cluster.look()
        chosen = await cluster.dispatcher.route(name)
    if as_json:
        print_json(route_form(chosen))
    else:
        emphasised(f"{chosen.model.name} -> {chosen.summary}", bold=True)
        for line in (*chosen.reasons, *chosen.cautions):
            click.echo(f"  {line}")
    return 0 if chosen.target else 1
