"""A model that is larger than its worker: refused by the plan; and what becomes of it where it is forced."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.coordinator_status import CoordinatorFailed
from app.core.plan import Misfit, Plan
from app.core.planning import Change
from app.llama.engine import Engine
from app.text.problem import Problem
from app.text.units import MIB
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServerFactory


async def test_it_is_refused_and_the_failure_of_a_forced_start_is_one_sentence(
    engine: Engine, rpc_server: RpcServerFactory, endless_model: Path, open_cluster: OpenCluster
) -> None:
    worker = rpc_server()
    # A CPU worker tells what its box has, not what the system lets it have: the margin stands for that here.
    lines = (
        "mode: distributed",
        f"model: {endless_model}",
        "coordinator: {context: 512, threads: 1}",
        "placement: {margin_gib: 1024}",
    )
    async with open_cluster(*lines, engine=engine, backends=[worker.address]) as cluster:
        await cluster.look()
        worker.limit_memory(8 * MIB)
        name = str(endless_model)
        assert isinstance(await cluster.dispatcher.plan(name), Misfit)
        with pytest.raises(Problem, match="does not fit") as refused:
            await cluster.dispatcher.start(name)
        assert "--anyway" in refused.value.remedy
        assert cluster.coordinators.current is None, "nothing was started"
        plan = await cluster.dispatcher.plan(name, Change(anyway=True))
        assert isinstance(plan, Plan)
        assert plan.short_by > 0
        assert worker.alive
        with pytest.raises(CoordinatorFailed) as failed:
            await cluster.dispatcher.start(name, plan)
    failure = failed.value.failure
    assert str(worker.address) in failure.cause
    assert failure.cause.endswith(".")
    assert "\n" not in failure.cause
    assert failure.remedy
    assert failure.evidence
    assert failure.suspect == worker.address
