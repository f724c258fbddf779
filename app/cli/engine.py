"""`synaptic-tui engine`."""

from __future__ import annotations

from contextlib import aclosing

import click

from app.cli.options import ClusterOptions, cluster_options
from app.cli.output import json_option, print_json, say
from app.cli.running import run
from app.cli.session import open_cluster
from app.core.engines import Engines
from app.llama.engine import Engine
from app.llama.install import Route
from app.text.units import UNKNOWN


@click.group(invoke_without_command=True)
@json_option
@cluster_options
@click.pass_context
def engine(context: click.Context, options: ClusterOptions, as_json: bool) -> int | None:
    """Show the llama.cpp programs that are found, and what they can do."""
    if context.invoked_subcommand is not None:
        return None
    return run(_show(options, as_json=as_json))


@engine.command("get")
@click.option(
    "--source",
    "route",
    flag_value="source",
    help="Build it from source instead of taking packages (minutes).",
)
@click.option("--packages", "route", flag_value="packages", help="Take Debian's packages, or fail.")
@cluster_options
def get(options: ClusterOptions, route: Route | None) -> int:
    """Fetch the llama.cpp programs into a private folder; needs no root."""
    return run(_get(options, route))


async def _show(options: ClusterOptions, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        found = await cluster.engines.current()
    if as_json:
        print_json(engine_form(found))
    else:
        for name, value in engine_form(found).items():
            click.echo(f"{name:<11} {UNKNOWN if value is None else value}")
    return 0


async def _get(options: ClusterOptions, route: Route | None) -> int:
    async with open_cluster(options) as cluster:
        await fetch_engine(cluster.engines, route)
        found = await cluster.engines.current()
    say(f"The engine is ready: {found.server}, RPC {found.protocol or UNKNOWN}.")
    return 0


async def fetch_engine(engines: Engines, route: Route | None = None) -> None:
    """Fetch the engine into its private folder, telling each step on standard error."""
    async with aclosing(engines.fetch(route)) as steps:
        async for step in steps:
            say(step)


def engine_form(found: Engine) -> dict[str, object]:
    """The engine as JSON, and as the lines of `engine`."""
    return {
        "server": str(found.server),
        "rpc_server": found.rpc_server and str(found.rpc_server),
        "fit_params": found.fit_params and str(found.fit_params),
        "origin": found.origin,
        "version": found.version,
        "build": found.build,
        "rpc": found.supports_rpc,
        "protocol": found.protocol and str(found.protocol),
        "json_logs": found.supports_jsonl,
    }
