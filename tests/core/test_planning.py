"""Plans by the settings of this box; what does not fit is not started; what came of a plan is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.settings import CoordinatorSettings, PlacementSettings
from app.core.backends import Backend
from app.core.chat import Conversation
from app.core.cluster import Places
from app.core.coordinator_status import CoordinatorState
from app.core.placement import Placement
from app.core.placement_history import PlacementHistory
from app.core.plan import Misfit, Plan, PlannedDevice
from app.core.planning import Change, NoPlan, Planning
from app.core.proof import prove, surprises
from app.core.routing import Lack, Target
from app.gguf.cache import CacheType
from app.llama.engine import Engine
from app.rpc.probe import BackendState, Device
from app.text.address import Address
from app.text.problem import Problem
from app.text.units import GIB, MIB
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServerFactory
from tests.support.models import LLAMA_8B, LLAMA_70B, write_llama
from tests.support.rpc_fakes import answers, fake_server, worker
from tests.support.waiting import until

ADDRESSES = tuple(Address(f"10.0.0.{host}", 50052) for host in (1, 2, 3))


def gpu(address: Address, free_gib: int, latency_ms: float = 0.5) -> Backend:
    device = Device(0, total_bytes=(free_gib + 1) * GIB, free_bytes=free_gib * GIB)
    return Backend(address, "state", BackendState.FREE, devices=(device,), latency_ms=latency_ms)


BACKENDS = tuple(
    gpu(address, 24, latency) for address, latency in zip(ADDRESSES, (9.0, 0.2, 0.4), strict=True)
)


def planning(coordinator: CoordinatorSettings | None = None, **placement: object) -> Planning:
    settings = PlacementSettings(**placement)  # type: ignore[arg-type]  # each test names real ones
    return Planning(settings, coordinator or CoordinatorSettings())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "8b.gguf", LLAMA_8B)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return write_llama(tmp_path / "70b.gguf", LLAMA_70B)


async def test_a_small_model_is_on_the_fastest_link_and_a_large_one_on_two(small: Path, large: Path) -> None:
    on_one = await planning().plan(small, BACKENDS)
    on_two = await planning().plan(large, BACKENDS)
    assert isinstance(on_one, Plan)
    assert isinstance(on_two, Plan)
    assert on_one.backends == (ADDRESSES[1],)
    assert on_two.backends == (ADDRESSES[1], ADDRESSES[2])
    assert sum(on_two.tensor_split) == 81
    assert (on_two.context, on_two.k) == (8192, "f16")


async def test_the_settings_may_want_all_of_them_and_a_change_some(small: Path) -> None:
    everywhere = await planning(backends="all").plan(small, BACKENDS)
    assert isinstance(everywhere, Plan)
    assert set(everywhere.backends) == set(ADDRESSES)
    some = await planning(backends="all").plan(small, BACKENDS, Change(only=frozenset(ADDRESSES[:1])))
    assert isinstance(some, Plan)
    assert some.backends == ADDRESSES[:1]


async def test_what_does_not_fit_says_by_how_much(large: Path) -> None:
    misfit = await planning().plan(large, BACKENDS[:1])
    assert isinstance(misfit, Misfit)
    assert misfit.short_by > 10 * GIB
    assert misfit.nearest


async def test_a_context_that_is_left_open_is_the_largest_that_fits(small: Path) -> None:
    backends = (gpu(ADDRESSES[0], 8),)
    open_ended = CoordinatorSettings(context=None)
    plan = await planning(open_ended).plan(small, backends)
    assert isinstance(plan, Plan)
    assert plan.context % 256 == 0
    more = Change(context=plan.context + 256)
    assert isinstance(await planning(open_ended).plan(small, backends, more), Misfit)
    smaller_cache = await planning(open_ended).plan(small, backends, Change(cache=CacheType.Q8_0))
    assert isinstance(smaller_cache, Plan)
    assert smaller_cache.context > plan.context


async def test_whoever_says_by_hand_where_layers_go_gets_no_plan(small: Path) -> None:
    by_hand = CoordinatorSettings(extra_arguments=("-ngl", "3"))
    with pytest.raises(NoPlan, match="has '-ngl'"):
        await planning(by_hand).plan(small, BACKENDS)


async def test_a_header_is_read_again_where_the_file_is_another(tmp_path: Path, small: Path) -> None:
    before = await planning().plan(small, BACKENDS)
    write_llama(small, LLAMA_70B)
    after = await planning().plan(small, BACKENDS)
    assert len(after.rows) > len(before.rows)


async def test_what_does_not_fit_is_not_started(
    engine: Engine, tiny_model: Path, open_cluster: OpenCluster
) -> None:
    with fake_server(worker(answers(memories=((GIB, 2 * GIB),)))) as limited:
        async with open_cluster("mode: distributed", engine=engine, backends=[limited.address]) as cluster:
            await cluster.look()
            route = await cluster.dispatcher.route(str(tiny_model))
            assert (route.target, route.lack) == (None, Lack.MEMORY)
            assert any("of it have no place" in reason for reason in route.reasons)
            with pytest.raises(Problem, match="have no place"):
                await cluster.dispatcher.start(str(tiny_model))
            assert cluster.coordinators.current is None


async def test_a_plan_is_followed_and_what_came_of_it_is_kept(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_cluster: OpenCluster, places: Places
) -> None:
    addresses = [rpc_server(host="127.0.0.2").address, rpc_server(host="127.0.0.3").address]
    lines = (
        "mode: distributed",
        f"model: {tiny_model}",
        "coordinator: {context: 512, threads: 1}",
        "placement: {backends: all}",
    )
    async with open_cluster(*lines, engine=engine, backends=addresses) as cluster:
        await cluster.look()
        route = await cluster.dispatcher.route(str(tiny_model))
        assert route.target is Target.COORDINATOR
        assert route.placement is not None
        seen = await cluster.dispatcher.plan(str(tiny_model), Change(context=1024))
        assert isinstance(seen, Plan)
        status = await cluster.dispatcher.start(str(tiny_model), seen)
        assert (status.state, status.context) == (CoordinatorState.READY, 1024)
        assert not list(surprises(prove(seen, status.placement)))
        assert (await cluster.dispatcher.route(str(tiny_model))).reasons[-1] == "It is running already."
        async for _ in cluster.ask(Conversation(), "a worker"):
            pass
        running = cluster.coordinators.running
        assert running is not None
        log = running.log
        assert log is not None
        await until(lambda: log.is_abreast and any(r.generation_rate for r in log.requests.latest))
    history = PlacementHistory(places.history)
    [left] = history.newest(10)
    async with open_cluster(*lines, engine=engine) as cluster:
        assert await cluster.coordinators.stop()
    [past] = history.newest(10)
    assert past == left, "whoever adopts it comes to the same"
    assert past.speed is not None
    assert past.speed.requests == 1
    assert past.generation_rate is not None
    assert past.generation_rate > 0
    assert (past.model, past.context) == (str(tiny_model), 1024)
    assert [device.backend for device in past.devices] == list(map(str, seen.backends))
    for device in past.devices:
        assert device.actual is not None
        assert device.round_trip_ms is not None
        planned, actual = device.planned, device.actual
        assert actual.layers == planned.layers
        assert actual.weights_bytes == pytest.approx(planned.weights_bytes, rel=0.05)
        assert actual.compute_bytes <= planned.compute_bytes


def row(number: int, layers: int, weights: int) -> PlannedDevice:
    return PlannedDevice(ADDRESSES[number], 0, layers, 0, weights, 0, 10 * MIB, GIB)


def test_a_difference_is_told_beyond_a_tenth() -> None:
    plan = Plan((row(0, 3, 300 * MIB), row(1, 2, 200 * MIB)), 512, "f16", "f16", 0, (), ())
    as_planned = (
        Placement(ADDRESSES[0], "RPC0", 3, 310 * MIB, 0, 10 * MIB),
        Placement(ADDRESSES[1], "RPC1", 2, 200 * MIB, 0, 10 * MIB),
    )
    assert not list(surprises(prove(plan, as_planned)))
    [nothing_there] = surprises(prove(plan, as_planned[:1]))
    assert str(ADDRESSES[1]) in nothing_there
    assert "holds 0 B" in nothing_there
    wasteful = (as_planned[0], Placement(ADDRESSES[1], "RPC1", 2, 200 * MIB, 0, 20 * MIB))
    [compute] = surprises(prove(plan, wasteful))
    assert "a compute buffer of 20.0 MiB" in compute
    assert prove(plan, ())[0].off_by == -1
