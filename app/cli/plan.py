"""`synaptic-tui plan MODEL`."""

from __future__ import annotations

import click

from app.cli.forms import plan_form
from app.cli.options import ClusterOptions, cluster_options, complete_model
from app.cli.output import emphasised, json_option, print_json
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_plan
from app.cli.what_if import what_if_options
from app.core.plan import Misfit, Plan
from app.core.planning import Change
from app.text.units import bytes_text, milliseconds_text, plural, rate_text


@click.command()
@click.argument("name", metavar="MODEL", shell_complete=complete_model)
@what_if_options
@json_option
@cluster_options
def plan(
    options: ClusterOptions,
    name: str,
    change: Change,
    as_json: bool,
) -> int:
    """Say which device would get which layers of MODEL, what that takes, and what would be left free.

    Nothing is started. Exits 1 where the model does not fit.
    """
    return run(_plan(options, name, change, as_json=as_json))


async def _plan(options: ClusterOptions, name: str, change: Change, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await cluster.look()
        planned = await cluster.dispatcher.plan(name, change)
    if as_json:
        print_json(plan_form(name, planned))
    else:
        _print(name, planned)
    return 0 if isinstance(planned, Plan) and not planned.short_by else 1


def _print(name: str, planned: Plan | Misfit) -> None:
    if isinstance(planned, Misfit):
        emphasised(f"{name} does not fit: {bytes_text(planned.short_by)} of it have no place", bold=True)
    elif planned.short_by:
        over = plural(len(planned.backends), "backend")
        emphasised(f"{name} does not fit on {over}, by {bytes_text(planned.short_by)}", bold=True)
    else:
        over = plural(len(planned.backends), "backend")
        emphasised(f"{name} fits on {over} with a context of {planned.context:,}", bold=True)
    print_plan(planned.rows)
    if isinstance(planned, Plan) and planned.round_trips_ms is not None:
        click.echo(f"  The links add at least {milliseconds_text(planned.round_trips_ms)} ms to each token.")
    if isinstance(planned, Plan) and planned.past_rate is not None:
        click.echo(f"  Placed like that it made {rate_text(planned.past_rate)} the last time.")
    for line in planned.reasons:
        click.echo(f"  {line}")
    for excluded in planned.excluded:
        click.echo(f"  {excluded.address} is left out: {excluded.reason}")
    if isinstance(planned, Misfit):
        for suggestion in planned.nearest:
            click.echo(f"  {suggestion}")
