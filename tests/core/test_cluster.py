from __future__ import annotations

import pytest

from app.core.events import LifecycleLine
from app.text.problem import Problem
from tests.core.conftest import OpenCluster


async def test_without_an_engine_it_opens_and_says_so_with_the_command(open_cluster: OpenCluster) -> None:
    async with open_cluster("nodes: []") as cluster:
        with cluster.bus.subscribe() as mailbox:
            told = [str(event) for event in mailbox.take() if isinstance(event, LifecycleLine)]
        assert any("No llama-server is found" in line and "synaptic-tui engine get" in line for line in told)


async def test_choices_are_saved_at_once(open_cluster: OpenCluster) -> None:
    async with open_cluster("nodes: []") as cluster:
        await cluster.choices.set_distributed(on=True)
        await cluster.choices.set_model("m")
    async with open_cluster("nodes: []") as again:
        assert again.choices.now.mode == "distributed"
        assert again.choices.now.distributed
        assert again.choices.now.model == "m"
        await again.choices.set_distributed(on=False)
        assert again.choices.now.mode == "distributed"
    async with open_cluster("nodes: []") as last:
        assert not last.choices.now.distributed


async def test_what_the_configuration_names_is_not_removed(open_cluster: OpenCluster) -> None:
    async with open_cluster("nodes: ['http://127.0.0.1:9']", "backends: [127.0.0.9]") as cluster:
        with pytest.raises(Problem, match="named by the config file"):
            await cluster.members.remove_backend("127.0.0.9")
        with pytest.raises(Problem, match="named by the config file"):
            await cluster.members.remove_node("http://127.0.0.1:9")
        assert len(cluster.backends.known) == len(cluster.pool.nodes) == 1


async def test_nodes_are_added_once_and_removed(open_cluster: OpenCluster) -> None:
    async with open_cluster("nodes: []") as cluster:
        await cluster.members.add_node("127.0.0.1:9")
        await cluster.members.add_node("http://127.0.0.1:9")
        assert [node.url for node in cluster.pool.nodes] == ["http://127.0.0.1:9"]
    async with open_cluster("nodes: []") as again:
        assert [node.url for node in again.pool.nodes] == ["http://127.0.0.1:9"]
        await again.members.remove_node("127.0.0.1:9")
        assert again.pool.nodes == ()
