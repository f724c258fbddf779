"""Placements measured on the real engine: over two workers, with one that dies, and ended halfway."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from app.core.bench_steps import Begun, Loaded, Step, Tried, Verdict
from app.core.cluster import Cluster, Places
from app.core.placement_bench import BenchLimits
from app.core.plan import Plan
from app.llama.engine import Engine
from app.text.address import Address
from app.text.problem import Problem
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServer, RpcServerFactory
from tests.support.waiting import until

SMALL = (
    "mode: distributed",
    "distributed_inference: true",
    "coordinator: {context: 512, threads: 1}",
    "placement: {backends: all}",
)


@pytest.fixture
def workers(rpc_server: RpcServerFactory) -> list[RpcServer]:
    return [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]


def addresses(workers: list[RpcServer]) -> list[Address]:
    return [worker.address for worker in workers]


async def bench(cluster: Cluster, model: Path, limits: BenchLimits) -> tuple[list[Step], Verdict]:
    async with aclosing(cluster.bench.run(await cluster.dispatcher.loadable(str(model)), limits)) as steps:
        *before, verdict = [step async for step in steps]
    assert isinstance(verdict, Verdict)
    return before, verdict


async def plan(cluster: Cluster, model: Path) -> Plan:
    planned = await cluster.dispatcher.plan(str(model))
    assert isinstance(planned, Plan)
    return planned


def left(cluster: Cluster) -> list[object]:
    """The coordinator that runs, and its process."""
    served = [p for p in psutil.Process().children(recursive=True) if p.name() == "llama-server"]
    return [*served, *filter(None, [cluster.coordinators.running])]


async def test_the_fastest_is_started_from_then_on_until_it_is_forgotten(
    engine: Engine, workers: list[RpcServer], tiny_model: Path, open_cluster: OpenCluster
) -> None:
    async with open_cluster(*SMALL, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        as_set = await plan(cluster, tiny_model)
        steps, verdict = await bench(cluster, tiny_model, BenchLimits(candidates=2))
        assert [type(step) for step in steps] == [Begun, Loaded, Tried] * 2
        assert not left(cluster)
        assert verdict.trials[0].candidate.plan.split == as_set.split
        for trial in verdict.trials:
            assert trial.ready_in_s is not None
            assert trial.speed is not None
            assert trial.speed.requests == 5
            assert trial.speed.slowest_per_s <= trial.speed.generation_per_s <= trial.speed.fastest_per_s
        assert verdict.winner is not None
        assert verdict.winner.speed is not None
        won = verdict.winner.candidate.plan.split

        # Another process of ours, later, knows it too; and what is started is what was measured.
    async with open_cluster(*SMALL, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        measured = await plan(cluster, tiny_model)
        assert measured.split == won
        assert measured.reasons[-1].startswith("Measured on ")
        assert measured.reasons[-1].endswith("the fastest of 2 tried.")
        status = await cluster.dispatcher.start(str(tiny_model))
        assert status.planned is not None
        assert status.planned.split == won
        with pytest.raises(Problem, match="is running, and would be in the way"):
            await bench(cluster, tiny_model, BenchLimits())
        assert status.pid is not None
        assert psutil.pid_exists(status.pid)
        await cluster.coordinators.stop()
        await cluster.backends.check(addresses(workers))

        assert await cluster.bench.forget(await cluster.dispatcher.loadable(str(tiny_model))) == 1
        forgotten = await plan(cluster, tiny_model)
        assert not any(reason.startswith("Measured on ") for reason in forgotten.reasons)


async def test_one_that_fails_is_a_row_and_not_the_end(
    engine: Engine, workers: list[RpcServer], tiny_model: Path, open_cluster: OpenCluster
) -> None:
    stays, goes = workers
    async with open_cluster(*SMALL, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        goes.kill()
        _, verdict = await bench(cluster, tiny_model, BenchLimits(candidates=3))
        assert not left(cluster)
    failed = [trial for trial in verdict.trials if trial.speed is None]
    assert failed
    for trial in failed:
        assert goes.address in trial.candidate.plan.backends
        assert f"Backend {goes.address} is refused" in trial.problem
    assert verdict.winner is not None
    assert verdict.winner.candidate.plan.backends == (stays.address,)


async def test_one_that_hangs_ends_with_its_time(
    engine: Engine, workers: list[RpcServer], endless_model: Path, open_cluster: OpenCluster, places: Places
) -> None:
    lines = (*SMALL[:2], "coordinator: {context: 512, threads: 1, stop_grace_s: 0.5}", *SMALL[3:])
    async with open_cluster(*lines, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        model = await cluster.dispatcher.loadable(str(endless_model))
        async with aclosing(cluster.bench.run(model, BenchLimits(candidates=1, budget_s=2.0))) as steps:
            async for step in steps:
                if isinstance(step, Loaded):
                    workers[0].pause()
                last = step
        assert not left(cluster)
        assert not places.winners.exists()
    assert isinstance(last, Verdict)
    [trial] = last.trials
    assert trial.problem == "It took longer than the 2.0 s that it had."
    assert (last.winner, last.remark) == (
        None,
        "No placement could be measured, so that nothing is remembered.",
    )


async def test_for_what_no_time_is_left_nothing_is_started(
    engine: Engine, workers: list[RpcServer], tiny_model: Path, open_cluster: OpenCluster
) -> None:
    async with open_cluster(*SMALL, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        steps, verdict = await bench(cluster, tiny_model, BenchLimits(candidates=2, budget_s=0.0))
        assert [type(step) for step in steps] == [Tried, Tried]
        assert {trial.problem for trial in verdict.trials} == {"No time was left for it."}
        assert cluster.coordinators.current is None


@pytest.mark.parametrize("last_seen", [Begun, Loaded])
async def test_whenever_it_is_cancelled_nothing_is_left(
    engine: Engine,
    workers: list[RpcServer],
    tiny_model: Path,
    open_cluster: OpenCluster,
    places: Places,
    last_seen: type[Step],
) -> None:
    async with open_cluster(*SMALL, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        seen = asyncio.Event()

        async def until_seen() -> None:
            model = await cluster.dispatcher.loadable(str(tiny_model))
            async with aclosing(cluster.bench.run(model)) as steps:
                async for step in steps:
                    if isinstance(step, last_seen):
                        seen.set()

        benching = asyncio.create_task(until_seen())
        await seen.wait()
        await until(lambda: cluster.coordinators.running is not None)
        assert cluster.bench.running == str(tiny_model)
        benching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await benching
        assert not left(cluster)
        assert not cluster.bench.running
        assert not places.winners.exists()
    assert all(worker.alive for worker in workers)


async def test_whoever_stops_the_coordinator_stops_the_bench(
    engine: Engine, workers: list[RpcServer], endless_model: Path, open_cluster: OpenCluster
) -> None:
    async with open_cluster(*SMALL, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        model = await cluster.dispatcher.loadable(str(endless_model))
        stopping: list[asyncio.Task[tuple[str, ...]]] = []

        async def until_it_ends() -> None:
            async with aclosing(cluster.bench.run(model)) as steps:
                async for step in steps:
                    if isinstance(step, Loaded):
                        stopping.append(asyncio.create_task(cluster.coordinators.stop()))

        with pytest.raises(Problem, match="was stopped"):
            await until_it_ends()
        assert [await each for each in stopping] == [(model.name,)]
        assert not left(cluster)


async def test_who_starts_another_model_meanwhile_gets_it_and_the_bench_ends(
    engine: Engine,
    workers: list[RpcServer],
    tiny_model: Path,
    endless_model: Path,
    open_cluster: OpenCluster,
) -> None:
    async with open_cluster(*SMALL, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        benching = asyncio.create_task(bench(cluster, endless_model, BenchLimits()))
        await until(lambda: bool(left(cluster)), "the coordinator of the bench")
        status = await cluster.dispatcher.start(str(tiny_model), swap="always")
        with pytest.raises(Problem, match=r"was stopped|is running, and would be in the way"):
            await benching
        running = cluster.coordinators.running
        assert running is not None
        assert running.status.pid == status.pid
        await cluster.coordinators.stop()


async def test_a_cluster_that_is_closed_leaves_no_bench_running(
    engine: Engine, workers: list[RpcServer], endless_model: Path, open_cluster: OpenCluster
) -> None:
    async with open_cluster(*SMALL, engine=engine, backends=addresses(workers)) as cluster:
        await cluster.look()
        benching = asyncio.create_task(bench(cluster, endless_model, BenchLimits()))
        await until(lambda: bool(left(cluster)), "the coordinator of the bench")
    assert not left(cluster)
    with pytest.raises(Problem, match="was stopped"):
        await benching
