"""How far a load is: on the real engine, and what may be said of what is left."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from app.box.sockets import Traffic
from app.cli.forms import load_form
from app.cli.status import look_at_load
from app.core import bottleneck, loading
from app.core.bottleneck import Bottleneck, LoadReading
from app.core.cluster import Cluster
from app.core.events import Bus
from app.core.loading import EARNED_S, Loading, LoadPhase, LoadProgress, LoadShare
from app.core.plan import Plan, PlannedDevice
from app.llama.engine import Engine
from app.llama.log import LogLine, parse_line
from app.llama.log_facts import Initializing, TensorsLoading, WarmingUp
from app.llama.log_reader import read_fact
from app.text.address import Address
from app.text.units import MIB
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServerFactory
from tests.support.relay import relay
from tests.support.waiting import until

BACKEND = Address("127.0.0.2", 50052)
NO_LINE = LogLine(None, None, "")
TOLD = f"load_tensors: RPC0[{BACKEND}] model buffer size =     2.00 MiB"
PLAN = Plan((PlannedDevice(BACKEND, 0, 2, 0, 4000, 0, 0, 9999),), 512, "f16", "f16", 0, (), ())


async def test_a_real_load_tells_what_each_backend_was_sent(
    engine: Engine,
    rpc_server: RpcServerFactory,
    endless_model: Path,
    open_cluster: OpenCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "LOOK_S", 0.002)
    workers = [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]
    addresses = tuple(worker.address for worker in workers)
    seen: list[LoadProgress] = []
    async with open_cluster("mode: distributed", engine=engine, backends=addresses) as cluster:
        publish = cluster.bus.publish
        monkeypatch.setattr(
            cluster.bus,
            "publish",
            lambda event: seen.append(event) if isinstance(event, LoadProgress) else publish(event),
        )
        await cluster.look()
        await cluster.dispatcher.start(str(endless_model))
        await cluster.coordinators.stop()
    assert [p.elapsed_s for p in seen] == sorted(p.elapsed_s for p in seen)
    assert all(p.left_s is None for p in seen), "nothing was earned so soon"
    told = [p for p in seen if p.shares]
    assert told, "the load was too fast to be seen"
    assert {share.backend for share in told[-1].shares} <= set(addresses)
    assert all(0 <= share.sent <= share.whole for p in told for share in p.shares)


async def test_a_load_that_is_held_up_says_where_and_to_whom_else_it_may_concern(
    engine: Engine,
    rpc_server: RpcServerFactory,
    endless_model: Path,
    open_cluster: OpenCluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "LOOK_S", 0.05)
    monkeypatch.setattr(bottleneck, "JUDGED_S", 0.3)
    worker = rpc_server(host="127.0.0.2")
    async with relay(worker.address, "127.0.0.3", only_bytes=MIB) as way:

        def opened() -> AbstractAsyncContextManager[Cluster]:
            return open_cluster("mode: distributed", engine=engine, backends=(way.address,))

        async with opened() as cluster:
            await cluster.look()
            starting = asyncio.create_task(cluster.dispatcher.start(str(endless_model)))
            await until(lambda: load_of(cluster).bottleneck is Bottleneck.WORKER)
            [share] = load_of(cluster).shares
            assert share.backend == way.address
            assert MIB < share.sent < share.whole
            assert share.rate is not None
            async with opened() as other:
                await look_at_load(other)
                await until(lambda: load_of(other).rate is not None)
                assert load_of(other).sent > MIB, "what was sent before somebody looked counts too"
                told = load_form(load_of(other))
                assert told["backends"][0]["planned_bytes"] == share.whole
            way.opened.set()
            await starting
            running = cluster.coordinators.running
            assert running is not None
            assert running.load is None
            await cluster.coordinators.stop()


def load_of(cluster: Cluster) -> LoadProgress:
    running = cluster.coordinators.running
    return (running and running.load) or LoadProgress(LoadPhase.CONNECTING, 0.0)


def looked(at_s: float, acknowledged: int) -> LoadReading:
    return LoadReading(at_s, {BACKEND: Traffic(acknowledged)}, None)


def test_rates_are_of_the_last_looks_and_shares_of_the_plan_until_the_log_tells() -> None:
    load = Loading(Bus(), 1, (BACKEND,), plan=PLAN)
    assert load.look(looked(load._began + 1.2, 400)).shares == (), "the log has not told of it yet"
    load.take(NO_LINE, Initializing())
    load.take(LogLine(1.0, None, ""), TensorsLoading())
    began = load.look(looked(load._began + 1.5, 500))
    assert began.shares == (LoadShare(BACKEND, 500, 4000, None),)
    assert load.look(looked(load._began + 3.5, 2500)).shares == (LoadShare(BACKEND, 2500, 4000, 1000.0),)
    sized = parse_line(TOLD)
    fact = read_fact(sized)
    assert fact is not None
    load.take(sized, fact)
    assert load.look(looked(load._began + 5.5, 2500)).shares == (LoadShare(BACKEND, 2500, 2 * MIB, 500.0),)


def test_what_an_earlier_pass_sent_does_not_count_and_a_lost_connection_has_no_rate() -> None:
    load = Loading(Bus(), 1, (BACKEND,), plan=PLAN)
    load.take(NO_LINE, Initializing())
    load.look(looked(load._began + 1.0, 900))
    load.take(LogLine(2.0, None, ""), TensorsLoading())
    assert load.look(looked(load._began + 2.5, 1000)).sent == 100
    [share] = load.look(looked(load._began + 3.5, 40)).shares
    assert (share.sent, share.rate) == (0, None)
    assert load.look(LoadReading(load._began + 4.5, None, None)).shares == ()


def test_phases_follow_the_log() -> None:
    bus = Bus()
    load = Loading(bus, 1, ())
    phases = [load.look(looked(1.0, 0)).phase]
    for fact in (Initializing(), WarmingUp()):
        load.take(NO_LINE, fact)
        phases.append(load.look(looked(2.0, 0)).phase)
    assert phases == list(LoadPhase)


@pytest.mark.parametrize(
    ("share", "elapsed_s", "left_s"),
    [(None, 60, None), (0.5, EARNED_S - 1, None), (0.05, 60, None), (0.25, 20, 60), (1.0, 20, 0)],
)
def test_what_is_left_is_told_only_when_it_is_earned(
    share: float | None, elapsed_s: float, left_s: float | None
) -> None:
    assert loading._left(share, elapsed_s) == left_s


def test_the_whole_share_is_over_all_backends() -> None:
    shares = (LoadShare(BACKEND, 10, 40), LoadShare(Address("127.0.0.3", 50052), 20, 20))
    assert LoadProgress(LoadPhase.LOADING, 1.0, shares).share == 0.5
    assert LoadProgress(LoadPhase.LOADING, 1.0).share is None


def test_the_whole_rate_is_of_the_known_ones() -> None:
    shares = (LoadShare(BACKEND, 0, 1, 3.0), LoadShare(BACKEND, 0, 1, 4.0), LoadShare(BACKEND, 0, 1))
    assert LoadProgress(LoadPhase.LOADING, 1.0, shares).rate == 7.0
    assert LoadProgress(LoadPhase.LOADING, 1.0, shares[2:]).rate is None
