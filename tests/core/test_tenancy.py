"""Who makes way for a further model, by example: the plans are real, the tenants are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.backends import Backend
from app.core.coordinator_status import CoordinatorChanged, CoordinatorForgotten, CoordinatorState
from app.core.events import Bus, LifecycleLine
from app.core.facts import ModelFacts
from app.core.models import Model, Source
from app.core.plan import Misfit, Plan, PlannedDevice, Taken, Wish
from app.core.planner import plan_placement
from app.core.planning import Planned
from app.core.pool import Node
from app.core.routing import Lack, Policy, Surroundings, Target, decide, decide_start
from app.core.tenancy import Tenant, Way, clear, collide, find_place
from app.core.voice import Voice
from app.gguf.cache import CacheType
from app.rpc.probe import BackendState, Device
from app.text.address import Address
from app.text.units import GIB
from tests.support import planned
from tests.support.console import ready_status

ADDRESSES = tuple(Address(f"10.0.0.{n}", 50052) for n in (1, 2, 3))
GPUS = tuple(
    Backend(a, "state", BackendState.OURS, devices=(Device(0, 25 * GIB, 24 * GIB),), latency_ms=1.0)
    for a in ADDRESSES
)
OLD = Tenant("old", ADDRESSES[:1], {ADDRESSES[0]: 20 * GIB})
NEW = Tenant("new", ADDRESSES[1:2], {ADDRESSES[1]: 20 * GIB})
LOCAL = Tenant("local", (), {})
MODEL = Model("some:latest", Source.STORE, ModelFacts(parameters=405 * 10**9), Path("/models/some.gguf"))


async def place(
    layers: int, tenants: Sequence[Tenant], backends: Sequence[Backend], busy: Mapping[str, str] | None = None
) -> tuple[Planned, Way]:
    """A model with so many layers of 1 GiB; `busy` says what tenants have against it."""

    async def beside(staying: Sequence[Tenant]) -> Planned:
        taken = tuple(taken for tenant in staying for taken in tenant.taken)
        wish = Wish(8192, CacheType.F16, CacheType.F16, taken=taken)
        return plan_placement(planned.Model((GIB,) * layers, cache_per_token=0), wish, backends)

    async def objection(tenant: Tenant) -> str | None:
        return (busy or {}).get(tenant.model)

    return await find_place(tenants, beside, objection)


@pytest.mark.parametrize(
    ("layers", "backends", "used", "stops"),
    [
        (15, GPUS, ADDRESSES[2:], ()),
        (15, GPUS[:2], ADDRESSES[:1], (OLD,)),
        (15, GPUS[1:], ADDRESSES[2:], ()),
        (40, GPUS, (ADDRESSES[0], ADDRESSES[2]), (OLD,)),
        (60, GPUS, ADDRESSES, (OLD, NEW)),
    ],
    ids=["beside", "the newest is spared", "beside on the last", "one makes room for two", "both"],
)
async def test_as_few_as_can_be_make_way(
    layers: int, backends: Sequence[Backend], used: Sequence[Address], stops: Sequence[Tenant]
) -> None:
    placed, way = await place(layers, [OLD, NEW], backends)
    assert isinstance(placed, Plan)
    assert set(placed.backends) == set(used)
    assert way == Way(tuple(stops))
    if stops == (OLD,):
        assert way.reasons == ("Stops old, which holds 10.0.0.1:50052.",)


async def test_who_has_something_against_it_stays_where_another_can_go() -> None:
    placed, way = await place(15, [OLD, NEW], GPUS[:2], {"old": "old is answering."})
    assert isinstance(placed, Plan)
    assert (placed.backends, way.stops) == (ADDRESSES[1:2], (NEW,))
    assert not way.refusals


async def test_who_stands_in_the_way_and_may_not_go_says_why() -> None:
    _, way = await place(60, [OLD, NEW], GPUS, {"old": "old is answering."})
    assert way.refusals == way.reasons == ("old is answering.",)


async def test_nobody_goes_for_what_does_not_fit_anyhow() -> None:
    placed, way = await place(90, [OLD, NEW], GPUS)
    assert isinstance(placed, Misfit)
    assert way == Way()


async def test_a_model_that_needs_all_they_have_asks_each_of_them() -> None:
    async def objection(tenant: Tenant) -> str | None:
        return "old is answering." if tenant is OLD else None

    assert (await clear([LOCAL], objection)).reasons == ("Stops local, which runs on this box alone.",)
    assert (await clear([OLD, NEW], objection)).refusals == ("old is answering.",)


def test_two_that_have_no_backends_have_the_same_box() -> None:
    assert collide((), ())
    assert collide(ADDRESSES[:2], ADDRESSES[1:])
    assert not collide((), ADDRESSES)
    assert not collide(ADDRESSES[:1], ADDRESSES[1:])


def worker(port: int) -> Backend:
    """One of several on a box, each of which claims all of its memory."""
    cpu = Device(0, 32 * GIB, 32 * GIB)
    return Backend(Address("10.0.0.9", port), "state", BackendState.FREE, devices=(cpu,), latency_ms=1.0)


@pytest.mark.parametrize(("held", "free"), [(12 * GIB, 20 * GIB), (None, None)], ids=["known", "unknown"])
def test_what_a_taken_worker_holds_is_missing_on_its_box(held: int | None, free: int | None) -> None:
    first, second = worker(50052), worker(50053)
    wish = Wish(8192, CacheType.F16, CacheType.F16, taken=(Taken(first.address, "old", held),))
    found = plan_placement(planned.Model((GIB,) * 10, cache_per_token=0), wish, (first, second))
    assert [e.reason for e in found.excluded if e.address == first.address] == [
        "The coordinator of old holds it."
    ]
    if free is None:
        assert isinstance(found, Misfit)
    else:
        assert [(row.backend, row.free_before) for row in found.rows] == [(second.address, free)]


def test_what_a_tenant_holds_is_its_placement_or_its_plan() -> None:
    loaded = ready_status()
    tenant = Tenant.of(loaded)
    assert tenant.held[loaded.backends[1]] == 76 * GIB + GIB + GIB + GIB // 2
    assert tenant.here_bytes == sum(placed.held_bytes for placed in loaded.placement)
    row = PlannedDevice(ADDRESSES[0], 0, 9, 0, GIB, GIB, GIB, 24 * GIB)
    plan = Plan((row,), 512, "f16", "f16", GIB // 2, (), ())
    status = replace(loaded, state=CoordinatorState.LOADING, placement=(), backends=ADDRESSES[:1])
    loading = Tenant.of(replace(status, planned=plan))
    assert (loading.held, loading.here_bytes, loading.is_loading) == (
        {ADDRESSES[0]: 3 * GIB},
        GIB // 2,
        True,
    )
    assert Tenant.of(status).taken == (Taken(ADDRESSES[0], loaded.model, None),)


def test_a_route_names_those_that_it_stops() -> None:
    around = Surroundings(True, (), GPUS[:1], way=Way((OLD,)))
    route = decide(MODEL, Policy(), around)
    assert (route.target, route.stops) == (Target.COORDINATOR, ("old",))
    assert route.reasons[-1] == "Stops old, which holds 10.0.0.1:50052."


def test_a_way_that_is_not_free_leads_to_the_pool_or_nowhere() -> None:
    around = Surroundings(True, (), GPUS[:1], way=Way((OLD,), ("old is answering.",)))
    route = decide_start(MODEL, around)
    assert (route.target, route.lack, route.stops) == (None, Lack.HELD, ())
    assert route.reasons[-1] == "old is answering."
    node = Node("http://127.0.0.1:11434", "state", up=True)
    assert decide(MODEL, Policy(), replace(around, nodes=(node,))).target is Target.OLLAMA


def test_each_coordinator_is_heard_apart() -> None:
    bus, company = Bus(), [False]
    voices = [Voice(bus, model, lambda: company[0]) for model in ("old", "new")]
    with bus.subscribe() as mailbox:
        for voice in voices:
            voice.publish(CoordinatorChanged(ready_status()))
        voices[0].say("coordinator", "ready")
        company[0] = True
        voices[0].say("coordinator", "ready")
        voices[0].say("coordinator", "starting old, pid 1")
        voices[0].say("coordinator", "told to stop")
        *changes, alone, named, naming, like_it = mailbox.take()
        assert [getattr(change, "of", None) for change in changes] == ["old", "new"]
        said = [line.text for line in (alone, named, naming, like_it) if isinstance(line, LifecycleLine)]
        assert said == ["ready", "old: ready", "starting old, pid 1", "old: told to stop"]
        voices[0].publish(CoordinatorChanged(ready_status()))
        voices[0].publish(CoordinatorForgotten())
        assert mailbox.take() == [CoordinatorForgotten(of="old")]
