"""`synaptic-tui stop [MODEL]`."""

from __future__ import annotations

import click

from app.cli.options import ClusterOptions, cluster_options, complete_model
from app.cli.output import say
from app.cli.running import run
from app.cli.session import open_cluster
from app.core.coordinators import Coordinators
from app.text.problem import Problem


@click.command()
@click.argument("name", metavar="[MODEL]", required=False, shell_complete=complete_model)
@click.option("--all", "everything", is_flag=True, help="End every coordinator.")
@cluster_options
def stop(options: ClusterOptions, name: str | None, everything: bool) -> int:
    """End the coordinator of MODEL that runs on this box, whoever of ours started it.

    Where only one runs, MODEL can be left out.
    """
    if name is not None and everything:
        raise click.UsageError("Give MODEL or --all, not both.")
    return run(_stop(options, name, everything=everything))


async def _stop(options: ClusterOptions, name: str | None, *, everything: bool) -> int:
    async with open_cluster(options) as cluster:
        named = () if everything else _named(cluster.coordinators, name)
        stopped = await cluster.coordinators.stop(*named)
    if not stopped:
        say("No coordinator runs on this box.")
    elif len(stopped) == 1:
        say("Stopped.")
    else:
        say(f"Stopped: {', '.join(stopped)}.")
    return 0


def _named(coordinators: Coordinators, name: str | None) -> tuple[str, ...]:
    """The model whose coordinator is meant; none where none runs that could be.

    Raises:
        Problem: it is not that of any, or it could be that of several.
    """
    running = [coordinator.status.model for coordinator in coordinators.present]
    if name is None and len(running) > 1:
        raise Problem(f"{len(running)} coordinators run: {', '.join(running)}.", "Name one, or give --all.")
    if name is not None and coordinators.of(name) is None:
        which = f"Those that run serve {', '.join(running)}." if running else "None runs at all."
        raise Problem(f"No coordinator of {name} runs on this box.", which)
    return (name,) if name is not None else ()
