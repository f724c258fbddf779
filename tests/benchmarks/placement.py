"""How fast one model answers where we place it, and where llama.cpp does by itself.

Three workers, each in a box of its own, behind links of different delay; all of it in a network namespace.
They have room for the model on one of them, on two, or only on all three together; each time a coordinator
of each kind answers the same prompt. `python -m tests.benchmarks.placement` keeps the figures.
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from app.config.origins import Overrides, resolve
from app.config.state import StateFile
from app.core.cluster import Cluster, Places
from app.core.coordinator import Coordinator
from app.core.coordinators import Claim
from app.core.launch import LaunchPlan
from app.core.placement import share_of
from app.demo.model import Shape, write_model
from app.gguf.cache import CacheType
from app.gguf.header import read_model
from app.gguf.memory import needs_of
from app.llama.command import rpc_server_command, tied_to_us
from app.llama.engine import Engine
from app.llama.environment import clean_environment
from app.llama.process import Child
from app.rpc.probe import BackendState, probe
from app.text.address import DEFAULT_RPC_PORT, Address
from app.text.answer import Finished, Message
from app.text.units import GIB, UNKNOWN, bytes_text, milliseconds_text, plural
from tests.benchmarks.readme import keep
from tests.lab.boxes import Box, box, ip, namespace
from tests.support.engine import find_engine

ROUNDS = 11
DELAYS_MS = (20, 0, 5)
"""What the link of each worker adds to a round trip, in the order of their addresses."""
SHAPE = Shape(layers=16, width=1024, context=2048)
CONTEXT = 1024
TOKENS = 32
"""Of each answer that is measured."""
FIRST_TOKENS = 4
"""Of the one before it, in which all that is done once is done."""
PROMPT = Message("user", "a worker")
IDLE_S = 60.0
START_S = 20.0
POLL_S = 0.05
PROBES = 25
STOP_S = 5.0
HEAD = (
    "| room on each worker, and how many it takes | placement | layers | tokens/s | ours / llama.cpp's |",
    "|---|---|---|---:|---:|",
)
ENVIRONMENT = clean_environment(os.environ)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one coordinator did."""

    layers: Mapping[Address, int | None]
    """In the order in which they are computed; the output is one."""
    tokens_per_s: float
    """As the engine measured it."""


@dataclass(frozen=True, slots=True)
class Case:
    """So much room on each worker that the model needs this many of them."""

    workers: int
    room_bytes: int
    cluster: Cluster
    ours: list[Answer] = field(default_factory=list)
    theirs: list[Answer] = field(default_factory=list)


async def measure(engine: Engine, folder: Path) -> list[str]:
    """The lines of the table; to be called in a network namespace of ours."""
    model = folder / "model.gguf"
    await asyncio.to_thread(write_model, model, SHAPE, ends=False)
    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(_worker(engine, stack.enter_context(_box(number)), delay, folder))
            for number, delay in enumerate(DELAYS_MS, 1)
        ]
        cases = [
            Case(count, room, await stack.enter_async_context(_cluster(engine, workers, room, folder)))
            for count, room in _rooms(model)
        ]
        for _ in range(ROUNDS):
            for case in cases:
                case.ours.append(await _ours(case.cluster, model))
                assert len(case.ours[-1].layers) == case.workers, case.ours[-1]
                case.theirs.append(await _theirs(case.cluster, model, engine))
        links = {worker: await _round_trip(worker) for worker in workers}
    return [*(line for case in cases for line in _rows(case, links)), "", _noise(cases)]


def _rooms(model: Path) -> Iterator[tuple[int, int]]:
    """Bytes for each worker with which the model needs 1, 2, … of them, and half of the last one."""
    needs = needs_of(read_model(model))
    layers = len(needs.layers) + 1
    whole = needs.weights_of(0, layers) + needs.cache_of(0, layers, CONTEXT, CacheType.F16, CacheType.F16)
    for count in range(1, len(DELAYS_MS) + 1):
        yield count, round(whole / (count - 0.5)) + needs.compute_bytes(CONTEXT, has_output=True)


def _box(number: int) -> AbstractContextManager[Box]:
    return box(f"cable{number}", f"10.77.{number}.1/24", f"10.77.{number}.2/24")


@asynccontextmanager
async def _worker(engine: Engine, where: Box, delay_ms: float, folder: Path) -> AsyncIterator[Address]:
    """A worker in a box, behind a slow link where there is a delay."""
    assert engine.rpc_server is not None
    seen = Address(str(where.address.ip), DEFAULT_RPC_PORT)
    own = Address("127.0.0.1", DEFAULT_RPC_PORT) if delay_ms else seen
    link = (sys.executable, "-m", "tests.lab.slow_link", str(seen), str(own), str(delay_ms / 2 / 1000))
    commands = [rpc_server_command(engine.rpc_server, own, threads=1), *([link] if delay_ms else [])]
    children = list[Child]()
    try:
        for number, command in enumerate(commands):
            log = folder / f"{seen.host}-{number}.log"
            tied = tied_to_us(where.inside(*command))
            children.append(await Child.start(tied, environment=ENVIRONMENT, log=log))
        await _until_free(seen)
        yield seen
    finally:
        for child in children:
            await child.stop(STOP_S)


async def _until_free(worker: Address) -> None:
    async with asyncio.timeout(START_S):
        while True:
            if (await probe(worker, client=None)).state is BackendState.FREE:
                return
            await asyncio.sleep(POLL_S)


