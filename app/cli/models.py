"""`synaptic-tui models`."""

from __future__ import annotations

import asyncio

import click

from app.cli.forms import model_form
from app.cli.options import ClusterOptions, cluster_options
from app.cli.output import json_option, print_json, say
from app.cli.running import run
from app.cli.session import open_cluster
from app.cli.tables import print_models


@click.command()
@json_option
@cluster_options
def models(options: ClusterOptions, as_json: bool) -> int:
    """List the models of this box and of the nodes, with their real sizes."""
    return run(_models(options, as_json=as_json))


async def _models(options: ClusterOptions, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster:
        await asyncio.gather(cluster.pool.refresh(), cluster.catalogue.read())
        found, problems = cluster.models(), cluster.catalogue.problems
    for problem in problems:
        say(problem)
    if as_json:
        print_json({"models": [model_form(model) for model in found]})
        return 0
    print_models(found)
    for model in found:
        for caution in model.facts.cautions:
            say(f"{model.name}: {caution}")
    if not found:
        say("No model is found. Set models.folders in the configuration, or pull one with 'ollama pull'.")
    return 0
