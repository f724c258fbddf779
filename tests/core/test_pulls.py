"""Pulls on their way: how far they are, how many at once, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from app.core.events import Bus, LifecycleLine
from app.core.pool import Pool
from app.core.pulls import AT_MOST, AT_ONCE, Meter, Pull, PullEnded, Pulls, PullSeen, PullStopped
from app.ollama.client import OllamaLimits, PullStep
from app.text.problem import Problem
from tests.support.ollama.faults import Ending
from tests.support.ollama.models import FakeModel
from tests.support.ollama_server import OllamaStandIn
from tests.support.waiting import until

NEW = FakeModel("new:8b", size=4_000_000_485)
OTHERS = [FakeModel(f"m{n}:latest") for n in range(AT_MOST)]


@pytest.fixture
async def node() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn(registry=[NEW, *OTHERS]) as node:
        yield node


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def pool(node: OllamaStandIn, bus: Bus) -> AsyncIterator[Pool]:
    pool = Pool(bus, OllamaLimits(idle_s=5))
    pool.add(node.url, "state")
    yield pool
    await pool.close()


@pytest.fixture
def pulls(bus: Bus, pool: Pool) -> Pulls:
    return Pulls(bus, pool)


async def test_a_pull_is_told_and_ends_with_the_model(
    node: OllamaStandIn, bus: Bus, pool: Pool, pulls: Pulls
) -> None:
    node.pulling.shut(after=4)
    with bus.subscribe() as mailbox:
        pulling = asyncio.create_task(pulls.pull(node.url, "new:8b"))
        await until(lambda: any(pull.completed for pull in pulls.now))
        await until(lambda: pulls.now[0].completed == 2 * 10**9)
        [seen] = [event for event in mailbox.take() if isinstance(event, PullSeen)]
        assert seen.pull == pulls.now[0]
        assert (seen.pull.total, seen.pull.share) == (4 * 10**9, 0.5)
        assert seen.pull.status == f"pulling {NEW.sha256[:12]}"
        node.pulling.open()
        await pulling
        events = mailbox.take()
    assert PullEnded(node.url, "new:8b") in events
    assert any("pulled new:8b in" in event.text for event in events if isinstance(event, LifecycleLine))
    assert pulls.now == ()
    known = pool.get(node.url)
    assert known is not None
    assert known.has_loaded("new:8b") is False
    assert [model.name for model in known.models] == ["new:8b"]


async def test_only_some_at_once_and_so_many_at_most(node: OllamaStandIn, pulls: Pulls) -> None:
    node.pulling.shut(after=1)
    pulling = [asyncio.create_task(pulls.pull(node.url, model.name)) for model in OTHERS]
    await until(lambda: [p.status for p in pulls.now].count("pulling manifest") == AT_ONCE)
    assert [p.status for p in pulls.now].count("waiting") == AT_MOST - AT_ONCE
    with pytest.raises(Problem, match="pulls are under way or wait"):
        await pulls.pull(node.url, "new:8b")
    node.pulling.open()
    await asyncio.gather(*pulling)
    assert len(node.models) == AT_MOST


async def test_one_model_is_pulled_once(node: OllamaStandIn, pulls: Pulls) -> None:
    node.pulling.shut()
    pulling = asyncio.create_task(pulls.pull(node.url, "new:8b"))
    await until(lambda: len(node.requests) == 1)
    with pytest.raises(Problem, match=r"on its way to .* already"):
        await pulls.pull(node.url, "new:8b")
    node.pulling.open()
    await pulling


@pytest.mark.parametrize("waiting", [False, True])
async def test_a_pull_that_is_stopped(node: OllamaStandIn, pulls: Pulls, waiting: bool) -> None:
    node.pulling.shut(after=1)
    before = [asyncio.create_task(pulls.pull(node.url, m.name)) for m in OTHERS[: AT_ONCE * waiting]]
    pulling = asyncio.create_task(pulls.pull(node.url, "new:8b"))
    await until(lambda: node.answering == (AT_ONCE if waiting else 1))
    pulls.stop(node.url, "new:8b")
    with pytest.raises(PullStopped, match=r"stopped\. What has arrived stays"):
        await pulling
    await until(lambda: node.answering == AT_ONCE * waiting)
    with pytest.raises(Problem, match="is not on its way"):
        pulls.stop(node.url, "new:8b")
    node.pulling.open()
    await asyncio.gather(*before)
    await pulls.pull(node.url, "new:8b")
    assert NEW.name in node.models


async def test_whoever_waits_for_a_pull_and_is_cancelled_stops_it(node: OllamaStandIn, pulls: Pulls) -> None:
    node.pulling.shut(after=1)
    pulling = asyncio.create_task(pulls.pull(node.url, "new:8b"))
    await until(lambda: node.answering == 1)
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)
    assert pulls.now == ()
    await until(lambda: node.answering == 0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "pull new:8b"]


async def test_a_pull_that_fails_is_remembered(node: OllamaStandIn, pool: Pool, pulls: Pulls) -> None:
    node.faults.pull_ending, node.faults.pull_ending_after = Ending.ERROR, 3
    with pytest.raises(Problem, match=r"The disk of .* is full"):
        await pulls.pull(node.url, "new:8b")
    assert pulls.now == ()
    known = pool.get(node.url)
    assert known is not None
    assert known.last_error == f"The disk of {node.url} is full."
    assert known.last_error_at is not None


async def test_a_node_that_is_forgotten_ends_its_pulls(node: OllamaStandIn, pool: Pool, pulls: Pulls) -> None:
    node.pulling.shut(after=1)
    pulling = asyncio.create_task(pulls.pull(node.url, "new:8b"))
    await until(lambda: node.answering == 1)
    await pool.forget(node.url)
    with pytest.raises(Problem, match="broke the connection"):
        await pulling
    assert pulls.now == ()


def test_the_rate_is_of_what_comes_now() -> None:
    meter, pull = Meter(count(0.0, 1.0).__next__), Pull("u", "m")
    for completed in (500, 600, 700):
        pull = meter.take(pull, PullStep("pulling a", "a", 1000, completed))
    assert (pull.rate, pull.completed, pull.left_s) == (100.0, 700, 3.0)
    pull = meter.take(pull, PullStep("pulling b", "b", 1000, 1000))
    assert (pull.completed, pull.total) == (1700, 2000)
    assert pull.rate is not None
    assert pull.rate < 100, "a layer that is there already has not come now"


def test_nothing_is_known_at_first() -> None:
    pull = Pull("u", "m")
    assert (pull.share, pull.left_s, pull.rate) == (None, None, None)
    pull = Meter(count(0.0).__next__).take(pull, PullStep("pulling manifest"))
    assert (pull.share, pull.rate) == (None, None)
