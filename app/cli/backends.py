"""`synaptic-tui backends`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from app.cli.forms import known_backend_form
from app.cli.options import ClusterOptions, backend_word, cluster_options, complete_backend
from app.cli.output import json_option, print_json, say
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_backends
from app.core.backends import Backend
from app.core.membership import Membership
from app.core.memory import memory_together


@click.group()
def backends() -> None:
    """List, keep and remove backends: the RPC servers of llama.cpp."""


@backends.command("list")
@json_option
@cluster_options
def list_backends(options: ClusterOptions, as_json: bool) -> int:
    """Probe every known backend now, and show it."""
    return run(_list(options, as_json=as_json))


@backends.command("add")
@click.argument("address", type=backend_word)
@cluster_options
def add_backend(options: ClusterOptions, address: str) -> int:
    """Remember the backend ADDRESS (HOST[:PORT]), and probe it now."""
    return run(_add(options, address))


@backends.command("remove")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@cluster_options
def remove_backend(options: ClusterOptions, address: str) -> int:
    """Forget the backend ADDRESS (HOST[:PORT])."""
    return run(_remove(options, address))


@backends.command("disable")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@json_option
@cluster_options
def disable_backend(options: ClusterOptions, address: str, as_json: bool) -> int:
    """Neither probe nor use the backend ADDRESS, and keep it."""
    return run(_change(options, lambda members: members.disable(address), as_json=as_json))


@backends.command("enable")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@json_option
@cluster_options
def enable_backend(options: ClusterOptions, address: str, as_json: bool) -> int:
    """Use the disabled backend ADDRESS again, and probe it now."""
    return run(_change(options, lambda members: members.enable(address), as_json=as_json))


@backends.command("rename")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@click.argument("name", default="")
@json_option
@cluster_options
def rename_backend(options: ClusterOptions, address: str, name: str, as_json: bool) -> int:
    """Show NAME beside the backend ADDRESS; without one, none."""
    return run(_change(options, lambda members: members.rename(address, name), as_json=as_json))


@backends.command("note")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@click.argument("text", default="")
@json_option
@cluster_options
def note_backend(options: ClusterOptions, address: str, text: str, as_json: bool) -> int:
    """Keep TEXT as a note on the backend ADDRESS; without one, none."""
    return run(_change(options, lambda members: members.note(address, text), as_json=as_json))


async def _change(
    options: ClusterOptions, change: Callable[[Membership], Awaitable[Backend]], *, as_json: bool
) -> int:
    async with open_cluster(options) as cluster:
        backend = await change(cluster.members)
    if as_json:
        print_json(known_backend_form(backend))
    else:
        print_backends([backend])
    return 0


async def _list(options: ClusterOptions, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await cluster.backends.check(b.address for b in cluster.backends.known)
        known = cluster.backends.known
    if as_json:
        print_json({"backends": [known_backend_form(b) for b in known]})
        return 0
    print_backends(known)
    memory = memory_together(known)
    if memory is not None:
        say(f"{memory}, the memory of each box counted once.")
    if not known:
        say("No backend is known. Look for some with 'discover', or name one with 'backends add HOST'.")
    return 0


async def _add(options: ClusterOptions, address: str) -> int:
    async with open_cluster(options) as cluster:
        backend = await cluster.members.add_backend(address)
    print_backends([backend])
    return 0


async def _remove(options: ClusterOptions, address: str) -> int:
    async with open_cluster(options) as cluster:
        await cluster.members.remove_backend(address)
    say(f"Removed {address}.")
    return 0
