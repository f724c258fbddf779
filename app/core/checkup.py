"""The check-up: everything that has to work, looked at once, with a remedy for each fault."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.config.crashes import newest_report
from app.config.logfile import log_file
from app.core.backends import WELL
from app.core.cluster import Cluster
from app.llama.command import worker_command_text
from app.llama.engine import EngineProblem
from app.rpc.probe import BackendState
from app.text.address import DEFAULT_RPC_PORT
from app.text.units import UNKNOWN, bytes_text, plural


class Verdict(StrEnum):
    """How one finding stands."""

    GOOD = "good"
    NOTE = "note"
    """Works, or is not needed, but a person may want to know."""
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    verdict: Verdict
    text: str
    remedy: str = ""


async def examine(cluster: Cluster) -> AsyncIterator[Finding]:
    """Look at everything, and tell each finding as soon as it is made."""
    async for finding in _engine(cluster):
        yield finding
    yield await asyncio.to_thread(_port)
    await cluster.look()
    for finding in (
        *await asyncio.to_thread(_own_files, cluster),
        *_folders(cluster),
        *_models(cluster),
        *_backends(cluster),
        *_nodes(cluster),
    ):
        yield finding
    for finding in _coordinators(cluster):
        yield finding


async def _engine(cluster: Cluster) -> AsyncIterator[Finding]:
    try:
        engine = await cluster.engines.current()
    except EngineProblem as problem:
        yield Finding("engine", Verdict.FAULT, problem.sentence, problem.remedy)
        return
    version = engine.version or UNKNOWN
    yield Finding("engine", Verdict.GOOD, f"{engine.server} ({engine.origin}), {version}")
    local_only = await cluster.engines.problem_with_backends()
    if local_only:
        yield Finding("engine", Verdict.FAULT, local_only)
    elif engine.rpc_server is None:
        yield Finding(
            "engine",
            Verdict.NOTE,
            "There is no RPC server program beside it, so its RPC protocol is not known.",
        )
    else:
        yield Finding("engine", Verdict.GOOD, f"{engine.rpc_server} speaks RPC {engine.protocol or UNKNOWN}")


def _port() -> Finding:
    """A coordinator needs any free loopback port; a worker on this box wants the usual one."""
    with socket.socket() as usual:
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            usual.bind(("127.0.0.1", DEFAULT_RPC_PORT))
        except OSError:
            text = f"Port {DEFAULT_RPC_PORT} of this box is in use: a worker may be running here."
            return Finding("ports", Verdict.NOTE, text, "Add it with 'backends add 127.0.0.1' if it is one.")
    return Finding("ports", Verdict.GOOD, f"Port {DEFAULT_RPC_PORT} of this box is free for a worker.")


def _folders(cluster: Cluster) -> Iterator[Finding]:
    config = cluster.resolved.config_file
    yield Finding(
        "settings", Verdict.GOOD, f"Read from {config}." if config else "No file; every value is the default."
    )
    folder = cluster.places.state
    nearest = next(p for p in (folder, *folder.parents) if p.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        yield Finding("state", Verdict.GOOD, f"Kept in {folder}.")
    else:
        yield Finding(
            "state", Verdict.FAULT, f"{nearest} cannot be written.", "Make it writable for your user."
        )


def _own_files(cluster: Cluster) -> tuple[Finding, ...]:
    """What this program writes about itself."""
    place, level = cluster.places.lasting, cluster.settings.console.log_level
    file = log_file(place)
    log = Finding("log", Verdict.GOOD, f"Level {level}, in {file}.")
    if level == "off":
        log = Finding("log", Verdict.NOTE, f"Off; it would be {file}.", "'--log-level info' switches it on.")
    report = newest_report(place)
    if report is None:
        return (log,)
    remedy = "Please send it with a report; it holds no key. Remove it when it is of no use."
    return (log, Finding("crashes", Verdict.NOTE, f"The newest crash report is {report}.", remedy))


def _models(cluster: Cluster) -> Iterator[Finding]:
    for problem in cluster.catalogue.problems:
        yield Finding("models", Verdict.FAULT, problem)
    models = cluster.models()
    local = sum(model.on_disk for model in models)
    if models:
        yield Finding(
            "models", Verdict.GOOD, f"{plural(len(models), 'model')}, {local} of them with weights here."
        )
    else:
        yield Finding(
            "models",
            Verdict.FAULT,
            "No model is found on this box or on a node.",
            "Set models.folders or models.store in the configuration, or pull one with 'ollama pull'.",
        )


def _backends(cluster: Cluster) -> Iterator[Finding]:
    known = cluster.backends.known
    if not known:
        yield Finding(
            "backends",
            Verdict.NOTE,
            "No backend is known.",
            f"Run '{worker_command_text('THIS-HOST-IP')}' on another box, then 'synaptic-tui discover' here.",
        )
    for backend in known:
        good = backend.state in WELL
        detail = f", {backend.detail}" if backend.detail else ""
        text = f"{backend.address} is {backend.state}{detail}"
        if good:
            text = f"{backend.address} is {backend.state}, {bytes_text(backend.free_bytes)} free"
        remedy = "" if good or backend.state is None else REMEDIES[backend.state]
        yield Finding("backends", Verdict.GOOD if good else Verdict.FAULT, f"{text}.", remedy)


REMEDIES = {
    BackendState.UNUSED: "Look at coordinator.extra_arguments, or disable it; then restart the coordinator.",
    BackendState.BUSY: "Stop the coordinator that holds it, or wait until that one ends.",
    BackendState.MISMATCH: "Run the same llama.cpp build there and here.",
    BackendState.NOT_RPC: "Check host and port: another program answers there.",
    BackendState.REFUSED: "Start the RPC server there.",
    BackendState.NO_ANSWER: "Check that the box is on, and that no firewall is in the way.",
}
"""What helps against each state in which a backend cannot be used."""


def _nodes(cluster: Cluster) -> Iterator[Finding]:
    for node in cluster.pool.nodes:
        if node.up:
            yield Finding("nodes", Verdict.GOOD, f"{node.url} is up, Ollama {node.version or UNKNOWN}.")
        else:
            yield Finding("nodes", Verdict.NOTE, f"{node.url} is down. {node.detail}".rstrip())


def _coordinators(cluster: Cluster) -> Iterator[Finding]:
    present = cluster.coordinators.present
    if not present:
        yield Finding("coordinator", Verdict.GOOD, "None is running.")
    for status in (coordinator.status for coordinator in present):
        yield Finding(
            "coordinator",
            Verdict.GOOD,
            f"{status.state}: {status.model}, pid {status.pid}.",
            f"'synaptic-tui stop{f' {status.model}' if len(present) > 1 else ''}' ends it.",
        )
