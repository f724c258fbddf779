"""`synaptic-tui backends`."""

from __future__ import annotations

import click

from app.cli.forms import known_backend_form
from app.cli.members import Kind, remove
from app.cli.options import ClusterOptions, backend_word, cluster_options, complete_backend
from app.cli.output import json_option, say
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_backends
from app.core.memory import memory_together

_BACKENDS = Kind(
    "backends",
    known_backend_form,
    print_backends,
    "No backend is known. Look for some with 'discover', or name one with 'backends add HOST'.",
)


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
@json_option
@cluster_options
def add_backend(options: ClusterOptions, address: str, as_json: bool) -> int:
    """Remember the backend ADDRESS (HOST[:PORT]), and probe it now."""
    return run(_BACKENDS.change(options, lambda members: members.add_backend(address), as_json=as_json))


@backends.command("remove")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@cluster_options
def remove_backend(options: ClusterOptions, address: str) -> int:
    """Forget the backend ADDRESS (HOST[:PORT])."""
    return run(remove(options, address, lambda members: members.remove_backend(address)))


@backends.command("disable")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@json_option
@cluster_options
def disable_backend(options: ClusterOptions, address: str, as_json: bool) -> int:
    """Neither probe nor use the backend ADDRESS, and keep it."""
    return run(_BACKENDS.change(options, lambda members: members.disable(address), as_json=as_json))


@backends.command("enable")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@json_option
@cluster_options
def enable_backend(options: ClusterOptions, address: str, as_json: bool) -> int:
    """Use the disabled backend ADDRESS again, and probe it now."""
    return run(_BACKENDS.change(options, lambda members: members.enable(address), as_json=as_json))


@backends.command("rename")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@click.argument("name", default="")
@json_option
@cluster_options
def rename_backend(options: ClusterOptions, address: str, name: str, as_json: bool) -> int:
    """Show NAME beside the backend ADDRESS; without one, none."""
    return run(_BACKENDS.change(options, lambda members: members.rename(address, name), as_json=as_json))


@backends.command("note")
@click.argument("address", type=backend_word, shell_complete=complete_backend)
@click.argument("text", default="")
@json_option
@cluster_options
def note_backend(options: ClusterOptions, address: str, text: str, as_json: bool) -> int:
    """Keep TEXT as a note on the backend ADDRESS; without one, none."""
    return run(_BACKENDS.change(options, lambda members: members.note(address, text), as_json=as_json))


async def _list(options: ClusterOptions, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await cluster.backends.check(b.address for b in cluster.backends.known)
        known = cluster.backends.known
    _BACKENDS.show_all(known, as_json=as_json)
    memory = memory_together(known)
    if memory is not None and not as_json:
        say(f"{memory}, the memory of each box counted once.")
    return 0
