"""Several models at once on the real engine: side by side, one in place of another, or refused with why."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from app.core.chat import ChatPart, Conversation
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorState
from app.core.routing import Lack
from app.llama.engine import Engine
from app.text.answer import AnswerBroken, Delta
from app.text.problem import Problem
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServerFactory
from tests.support.waiting import until

SMALL = (
    "mode: distributed",
    "coordinator: {context: 4096, threads: 1, stop_grace_s: 1}",
    "placement: {margin_gib: 0.1}",
)


@pytest.fixture
def other_model(tiny_model: Path, tmp_path: Path) -> Path:
    """Another model of the same kind."""
    return Path(shutil.copy(tiny_model, tmp_path / "other.gguf"))


async def begun(parts: AsyncIterator[ChatPart]) -> None:
    """Wait for the first word of an answer."""
    async for part in parts:
        if isinstance(part, Delta):
            return
    pytest.fail("no word came")


async def answer_of(cluster: Cluster, model: Path) -> str:
    conversation = Conversation()
    conversation.begin("a worker", str(model))
    async for _ in cluster.answer(conversation):
        pass
    return conversation.turns[-1].text


async def test_two_models_side_by_side_are_adopted_and_stopped_one_by_one(
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    other_model: Path,
    open_cluster: OpenCluster,
) -> None:
    addresses = [rpc_server(host="127.0.0.2").address, rpc_server(host="127.0.0.3").address]
    async with open_cluster(*SMALL, engine=engine, backends=addresses) as cluster:
        await cluster.look()
        # Asked for at once, both want the same backend: who comes second is placed anew.
        both = await asyncio.gather(
            cluster.dispatcher.start(str(tiny_model)), cluster.dispatcher.start(str(other_model))
        )
        assert {status.state for status in both} == {CoordinatorState.READY}
        assert {status.backends for status in both} == {(address,) for address in addresses}
        answers = await asyncio.gather(*(answer_of(cluster, m) for m in (tiny_model, other_model)))
        assert all("lends its memory" in answer for answer in answers)
    async with open_cluster(*SMALL, engine=engine, backends=addresses) as cluster:
        adopted = {c.status.model: c.status for c in cluster.coordinators.present}
        assert {s.pid for s in adopted.values()} == {s.pid for s in both}
        assert cluster.backends.held == set(addresses)
        # What backends had before they were held is known from the records of those that hold them.
        third = shutil.copy(tiny_model, other_model.with_name("third.gguf"))
        route = await cluster.dispatcher.route(str(third))
        assert len(route.stops) == 1, route.reasons
        assert any(reason.startswith(f"Stops {route.stops[0]}, which holds 127.") for reason in route.reasons)

        assert await cluster.coordinators.stop(str(tiny_model)) == (str(tiny_model),)
        (left,) = cluster.coordinators.present
        assert left.status.model == str(other_model)
        assert cluster.backends.held == set(left.status.backends)
        assert not psutil.pid_exists(adopted[str(tiny_model)].pid or 0)
        assert "lends its memory" in await answer_of(cluster, other_model)
        assert (await cluster.dispatcher.route(str(third))).stops == ()
        await cluster.coordinators.stop()


async def test_one_that_answers_is_not_stopped_unless_that_is_wanted(
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    other_model: Path,
    endless_model: Path,
    open_cluster: OpenCluster,
) -> None:
    worker = rpc_server()
    endless, tiny = str(endless_model), str(tiny_model)
    async with open_cluster(*SMALL, f"model: {endless}", engine=engine, backends=[worker.address]) as cluster:
        await cluster.look()
        async with aclosing(cluster.ask(Conversation(), "a worker")) as parts:
            await begun(parts)
            route = await cluster.dispatcher.route(tiny)
            assert (route.target, route.lack) == (None, Lack.HELD)
            refused = f"{endless}, which holds {worker.address}, is answering: wait, or stop it with 'stop"
            with pytest.raises(Problem, match=refused):
                await cluster.dispatcher.start(tiny)
            with pytest.raises(Problem, match=refused):
                await answer_of(cluster, tiny_model)
            await begun(parts)
            swapped = await cluster.dispatcher.start(tiny, swap="always")
            assert (swapped.state, swapped.backends) == (CoordinatorState.READY, (worker.address,))
            with pytest.raises(AnswerBroken, match="The coordinator was stopped"):
                async for _ in parts:
                    pass
        assert (await cluster.dispatcher.route(endless)).stops == (tiny,)
        # Two at once, and one backend: the second waits for its turn, or is told who is in its way.
        async with asyncio.timeout(60):
            starts = (cluster.dispatcher.start(endless), cluster.dispatcher.start(str(other_model)))
            came_of_it = await asyncio.gather(*starts, return_exceptions=True)
        assert all(isinstance(each, Problem) for each in came_of_it if isinstance(each, BaseException))
        (left,) = cluster.coordinators.present
        assert left.status.model in (endless, str(other_model))
        await cluster.coordinators.stop()


async def test_two_on_this_box_alone_are_one_too_many(
    engine: Engine, tiny_model: Path, other_model: Path, open_cluster: OpenCluster
) -> None:
    never = (*SMALL[:2], "placement: {swap: never}")
    async with open_cluster(*never, engine=engine) as cluster:
        await cluster.look()
        await cluster.dispatcher.start(str(tiny_model))
        said = "which runs on this box alone, stays, as placement.swap is 'never': stop it with 'stop"
        with pytest.raises(Problem, match=said):
            await cluster.dispatcher.start(str(other_model))
        assert (await cluster.dispatcher.start(str(other_model), swap="idle")).state is CoordinatorState.READY
        (left,) = cluster.coordinators.present
        assert left.status.model == str(other_model)
        await cluster.coordinators.stop()


async def test_each_that_is_asked_nothing_is_stopped_for_itself(
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    endless_model: Path,
    open_cluster: OpenCluster,
) -> None:
    addresses = [rpc_server(host="127.0.0.2").address, rpc_server(host="127.0.0.3").address]
    lines = (
        "mode: distributed",
        "coordinator: {context: 4096, threads: 1, idle_unload_s: 0.3}",
        "placement: {margin_gib: 0.1}",
    )
    async with open_cluster(*lines, f"model: {endless_model}", engine=engine, backends=addresses) as cluster:
        await cluster.look()
        async with aclosing(cluster.ask(Conversation(), "a worker")) as parts:
            await begun(parts)
            await cluster.dispatcher.start(str(tiny_model))
            cluster.watch(lambda error: pytest.fail(repr(error)))
            await until(lambda: cluster.coordinators.of(str(tiny_model)) is None, "the end of the idle one")
            await begun(parts)
        await until(lambda: not cluster.coordinators.present, "the end of the other")
