"""`synaptic-tui nodes load`, `unload`, `pull` and `delete`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import click

from app.cli.options import ClusterOptions, cluster_options, complete_model, complete_node, node_word
from app.cli.output import json_option, print_json, say
from app.cli.progress import told_progress
from app.cli.running import run
from app.cli.session import open_cluster
from app.core.cluster import Cluster
from app.text.problem import Problem

Deed = Callable[[Cluster], Awaitable[str]]
"""Does it, and tells the URL of the node."""

model_argument = click.argument("name", metavar="MODEL", shell_complete=complete_model)
on_option = click.option(
    "--on", "url", type=node_word, metavar="URL", shell_complete=complete_node, help="On this node."
)


def add_model_commands(nodes: click.Group) -> None:
    """Add the commands to those of the nodes."""
    for command in (load, unload, pull, delete):
        nodes.add_command(command)


@click.command()
@model_argument
@on_option
@click.option("--keep-alive", metavar="TIME", help="How long it stays unasked: 30m, 2h; -1: for ever.")
@json_option
@cluster_options
def load(options: ClusterOptions, name: str, url: str | None, keep_alive: str | None, as_json: bool) -> int:
    """Load MODEL into a node's memory; without --on, where a prompt would go."""
    kept = -1 if keep_alive == "-1" else keep_alive
    return run(_do(options, "loaded", name, lambda c: c.upkeep.load(name, url, kept), as_json=as_json))


@click.command()
@model_argument
@on_option
@json_option
@cluster_options
def unload(options: ClusterOptions, name: str, url: str | None, as_json: bool) -> int:
    """Free a node's memory of MODEL."""
    return run(_do(options, "unloaded", name, lambda c: c.upkeep.unload(name, url), as_json=as_json))


@click.command()
@model_argument
@on_option
@json_option
@cluster_options
def pull(options: ClusterOptions, name: str, url: str | None, as_json: bool) -> int:
    """Bring MODEL from the registry to a node; one that broke off goes on where it stopped."""

    async def told(cluster: Cluster) -> str:
        async with told_progress(cluster.bus):
            return await cluster.upkeep.pull(name, url)

    return run(_do(options, "pulled", name, told, as_json=as_json))


@click.command()
@model_argument
@on_option
@click.option("--yes", is_flag=True, help="Do not ask first.")
@json_option
@cluster_options
def delete(options: ClusterOptions, name: str, url: str | None, yes: bool, as_json: bool) -> int:
    """Delete MODEL from a node's disk; asks first."""
    if not yes:
        _confirm(f"Delete {name} from {url or 'the node that has it'}? It can only be pulled again.")
    return run(_do(options, "deleted", name, lambda c: c.upkeep.delete(name, url), as_json=as_json))


async def _do(options: ClusterOptions, done: str, model: str, deed: Deed, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await cluster.pool.refresh()
        url = await deed(cluster)
    if as_json:
        form: dict[str, Any] = {"done": done, "model": model, "node": url}
        print_json(form)
    else:
        say(f"{done.capitalize()} {model} on {url}.")
    return 0


def _confirm(question: str) -> None:
    """Go on only after a yes; a program that cannot be asked has to say --yes."""
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here. Say --yes.")
    if not click.confirm(question, err=True):
        raise Problem("Nothing was deleted.")
