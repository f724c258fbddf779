"""What a first answer needs, which of it is there, and how to get the rest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.backends import USABLE
from app.core.checkup import REMEDIES
from app.core.cluster import Cluster
from app.llama.command import worker_command_text
from app.llama.engine import Engine, EngineProblem
from app.text.units import UNKNOWN, bytes_text, plural

A_MODEL = "llama3.2:3b"
"""One that every box can run, for the remedies."""


class Topic(StrEnum):
    """One of the things that are needed."""

    ENGINE = "engine"
    WORKERS = "RPC workers"
    OLLAMA = "Ollama"
    MODELS = "models"


class Standing(StrEnum):
    """Whether it is there."""

    OK = "ok"
    MISSING = "missing"
    LOOKING = "looking"


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is needed, as far as it is known now."""

    topic: Topic
    standing: Standing
    text: str
    remedy: str = ""


def needs(cluster: Cluster) -> tuple[Need, ...]:
    """How everything stands, as last seen; looks at nothing by itself."""
    return (_engine(cluster), _workers(cluster), _ollama(cluster), _models(cluster))


def is_missing_something(found: tuple[Need, ...]) -> bool:
    """Whether one of these is known to be missing."""
    return any(need.standing is Standing.MISSING for need in found)


def is_looking(found: tuple[Need, ...]) -> bool:
    """Whether one of these is not known yet."""
    return any(need.standing is Standing.LOOKING for need in found)


async def look_again(cluster: Cluster) -> None:
    """See once more what is there, the engine included: one may have been fetched meanwhile."""
    cluster.engines.forget()
    await cluster.meet_engine()
    await cluster.look()


def _engine(cluster: Cluster) -> Need:
    if cluster.engines.fetching is not None:
        return Need(Topic.ENGINE, Standing.LOOKING, f"Fetching it: {cluster.engines.fetching} …")
    match cluster.engines.found:
        case None:
            return Need(Topic.ENGINE, Standing.LOOKING, "Looking for llama-server …")
        case EngineProblem() as problem:
            return Need(Topic.ENGINE, Standing.MISSING, problem.sentence, problem.remedy)
        case Engine() as engine if not engine.supports_rpc:
            text = f"{engine.server} was built without RPC: it can use no worker."
            return Need(
                Topic.ENGINE, Standing.MISSING, text, "Fetch one that can with 'synaptic-tui engine get'."
            )
        case Engine() as engine:
            return Need(Topic.ENGINE, Standing.OK, f"{engine.server}, {engine.version or UNKNOWN}.")


def _workers(cluster: Cluster) -> Need:
    known = [backend for backend in cluster.backends.known if backend.enabled]
    usable = sum(backend.state in USABLE for backend in known)
    if usable:
        return Need(Topic.WORKERS, Standing.OK, f"{usable} of {plural(len(known), 'backend')} can be used.")
    if cluster.discovery.running:
        return Need(Topic.WORKERS, Standing.LOOKING, "Sweeping the networks for backends …")
    if any(backend.state is None for backend in known):
        return Need(Topic.WORKERS, Standing.LOOKING, f"Probing {plural(len(known), 'backend')} …")
    first = next((backend for backend in known if backend.state is not None), None)
    if first is not None and first.state is not None:
        text = f"None of {plural(len(known), 'backend')} can be used: {first.address} is {first.state}."
        return Need(Topic.WORKERS, Standing.MISSING, text, REMEDIES[first.state])
    text = "No backend is known. To make one, run this on another box:"
    return Need(Topic.WORKERS, Standing.MISSING, text, worker_command_text("THAT-HOST-IP"))


def _ollama(cluster: Cluster) -> Need:
    nodes = cluster.pool.nodes
    up = [node for node in nodes if node.up]
    if up:
        text = f"{up[0].url}, version {up[0].version or UNKNOWN}"
        more = f", and {plural(len(up) - 1, 'more node')}" if len(up) > 1 else ""
        return Need(Topic.OLLAMA, Standing.OK, f"{text}{more}.")
    if any(node.up is None for node in nodes):
        return Need(Topic.OLLAMA, Standing.LOOKING, f"Asking {plural(len(nodes), 'node')} …")
    text = f"{nodes[0].url} is down." if nodes else "No node is known."
    remedy = f"Run 'ollama serve' {'there' if nodes else 'on a box'}, or add a node that runs by its URL."
    return Need(Topic.OLLAMA, Standing.MISSING, text, remedy)


def _models(cluster: Cluster) -> Need:
    models = cluster.models()
    if models:
        largest = max(models, key=lambda model: model.facts.size or 0)
        size = f", {bytes_text(largest.facts.size)}" if largest.facts.size else ""
        text = f"{plural(len(models), 'model')}, the largest is {largest.name}{size}."
        return Need(Topic.MODELS, Standing.OK, text)
    if pulls := cluster.pulls.now:
        return Need(Topic.MODELS, Standing.LOOKING, f"{pulls[0].model} is on its way: {pulls[0]}")
    if not cluster.catalogue.was_read or any(node.up is None for node in cluster.pool.nodes):
        return Need(Topic.MODELS, Standing.LOOKING, "Reading Ollama's store and the model folders …")
    remedy = f"'ollama pull {A_MODEL}', or 'model PATH' with the path of a GGUF file."
    return Need(Topic.MODELS, Standing.MISSING, "No model is found on this box or on a node.", remedy)
