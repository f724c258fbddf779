from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from app.core.chat import Conversation, Routed
from app.core.cluster import Cluster
from app.core.events import Bus
from app.core.pool import Pool
from app.core.routing import Target
from app.demo.store import add_to_store
from app.llama.engine import Engine
from app.ollama.client import OllamaLimits
from app.ollama.names import parse_name
from app.text.answer import AnswerBroken, Delta, Stage
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServerFactory
from tests.support.models import LLAMA_405B, write_llama
from tests.support.ollama.faults import Ending
from tests.support.ollama.models import FakeModel
from tests.support.ollama_server import OllamaStandIn
from tests.support.waiting import until

IMPATIENT = OllamaLimits(connect_s=1, reply_s=1, loaded_s=1, first_part_s=5, idle_s=5)
DISTRIBUTED = "mode: distributed"


@pytest.fixture
async def nodes() -> AsyncIterator[list[OllamaStandIn]]:
    first = OllamaStandIn([FakeModel("m:latest", answer="From the first.")])
    second = OllamaStandIn([FakeModel("M:latest", answer="From the second."), FakeModel("other:latest")])
    async with first, second:
        yield [first, second]


@pytest.fixture
async def pool(nodes: list[OllamaStandIn]) -> AsyncIterator[Pool]:
    made = Pool(Bus(), IMPATIENT)
    for node in nodes:
        made.add(node.url, "state")
    await made.refresh()
    yield made
    await made.close()


def urls(pool: Pool, model: str) -> list[str]:
    return [node.url for node in pool.candidates(model)]


async def answer(cluster: Cluster) -> str:
    parts = [part async for part in cluster.ask(Conversation(), "hello")]
    return "".join(part.text for part in parts if isinstance(part, Delta))


async def test_the_order_is_has_it_then_loaded_then_fewest_in_flight(
    pool: Pool, nodes: list[OllamaStandIn]
) -> None:
    first, second = nodes
    assert urls(pool, "m") == [first.url, second.url]
    assert urls(pool, "other") == [second.url]
    assert urls(pool, "none") == []
    with pool.asking(first.url):
        assert urls(pool, "m") == [second.url, first.url]
    await second.load("M:latest")
    await pool.refresh()
    with pool.asking(second.url):
        assert urls(pool, "m") == [second.url, first.url], "loaded comes before idle"


async def test_a_node_that_is_none_any_more_is_said_and_not_asked(
    pool: Pool, nodes: list[OllamaStandIn]
) -> None:
    nodes[0].faults.html = True
    await pool.refresh()
    down = pool.get(nodes[0].url)
    assert down is not None
    assert (down.up, down.latency_ms) == (False, None)
    assert nodes[0].url in down.detail
    assert urls(pool, "m") == [nodes[1].url]


async def test_a_small_model_is_answered_by_a_node_with_reasons(
    nodes: list[OllamaStandIn], open_cluster: OpenCluster
) -> None:
    both = f"nodes: ['{nodes[0].url}', '{nodes[1].url}']"
    async with open_cluster(DISTRIBUTED, both, "model: m") as cluster:
        await cluster.look()
        route = await cluster.dispatcher.route("m")
        assert (route.target, route.node) == (Target.OLLAMA, nodes[0].url)
        assert "3.2B parameters" in route.reasons[0]
        assert await answer(cluster) == "From the first."


async def test_the_next_node_is_asked_only_while_nothing_has_arrived(
    nodes: list[OllamaStandIn], open_cluster: OpenCluster
) -> None:
    first, second = nodes
    both = f"nodes: ['{first.url}', '{second.url}']"
    async with open_cluster(DISTRIBUTED, both, "model: m") as cluster:
        await cluster.look()
        first.faults.load_error = "out of memory"
        assert await answer(cluster) == "From the second."
        first.faults.load_error = ""
        first.faults.ending, first.faults.ending_after = Ending.RESET, 1
        before = len(second.requests)
        with pytest.raises(AnswerBroken) as broken:
            await answer(cluster)
        assert broken.value.stage is Stage.DURING
        assert all(request.path != "/api/chat" for request in second.requests[before:])


async def test_in_standard_mode_only_nodes_of_this_box_answer(open_cluster: OpenCluster) -> None:
    async with (
        OllamaStandIn([FakeModel("m:latest")]) as here,
        open_cluster(f"nodes: ['http://192.0.2.1:11434', '{here.url}']") as cluster,
    ):
        assert [node.url for node in cluster.pool_in_use()] == [here.url]


async def test_cancelling_an_answer_cancels_it_on_the_node(
    nodes: list[OllamaStandIn], open_cluster: OpenCluster
) -> None:
    nodes[0].words.shut(after=1)
    async with open_cluster(f"nodes: ['{nodes[0].url}']", "model: m") as cluster:
        await cluster.look()
        async with aclosing(cluster.ask(Conversation(), "hello")) as parts:
            async for part in parts:
                if isinstance(part, Delta):
                    break
            assert nodes[0].in_flight == 1
        await until(lambda: nodes[0].in_flight == 0)
        known = cluster.pool.get(nodes[0].url)
        assert known is not None
        assert known.in_flight == 0


async def test_using_names_the_model_of_one_prompt(
    nodes: list[OllamaStandIn], open_cluster: OpenCluster
) -> None:
    async with open_cluster(f"nodes: ['{nodes[1].url}']", "model: m") as cluster:
        await cluster.look()
        conversation = Conversation()
        parts = [part async for part in cluster.ask(conversation, "hello using other:latest")]
        assert isinstance(parts[0], Routed)
        assert parts[0].route.model.name == "other:latest"
        assert conversation.turns[0].prompt == "hello"
        assert cluster.choices.now.model == "m"


async def test_a_405b_that_does_not_fit_goes_to_its_node_as_a_small_one_does(
    tmp_path: Path,
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    open_cluster: OpenCluster,
) -> None:
    store, worker = tmp_path / "store", rpc_server()
    large = write_llama(tmp_path / "405b.gguf", LLAMA_405B)
    add_to_store(store, parse_name("llama3.1:405b"), large, digest="4" * 64)
    add_to_store(store, parse_name("small:1b"), tiny_model)
    async with OllamaStandIn(
        [FakeModel("llama3.1:405b", parameters="405.9B"), FakeModel("small:1b")]
    ) as node:
        lines = (DISTRIBUTED, f"models: {{store: {store}}}", f"nodes: ['{node.url}']")
        async with open_cluster(*lines, engine=engine, backends=[worker.address]) as cluster:
            await cluster.look()
            route = await cluster.dispatcher.route("llama3.1:405b")
            assert (route.target, route.node) == (Target.OLLAMA, node.url)
            assert "406B parameters" in route.reasons[0]
            assert "Above 70B: distributed." in route.reasons
            assert any("of it have no place" in reason for reason in route.reasons)
            small = await cluster.dispatcher.route("small:1b")
            assert (small.target, small.node) == (Target.OLLAMA, node.url)
            assert len(small.reasons) >= 3
