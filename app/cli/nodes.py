"""`synaptic-tui nodes`."""

from __future__ import annotations

import click

from app.cli.forms import node_form
from app.cli.members import Kind, remove
from app.cli.node_models import add_model_commands
from app.cli.options import ClusterOptions, cluster_options, complete_node, node_word
from app.cli.output import json_option
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_nodes

_NODES = Kind("nodes", node_form, print_nodes, "No node is known. Name one with 'nodes add URL'.")


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
@json_option
@cluster_options
def add_node(options: ClusterOptions, url: str, as_json: bool) -> int:
    """Remember the Ollama server at URL, and ask it now."""
    return run(_NODES.change(options, lambda members: members.add_node(url), as_json=as_json))


@nodes.command("remove")
@click.argument("url", type=node_word, shell_complete=complete_node)
@cluster_options
def remove_node(options: ClusterOptions, url: str) -> int:
    """Forget the Ollama server at URL."""
    return run(remove(options, url, lambda members: members.remove_node(url)))


async def _list(options: ClusterOptions, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await cluster.pool.refresh()
        known = cluster.pool.nodes
    _NODES.show_all(known, as_json=as_json)
    return 0
