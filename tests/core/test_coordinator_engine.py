"""Coordinators on the real engine: started, placed, streamed from, broken, swapped and stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from app.config.sampling import SamplingSettings
from app.core.backends import Backend
from app.core.chat import Answered, ChatPart, Conversation, Routed
from app.core.cluster import Cluster, Places
from app.core.coordinator_status import CoordinatorFailed, CoordinatorState
from app.core.events import LifecycleLine, Severity
from app.llama.engine import Engine
from app.rpc.probe import BackendState
from app.text.address import Address
from app.text.answer import AnswerBroken, Delta, Finish, Stage
from app.text.problem import Problem
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServer, RpcServerFactory
from tests.support.waiting import until

SMALL = (
    "mode: distributed",
    "coordinator: {context: 512, threads: 1}",
    "placement: {backends: all}",
)


def kill_and_see_it_end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def to_the_end(parts: AsyncIterator[ChatPart]) -> None:
    async for _ in parts:
        pass


def pause_after_the_check(cluster: Cluster, worker: RpcServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker fall silent between the check and the start, so that the load never ends."""
    check = cluster.backends.check

    async def then_pause(addresses: Iterable[Address]) -> tuple[Backend, ...]:
        seen = await check(addresses)
        worker.pause()
        return seen

    monkeypatch.setattr(cluster.backends, "check", then_pause)


async def test_from_a_prompt_to_a_streamed_answer_over_two_backends(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_cluster: OpenCluster
) -> None:
    workers = [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]
    addresses = tuple(w.address for w in workers)
    async with open_cluster(*SMALL, f"model: {tiny_model}", engine=engine, backends=addresses) as cluster:
        with cluster.bus.subscribe() as mailbox:
            await cluster.look()
            conversation = Conversation()
            parts = [part async for part in cluster.ask(conversation, "a worker")]
            lines = [str(e) for e in mailbox.take() if isinstance(e, LifecycleLine)]
        assert isinstance(parts[0], Routed)
        assert sorted(parts[0].route.backends) == sorted(addresses)
        assert isinstance(parts[-1], Answered)
        assert parts[-1].measured.ttft_s is not None
        assert conversation.turns[0].text.strip()
        assert conversation.turns[0].ending == ""

        running = cluster.coordinators.running
        assert running is not None
        placement = {p.backend: p for p in running.status.placement}
        layers = 0
        for address in addresses:
            assert placement[address].model_bytes > 0
            layers += placement[address].layers or 0
            known = cluster.backends.get(address)
            assert known is not None
            assert known.state is BackendState.OURS
        assert layers == 5, "four layers and the output"
        assert any("coordinator ready in" in line and "(2 backends)" in line for line in lines)

        pid = running.status.pid
        assert await cluster.coordinators.stop()
        assert running.status.state is CoordinatorState.STOPPED
        assert pid is not None
        assert not psutil.pid_exists(pid)
    assert all(worker.alive for worker in workers)


async def test_a_backend_that_received_nothing_is_in_error_until_it_is_let_go(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_cluster: OpenCluster
) -> None:
    workers = [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]
    by_hand = 'coordinator: {context: 512, threads: 1, extra_arguments: ["-ts", "1,0"]}'
    everywhere = (SMALL[0], by_hand, SMALL[2])
    async with open_cluster(*everywhere, engine=engine, backends=[w.address for w in workers]) as cluster:
        await cluster.look()
        with cluster.bus.subscribe() as mailbox:
            status = await cluster.dispatcher.start(str(tiny_model))
            used, left = status.backends
            await until(lambda: state_of(cluster, left) is BackendState.UNUSED)
            told = [e for e in mailbox.take() if isinstance(e, LifecycleLine)]
        assert state_of(cluster, used) is BackendState.OURS
        [line] = [line for line in told if line.source == str(left) and "received nothing" in line.text]
        assert line.severity is Severity.ERROR
        await cluster.backends.check([left])
        assert state_of(cluster, left) is BackendState.UNUSED, "still held, so never probed"
        async with open_cluster(*everywhere, engine=engine) as other:
            assert state_of(other, left) is BackendState.UNUSED, "adopted"
        await cluster.coordinators.stop()
        await cluster.look()
        assert state_of(cluster, left) is BackendState.FREE