async def _round_trip(worker: Address) -> str:
    """Milliseconds, as the program itself finds them."""
    seen = [await probe(worker, client=None) for _ in range(PROBES)]
    return milliseconds_text(statistics.median(each.latency_ms for each in seen if each.latency_ms))


@asynccontextmanager
async def _cluster(
    engine: Engine, workers: Sequence[Address], room_bytes: int, folder: Path
) -> AsyncIterator[Cluster]:
    """The program as it is by default, but for the margin: it leaves so much room on each worker.

    That stands for a model as large as the memory of the workers, which this box could not hold.
    """
    total = (await probe(workers[0], client=None)).devices[0].total_bytes
    own = folder / f"room-{room_bytes}"
    places = Places(own / "state.yaml", own, own / "cache", own / "engine", own, temporary=True)
    own.mkdir()
    config = own / "config.yaml"
    config.write_text(
        "nodes: []\nnetworks: [127.0.0.1]\ndistributed_inference: true\n"
        f"backends: [{', '.join(str(worker) for worker in workers)}]\n"
        f"engine: {{server: {engine.server}, rpc_server: {engine.rpc_server}}}\n"
        f"coordinator: {{context: {CONTEXT}}}\n"
        f"placement: {{margin_gib: {(total - room_bytes) / GIB}}}\n"
    )
    resolved = resolve(
        command_line=Overrides(),
        environment={},
        state=StateFile(places.state_file).read(),
        config=config,
    )
    async with Cluster(resolved, places, ENVIRONMENT) as cluster:
        try:
            yield cluster
        finally:
            await cluster.coordinators.stop()


async def _ours(cluster: Cluster, model: Path) -> Answer:
    """On the workers that our plan takes."""
    await cluster.look()
    await cluster.dispatcher.start(str(model))
    assert cluster.coordinators.running is not None
    return await _answer(cluster, cluster.coordinators.running)


async def _theirs(cluster: Cluster, model: Path, engine: Engine) -> Answer:
    """On all workers that are known, and llama-server is told nothing of layers."""

    known = tuple(sorted(backend.address for backend in cluster.backends.known))

    async def resolved() -> LaunchPlan:
        return LaunchPlan(str(model), model, None, known)

    return await _answer(
        cluster, await cluster.coordinators.ensure(Claim(str(model), known), resolved, engine)
    )


async def _answer(cluster: Cluster, coordinator: Coordinator) -> Answer:
    """The second one; then the coordinator is stopped."""
    for tokens in (FIRST_TOKENS, TOKENS):
        options = {"max_tokens": tokens, "temperature": 0, "ignore_eos": True}
        *_, finished = [part async for part in coordinator.answer([PROMPT], options, IDLE_S)]
    status = coordinator.status
    await cluster.coordinators.stop()
    assert isinstance(finished, Finished)
    assert finished.timings.tokens == TOKENS, finished
    assert finished.timings.generation_s
    shares = {worker: share_of(worker, status.placement) for worker in status.backends}
    layers = {worker: share.layers for worker, share in shares.items() if share}
    return Answer(layers, TOKENS / finished.timings.generation_s)


def _rows(case: Case, links: Mapping[Address, str]) -> Iterator[str]:
    """Two lines of the table."""
    ahead = _spread(_ratios(case.ours, case.theirs), 2)
    room = f"{bytes_text(case.room_bytes)}: {plural(case.workers, 'worker')}"
    yield f"| {room} | ours | {_told(case.ours, links)} | {ahead} |"
    yield f"| | llama.cpp's | {_told(case.theirs, links)} | |"


def _noise(cases: Sequence[Case]) -> str:
    """How much the speed of one and the same placement differs within a round."""
    ratios = [ratio for one, later in pairwise(cases) for ratio in _ratios(one.theirs, later.theirs)]
    return (
        f"Noise: llama.cpp's placement by the same one, two turns later in a round, is {_spread(ratios, 2)}."
    )


def _ratios(answers: Sequence[Answer], others: Sequence[Answer]) -> list[float]:
    both = zip(answers, others, strict=True)
    return [one.tokens_per_s / other.tokens_per_s for one, other in both]


def _told(answers: Sequence[Answer], links: Mapping[Address, str]) -> str:
    """Each placement that there was, with how often where there were several; and the speed."""
    placements = Counter(
        ", ".join(f"{count} at {links[worker]} ms" for worker, count in answer.layers.items())
        for answer in answers
    )
    if len(placements) == 1:
        (layers,) = placements
    else:
        layers = "; ".join(f"{text} (in {plural(n, 'round')})" for text, n in placements.most_common())
    return f"{layers} | {_spread([answer.tokens_per_s for answer in answers], 1)}"


def _spread(figures: Sequence[float], digits: int) -> str:
    least, middle, most = min(figures), statistics.median(figures), max(figures)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def _machine(engine: Engine) -> Iterator[str]:
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} shared cores ({cpu[1] if cpu else UNKNOWN}), Linux "
        f"{platform.release()}, llama.cpp {engine.version}, load average before: {load}."
    )


def main(arguments: list[str]) -> None:
    """Go into a network of our own; there measure, and keep the figures."""
    engine = asyncio.run(find_engine())
    if arguments != ["inside"]:
        if not namespace():
            sys.exit("This system lets us have no network namespace.")
        command = [*namespace(), sys.executable, "-m", "tests.benchmarks.placement", "inside"]
        os.execvp(command[0], command)
    ip("link", "set", "lo", "up")
    machine = list(_machine(engine))
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(engine, Path(folder)))
    keep("placement", "\n".join((*machine, "", *HEAD, *rows)))


if __name__ == "__main__":
    main(sys.argv[1:])
