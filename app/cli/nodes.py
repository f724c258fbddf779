"""`synaptic-tui nodes`."""

from __future__ import annotations

import click

from app.cli.forms import node_form
from app.cli.node_models import add_model_commands
from app.cli.options import ClusterOptions, cluster_options, complete_node, node_word
from app.cli.output import json_option, print_json, say
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_nodes


@click.group()
def nodes() -> None:
    """List, add and remove nodes, the Ollama servers of the pool, and keep their models."""


add_model_commands(nodes)


@nodes.command("list")
@json_option
@cluster_options
def list_nodes(options: ClusterOptions, as_json: bool) -> int:
    """Ask every known node now, and show it."""
    return run(_list(options, as_json=as_json))


@nodes.command("add")
@click.argument("url", type=node_word)
@cluster_options
def add_node(options: ClusterOptions, url: str) -> int:
    """Remember the Ollama server at URL, and ask it now."""
    return run(_add(options, url))


@nodes.command("remove")
@click.argument("url", type=node_word, shell_complete=complete_node)
@cluster_options
def remove_node(options: ClusterOptions, url: str) -> int:
    """Forget the Ollama server at URL."""
    return run(_remove(options, url))


async def _list(options: ClusterOptions, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await cluster.pool.refresh()
        known = cluster.pool.nodes
    if as_json:
        print_json({"nodes": [node_form(node) for node in known]})
        return 0
    print_nodes(known)
    if not known:
        say("No node is known. Name one with 'nodes add URL'.")
    return 0


async def _add(options: ClusterOptions, url: str) -> int:
    async with open_cluster(options) as cluster:
        node = await cluster.members.add_node(url)
    print_nodes([node])
    return 0


async def _remove(options: ClusterOptions, url: str) -> int:
    async with open_cluster(options) as cluster:
        await cluster.members.remove_node(url)
    say(f"Removed {url}.")
    return 0