def state_of(cluster: Cluster, address: Address) -> BackendState | None:
    known = cluster.backends.get(address)
    return known.state if known is not None else None


async def test_a_cancelled_answer_frees_the_slot_and_stays_as_far_as_it_came(
    engine: Engine, endless_model: Path, open_cluster: OpenCluster
) -> None:
    async with open_cluster(*SMALL, f"model: {endless_model}", engine=engine) as cluster:
        await cluster.look()
        conversation = Conversation()
        async with aclosing(cluster.ask(conversation, "a worker")) as parts:
            async for part in parts:
                if isinstance(part, Delta):
                    break
        assert conversation.turns[0].text
        assert conversation.turns[0].ending == "cancelled"
        async with asyncio.timeout(30), aclosing(cluster.ask(conversation, "a worker")) as parts:
            async for part in parts:
                if isinstance(part, Delta):
                    break
        await cluster.coordinators.stop()


async def test_options_reach_the_engine_and_a_cut_answer_goes_on(
    engine: Engine, endless_model: Path, open_cluster: OpenCluster
) -> None:
    async with open_cluster(*SMALL, f"model: {endless_model}", engine=engine) as cluster:
        await cluster.look()
        conversation = Conversation(options=SamplingSettings(num_predict=5, seed=7))
        await to_the_end(cluster.ask(conversation, "a worker"))
        turn = conversation.turns[0]
        beginning, measured = turn.text, turn.measured
        assert turn.finish is Finish.LENGTH
        assert measured is not None
        assert (measured.tokens, measured.context) == (5, 512)
        assert measured.prompt_tokens is not None
        assert measured.context_used is not None
        assert measured.context_used >= measured.prompt_tokens + 5
        await to_the_end(cluster.answer(conversation))
        assert len(conversation.turns) == 1
        assert turn.text.startswith(beginning)
        assert len(turn.text) > len(beginning)
        await cluster.coordinators.stop()


async def test_another_model_takes_the_place_of_the_first(
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    endless_model: Path,
    open_cluster: OpenCluster,
) -> None:
    worker = rpc_server()
    async with open_cluster(*SMALL, engine=engine, backends=[worker.address]) as cluster:
        await cluster.look()
        first = await cluster.dispatcher.start(str(tiny_model))
        second = await cluster.dispatcher.start(str(endless_model))
        assert (first.state, second.state) == (CoordinatorState.READY, CoordinatorState.READY)
        assert second.backends == (worker.address,)
        assert first.pid is not None
        assert not psutil.pid_exists(first.pid)
        assert await cluster.coordinators.stop()
        assert not await cluster.coordinators.stop()
    assert worker.alive


async def test_a_backend_that_has_gone_since_is_told_before_anything_is_started(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_cluster: OpenCluster
) -> None:
    stays, goes = rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")
    addresses = (stays.address, goes.address)
    async with open_cluster(*SMALL, engine=engine, backends=addresses) as cluster:
        await cluster.look()
        goes.kill()
        with pytest.raises(CoordinatorFailed, match=f"Backend {goes.address} is refused") as failed:
            await cluster.dispatcher.start(str(tiny_model))
        assert failed.value.failure.suspect == goes.address
        assert "rpc remove" in failed.value.remedy
    assert stays.alive


