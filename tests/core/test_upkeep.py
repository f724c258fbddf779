"""Loading, unloading and deleting models: on which node, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.core.events import Bus
from app.core.pool import Pool
from app.core.pulls import Pulls
from app.core.upkeep import Upkeep
from app.ollama.client import OllamaLimits
from app.text.problem import Problem
from tests.support.ollama.examples import EMBEDDER
from tests.support.ollama.models import FakeModel
from tests.support.ollama_server import OllamaStandIn


@pytest.fixture
async def nodes() -> AsyncIterator[list[OllamaStandIn]]:
    new = [FakeModel("new:latest")]
    first = OllamaStandIn([FakeModel("both:latest"), EMBEDDER], registry=new)
    async with (
        first,
        OllamaStandIn([FakeModel("both:latest"), FakeModel("one:latest")], registry=new) as second,
    ):
        yield [first, second]


@pytest.fixture
async def pool(nodes: list[OllamaStandIn]) -> AsyncIterator[Pool]:
    pool = Pool(Bus(), OllamaLimits())
    for node in nodes:
        pool.add(node.url, "state")
    await pool.refresh()
    yield pool
    await pool.close()


@pytest.fixture
def upkeep(pool: Pool) -> Upkeep:
    bus = Bus()
    return Upkeep(bus, pool, Pulls(bus, pool))


async def test_a_model_is_loaded_where_a_prompt_would_go(
    upkeep: Upkeep, pool: Pool, nodes: list[OllamaStandIn]
) -> None:
    assert await upkeep.load("both") == nodes[0].url
    assert await upkeep.load("both", nodes[1].url, keep_alive=-1) == nodes[1].url
    assert await upkeep.load("one") == nodes[1].url
    assert await upkeep.load("embedder") == nodes[0].url
    assert [node.has_loaded("both") for node in pool.nodes] == [True, True]
    assert [node.loaded for node in nodes] == [["both:latest", EMBEDDER.name], ["both:latest", "one:latest"]]


async def test_where_several_could_be_meant_it_asks(upkeep: Upkeep, nodes: list[OllamaStandIn]) -> None:
    await upkeep.load("both", nodes[0].url)
    assert await upkeep.unload("both") == nodes[0].url
    for node in nodes:
        await upkeep.load("both", node.url)
    for deed in (upkeep.unload, upkeep.delete):
        with pytest.raises(
            Problem, match=f"More than one node has .* on which: {nodes[0].url}, {nodes[1].url}"
        ):
            await deed("both")
    with pytest.raises(Problem, match="More than one node is up"):
        await upkeep.pull("new")
    assert await upkeep.unload("both", nodes[1].url) == nodes[1].url
    assert await upkeep.delete("one") == nodes[1].url
    assert "one:latest" not in nodes[1].models


async def test_where_none_can_be_meant_it_says_so(upkeep: Upkeep) -> None:
    with pytest.raises(Problem, match="No node that is up has none"):
        await upkeep.load("none")
    with pytest.raises(Problem, match="No node has both loaded"):
        await upkeep.unload("both")
    with pytest.raises(Problem, match="No node has none"):
        await upkeep.delete("none")
    with pytest.raises(Problem, match="No node http://other:1 is known"):
        await upkeep.load("both", "http://other:1")


async def test_a_pull_takes_the_only_node_that_is_up(
    upkeep: Upkeep, pool: Pool, nodes: list[OllamaStandIn]
) -> None:
    await nodes[0].go_down()
    await pool.refresh()
    assert await upkeep.pull("new") == nodes[1].url
    assert "new:latest" in nodes[1].models
    await nodes[1].go_down()
    await pool.refresh()
    with pytest.raises(Problem, match="No node is up"):
        await upkeep.pull("new")
    with pytest.raises(Problem, match="is no model name"):
        await upkeep.pull("a b")


async def test_histories_and_the_last_error(pool: Pool, nodes: list[OllamaStandIn]) -> None:
    await nodes[0].go_down()
    await pool.refresh()
    await nodes[0].come_up()
    await pool.refresh()
    known = pool.get(nodes[0].url)
    assert known is not None
    assert [latency is None for latency in known.latencies_ms] == [False, True, False]
    assert (known.up, known.detail) == (True, "")
    assert known.last_error == f"Nothing listens at {nodes[0].url}."
