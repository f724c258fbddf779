"""`synaptic-tui plan MODEL`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from app.cli.forms import plan_form
from app.cli.options import ClusterOptions, backend_word, cluster_options, complete_backend, complete_model
from app.cli.output import emphasised, json_option, print_json
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_plan
from app.core.plan import Misfit, Plan
from app.core.planning import Change
from app.gguf.cache import CacheType
from app.text.address import Address, parse_address
from app.text.units import bytes_text, milliseconds_text, plural


@click.command()
@click.argument("name", metavar="MODEL", shell_complete=complete_model)
@click.option("--context", type=click.IntRange(1, 10_000_000), help="Tokens, instead of what is set.")
@click.option(
    "--cache", type=click.Choice([str(each) for each in CacheType]), help="How the context is stored."
)
@click.option(
    "--backends",
    metavar="HOST[:PORT],...",
    default="",
    shell_complete=complete_backend,
    help="Choose from these alone.",
)
@click.option(
    "--without", type=backend_word, metavar="HOST[:PORT]", multiple=True, help="Leave this one out."
)
@click.option(
    "--with", "forced", type=backend_word, metavar="HOST[:PORT]", multiple=True, help="Use this one."
)
@click.option("--all/--fewest", "every", default=None, help="Use every backend, or as few as can hold it.")
@json_option
@cluster_options
def plan(
    options: ClusterOptions,
    name: str,
    context: int | None,
    cache: str | None,
    backends: str,
    without: tuple[str, ...],
    forced: tuple[str, ...],
    every: bool | None,
    as_json: bool,
) -> int:
    """Say which device would get which layers of MODEL, what that takes, and what would be left free.

    Nothing is started. Exits 1 where the model does not fit.
    """
    change = Change(
        context=context,
        cache=CacheType(cache) if cache else None,
        only=_addresses(map(backend_word, backends.split(","))) if backends else None,
        left_out=_addresses(without),
        forced=_addresses(forced),
        every=every,
    )
    return run(_plan(options, name, change, as_json=as_json))


def _addresses(words: Iterable[str]) -> frozenset[Address]:
    return frozenset(map(parse_address, words))


async def _plan(options: ClusterOptions, name: str, change: Change, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await cluster.look()
        planned = await cluster.plan(name, change)
    if as_json:
        print_json(plan_form(name, planned))
    else:
        _print(name, planned)
    return 0 if isinstance(planned, Plan) else 1


def _print(name: str, planned: Plan | Misfit) -> None:
    if isinstance(planned, Misfit):
        emphasised(f"{name} does not fit: {bytes_text(planned.short_by)} of it have no place", bold=True)
    else:
        over = plural(len(planned.backends), "backend")
        emphasised(f"{name} fits on {over} with a context of {planned.context:,}", bold=True)
    print_plan(planned.rows)
    if isinstance(planned, Plan) and planned.round_trips_ms is not None:
        click.echo(f"  The links add at least {milliseconds_text(planned.round_trips_ms)} ms to each token.")
    for line in planned.reasons:
        click.echo(f"  {line}")
    for excluded in planned.excluded:
        click.echo(f"  {excluded.address} is left out: {excluded.reason}")
    if isinstance(planned, Misfit):
        for suggestion in planned.nearest:
            click.echo(f"  {suggestion}")