async def test_a_worker_that_falls_silent_after_the_check_does_not_hang_us(
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    open_cluster: OpenCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = rpc_server()
    lines = ("mode: distributed", "coordinator: {threads: 1, start_deadline_s: 1, stop_grace_s: 1}")
    async with open_cluster(*lines, engine=engine, backends=[worker.address]) as cluster:
        await cluster.look()
        pause_after_the_check(cluster, worker, monkeypatch)
        with pytest.raises(CoordinatorFailed, match="was silent for") as failed:
            await cluster.dispatcher.start(str(tiny_model))
        assert failed.value.failure.suspect == worker.address
        assert cluster.coordinators.running is None


async def test_a_worker_that_dies_in_the_middle_of_an_answer_is_named(
    engine: Engine, rpc_server: RpcServerFactory, endless_model: Path, open_cluster: OpenCluster
) -> None:
    survivor, worker = rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")
    addresses = (survivor.address, worker.address)
    async with open_cluster(*SMALL, f"model: {endless_model}", engine=engine, backends=addresses) as cluster:
        conversation = Conversation()
        parts = cluster.ask(conversation, "a worker")
        async for part in parts:
            if isinstance(part, Delta):
                break
        worker.kill()
        with pytest.raises(AnswerBroken) as broken:
            await to_the_end(parts)
        assert broken.value.stage is Stage.DURING
        assert conversation.turns[0].ending == str(broken.value)
        current = cluster.coordinators.current
        assert current is not None
        assert current.status.state is CoordinatorState.FAILED
        assert current.status.failure is not None
        assert current.status.failure.suspect == worker.address
        assert str(worker.address) in current.status.failure.cause
        assert cluster.backends.held == frozenset()


async def test_a_file_that_is_no_model_is_refused_before_anything_is_started(
    engine: Engine, tmp_path: Path, open_cluster: OpenCluster
) -> None:
    path = tmp_path / "text.gguf"
    path.write_text("hello")
    async with open_cluster(*SMALL, f"model: {path}", engine=engine) as cluster:
        with pytest.raises(Problem, match="not a GGUF"):
            await to_the_end(cluster.ask(Conversation(), "a worker"))
        assert cluster.coordinators.current is None


async def test_a_load_that_is_stopped_is_no_failure(
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    open_cluster: OpenCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = rpc_server()
    async with open_cluster(*SMALL, engine=engine, backends=[worker.address]) as cluster:
        await cluster.look()
        pause_after_the_check(cluster, worker, monkeypatch)
        with cluster.bus.subscribe() as mailbox:
            start = asyncio.create_task(cluster.dispatcher.start(str(tiny_model)))
            async for events in mailbox.batches(at_most_hz=1000):
                if any(isinstance(e, LifecycleLine) and e.text.startswith("starting") for e in events):
                    break
            assert await cluster.coordinators.stop()
            with pytest.raises(CoordinatorFailed, match="was stopped"):
                await start
        current = cluster.coordinators.current
        assert current is not None
        assert current.status.state is CoordinatorState.STOPPED
        assert current.status.failure is None


async def test_one_that_dies_while_it_is_stopped_leaves_no_record(
    engine: Engine, tiny_model: Path, open_cluster: OpenCluster, places: Places
) -> None:
    async with open_cluster(*SMALL, engine=engine) as cluster:
        await cluster.look()
        pid = (await cluster.dispatcher.start(str(tiny_model))).pid
    assert pid is not None
    records = places.state / "coordinators"
    assert list(records.glob("*.json"))
    async with open_cluster(*SMALL, engine=engine) as cluster:
        # Nothing is awaited between adoption, death and stop: the stop has nothing to wait for.
        kill_and_see_it_end(pid)
        await cluster.coordinators.stop()
        assert cluster.coordinators.running is None
    assert not list(records.glob("*.json"))


async def test_one_that_is_asked_nothing_is_stopped_after_a_while(
    engine: Engine, tiny_model: Path, open_cluster: OpenCluster
) -> None:
    lines = (
        *SMALL[:1],
        "coordinator: {context: 512, threads: 1, idle_unload_s: 0.5}",
        f"model: {tiny_model}",
    )
    async with open_cluster(*lines, engine=engine) as cluster:
        await cluster.look()
        await to_the_end(cluster.ask(Conversation(), "a worker"))
        running = cluster.coordinators.running
        assert running is not None
        cluster.watch(lambda error: pytest.fail(repr(error)))
        await until(lambda: running.status.state is CoordinatorState.STOPPED, "the end of the idle one")
        assert any("was asked nothing for" in line.text for line in cluster.bus.told)


async def test_one_that_answers_is_not_idle(
    engine: Engine, endless_model: Path, open_cluster: OpenCluster
) -> None:
    lines = (*SMALL[:1], "coordinator: {context: 4096, threads: 1, idle_unload_s: 0.2}")
    async with open_cluster(*lines, f"model: {endless_model}", engine=engine) as cluster:
        await cluster.look()
        cluster.watch(lambda error: pytest.fail(repr(error)))
        began = time.monotonic()
        async with aclosing(cluster.ask(Conversation(), "a worker")) as parts:
            async for part in parts:
                if isinstance(part, Delta) and time.monotonic() - began > 1.5:
                    break
        running = cluster.coordinators.running
        assert running is not None
        await until(lambda: not running.running, "the end of the idle one")
