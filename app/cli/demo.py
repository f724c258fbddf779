"""`synaptic-tui demo`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import click

from app.cli.chat import print_answer
from app.cli.console import require_terminal, show
from app.cli.engine import fetch_engine
from app.cli.narration import narrated
from app.cli.options import ClusterOptions
from app.cli.output import say
from app.cli.running import run
from app.cli.session import open_cluster, usual_places
from app.cli.tables import print_placement
from app.config.settings import EngineSettings
from app.core.cluster import Cluster
from app.core.engines import Engines
from app.demo.stage import stage
from app.llama.engine import Engine, EngineProblem


@click.command()
@click.option(
    "--once", metavar="PROMPT", help="Answer PROMPT without the console: print events, placement and answer."
)
def demo(once: str | None) -> int:
    """Open the console on a small real cluster that is made for it, and removed afterwards.

    Two RPC servers on loopback, a coordinator, and a generated model in a store of its own; nothing of yours
    is read or changed, but for the engine, which is fetched where there is none.
    """
    if once is None:
        require_terminal()
    return run(_demo(once))


async def _demo(once: str | None) -> int:
    engine = await _engine()
    async with _cluster(engine) as cluster:
        if once is not None:
            return await _answer_once(cluster, once)

        async def opened() -> Cluster:
            return cluster

        return await show(opened)


@asynccontextmanager
async def _cluster(engine: Engine) -> AsyncIterator[Cluster]:
    """The demo's cluster; its coordinator is stopped at the end, before the workers are."""
    async with stage(engine, os.environ) as made:
        places = replace(
            usual_places(),
            state_file=made.folder / "state.yaml",
            state=made.folder,
            cache=made.folder,
            temporary=True,
        )
        async with open_cluster(ClusterOptions(config=made.config), places, _without_settings()) as cluster:
            try:
                yield cluster
            finally:
                await asyncio.shield(cluster.coordinators.stop())


async def _answer_once(cluster: Cluster, prompt: str) -> int:
    async with narrated(cluster) as narration:
        await cluster.look()
        await cluster.dispatcher.start(cluster.settings.model or "")
        narration.give_way()
        running = cluster.coordinators.running
        if running is not None:
            print_placement(running.status.placement)
        await print_answer(cluster, prompt, narration, as_json=False)
    return 0


async def _engine() -> Engine:
    """The engine of this box, fetched first where there is none that works."""
    places = usual_places()
    engines = Engines(EngineSettings(), places.engine, places.cache, os.environ)
    try:
        found = await engines.current()
        if found.supports_rpc and found.rpc_server:
            return found
    except EngineProblem as problem:
        say(problem.sentence)
    await fetch_engine(engines)
    # What is on the PATH was found wanting, so only what was fetched counts.
    return await Engines(EngineSettings(), places.engine, places.cache, {}).current()


def _without_settings() -> dict[str, str]:
    """The environment without what would add a person's own backends, nodes and models to the demo."""
    personal = ("OLLAMA_", "LLAMA_", "SYNAPTIC_")
    return {name: value for name, value in os.environ.items() if not name.startswith(personal)}
