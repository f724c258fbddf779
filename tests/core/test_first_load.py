"""Which loads a person is asked about; and that what was planned is what is loaded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from app.core.backends import LOOKS_COMPARED
from app.core.cluster import Cluster
from app.core.coordinator import Coordinator
from app.core.coordinators import Coordinators
from app.core.facts import ModelFacts
from app.core.first_load import is_of_a_large_model, was_loaded_before
from app.core.placement_history import PastPlacement, PlacementHistory
from app.core.plan import Plan
from app.core.planning import Change
from app.core.routing import Route
from app.gguf.cache import CacheType
from app.text.address import Address
from app.text.problem import Problem
from tests.core.conftest import OpenCluster
from tests.support.console import free
from tests.support.plans import LARGE, loaded_by, plan_large
from tests.support.running import let_run

NEAR, FAR, THIRD = (Address(f"127.0.1.{host}", 50052) for host in (11, 12, 13))
THIRTEEN_B = 13_000_000_000


@pytest.fixture
async def cluster(open_cluster: OpenCluster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cluster]:
    async with open_cluster("distributed_inference: true", "nodes: []") as opened:
        plan_large(opened, monkeypatch)
        for address in (NEAR, FAR, THIRD):
            opened.backends.take(free(address), "sweep")
        yield opened


async def test_a_large_model_that_was_never_loaded_is_asked_about(cluster: Cluster) -> None:
    route = await cluster.dispatcher.route(LARGE.name)
    assert await cluster.dispatcher.is_first_load(route)
    cluster.coordinators.history.add(PastPlacement(datetime.now(UTC), LARGE.name, 512, ()))
    assert not await cluster.dispatcher.is_first_load(route)


async def test_the_setting_turns_it_off(cluster: Cluster) -> None:
    route = await cluster.dispatcher.route(LARGE.name)
    placement = replace(cluster.settings.placement, confirm=False)
    cluster.settings = replace(cluster.settings, placement=placement)
    assert not await cluster.dispatcher.is_first_load(route)


async def test_what_is_small_unknown_or_not_planned_is_not(cluster: Cluster) -> None:
    route = await cluster.dispatcher.route(LARGE.name)
    assert is_of_a_large_model(route, THIRTEEN_B)
    assert not is_of_a_large_model(_sized(route, THIRTEEN_B), THIRTEEN_B)
    assert not is_of_a_large_model(_sized(route, None), THIRTEEN_B)
    assert not is_of_a_large_model(replace(route, placement=None), THIRTEEN_B)


def test_a_history_that_cannot_be_read_remembers_no_load(tmp_path: Path) -> None:
    assert not was_loaded_before(PlacementHistory(tmp_path), LARGE.name)


async def test_the_plan_that_was_seen_is_the_one_that_is_loaded(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = _begun(cluster, monkeypatch)
    seen = await cluster.dispatcher.plan(LARGE.name, Change(context=4096, cache=CacheType.Q8_0))
    assert isinstance(seen, Plan)
    for _ in range(LOOKS_COMPARED):
        cluster.backends.take(free(seen.backends[0], 99.0), "sweep")
    assert await cluster.dispatcher.plan(LARGE.name, Change(context=4096, cache=CacheType.Q8_0)) != seen
    await cluster.dispatcher.start(LARGE.name, seen)
    await cluster.dispatcher.start(LARGE.name)
    assert [route.placement for route in begun] == [seen, await cluster.dispatcher.plan(LARGE.name)]
    assert begun[0].backends == seen.backends


async def test_a_plan_is_not_loaded_on_this_box_alone(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = _begun(cluster, monkeypatch)
    seen = await cluster.dispatcher.plan(LARGE.name)
    assert isinstance(seen, Plan)
    await cluster.choices.set_distributed(on=False)
    with pytest.raises(Problem, match="Distribution is off"):
        await cluster.dispatcher.start(LARGE.name, seen)
    assert not begun


async def test_the_one_that_runs_by_another_plan_makes_way(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, stopped = _begun(cluster, monkeypatch), list[str]()

    async def stop(_coordinators: Coordinators, *models: str) -> tuple[str, ...]:
        stopped.extend(models)
        return models

    plan = await cluster.dispatcher.plan(LARGE.name)
    let_run(monkeypatch, loaded_by(plan))
    monkeypatch.setattr(Coordinators, "stop", stop)
    await cluster.dispatcher.start(LARGE.name)
    assert not stopped
    other = await cluster.dispatcher.plan(LARGE.name, Change(context=4096))
    assert isinstance(other, Plan)
    await cluster.dispatcher.start(LARGE.name, other)
    assert stopped == [LARGE.name]
    assert [route.placement for route in begun] == [None, other]


def _begun(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[Route]:
    """The routes by which coordinators are started, though none is."""
    routes = list[Route]()

    async def begin(route: Route, _swap: object) -> Coordinator:
        routes.append(route)
        return cast("Coordinator", SimpleNamespace(status=None))

    monkeypatch.setattr(cluster.dispatcher, "coordinator_for", begin)
    return routes


def _sized(route: Route, parameters: int | None) -> Route:
    return replace(route, model=replace(route.model, facts=ModelFacts(parameters=parameters)))
