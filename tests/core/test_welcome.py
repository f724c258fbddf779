"""What is said to be missing, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.core.cluster import Cluster
from app.core.pool import Node
from app.core.welcome import Need, Standing, Topic, is_looking, is_missing_something, look_again, needs
from app.demo.model import write_model
from app.ollama.client import NodeModel
from app.rpc.probe import BackendState, Probe
from app.text.address import Address
from app.text.units import GIB
from tests.core.conftest import OpenCluster
from tests.support.console import UP, free, lonely_cluster
from tests.support.engine import free_port
from tests.support.programs import WITHOUT_RPC, write_server


def need(cluster: Cluster, topic: Topic) -> Need:
    return next(each for each in needs(cluster) if each.topic is topic)


def standings(cluster: Cluster) -> dict[Topic, Standing]:
    return {each.topic: each.standing for each in needs(cluster)}


async def test_with_nothing_there_everything_is_missing_and_has_a_remedy(tmp_path: Path) -> None:
    async with lonely_cluster(tmp_path) as cluster:
        await cluster.look()
        assert set(standings(cluster).values()) == {Standing.MISSING}
        assert all(each.remedy for each in needs(cluster))
        assert is_missing_something(needs(cluster))


async def test_what_nobody_has_looked_at_is_not_missing(tmp_path: Path) -> None:
    async with lonely_cluster(
        tmp_path, "backends: ['127.0.0.9:1']", "nodes: ['http://127.0.0.9:1']"
    ) as cluster:
        cluster.engines.forget()
        assert set(standings(cluster).values()) == {Standing.LOOKING}
        assert not is_missing_something(needs(cluster))
        assert is_looking(needs(cluster))


async def test_with_everything_there_nothing_is_missing(open_cluster: OpenCluster, tmp_path: Path) -> None:
    server = write_server(tmp_path / "bin")
    (tmp_path / "models").mkdir()
    write_model(tmp_path / "models" / "tiny.gguf")
    async with open_cluster(
        f"engine: {{server: {server}}}",
        f"models: {{folders: [{tmp_path / 'models'}]}}",
        "nodes: []",
    ) as cluster:
        await cluster.look()
        cluster.backends.take(free(Address("127.0.1.11", 50052)), "sweep")
        cluster.pool.add(UP.url, UP.origin)
        cluster.pool._see(UP)
        assert set(standings(cluster).values()) == {Standing.OK}
        assert not is_missing_something(needs(cluster))
        assert not is_looking(needs(cluster))


async def test_an_engine_that_knows_no_backends_is_not_enough(
    open_cluster: OpenCluster, tmp_path: Path
) -> None:
    server = write_server(tmp_path / "bin", rpc=WITHOUT_RPC)
    async with open_cluster(f"engine: {{server: {server}}}", "nodes: []") as cluster:
        assert need(cluster, Topic.ENGINE).standing is Standing.MISSING
        assert "without RPC" in need(cluster, Topic.ENGINE).text


async def test_an_engine_that_has_come_is_found_by_looking_again(tmp_path: Path) -> None:
    async with lonely_cluster(tmp_path) as cluster:
        assert need(cluster, Topic.ENGINE).standing is Standing.MISSING
        write_server(cluster.places.engine)
        await look_again(cluster)
        assert need(cluster, Topic.ENGINE).standing is Standing.OK


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        (BackendState.REFUSED, "Start the RPC server there."),
        (BackendState.MISMATCH, "Run the same llama.cpp build there and here."),
    ],
)
async def test_backends_that_cannot_be_used_are_told_with_what_helps(
    tmp_path: Path, state: BackendState, remedy: str
) -> None:
    async with lonely_cluster(tmp_path) as cluster:
        cluster.backends.take(Probe(Address("127.0.1.14", 50052), state, None, (), None), "state")
        workers = need(cluster, Topic.WORKERS)
        assert workers.standing is Standing.MISSING
        assert f"127.0.1.14:50052 is {state}" in workers.text
        assert workers.remedy == remedy


async def test_a_disabled_backend_counts_for_nothing(tmp_path: Path) -> None:
    async with lonely_cluster(tmp_path) as cluster:
        cluster.backends.take(free(Address("127.0.1.11", 50052)), "state")
        await cluster.members.disable("127.0.1.11:50052")
        assert need(cluster, Topic.WORKERS).text.startswith("No backend is known.")


async def test_a_node_that_is_down_is_named(tmp_path: Path) -> None:
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    async with lonely_cluster(tmp_path, f"nodes: ['{url}']") as cluster:
        await cluster.look()
        ollama = need(cluster, Topic.OLLAMA)
        assert ollama.standing is Standing.MISSING
        assert ollama.text == f"{url} is down."


async def test_the_largest_model_is_named(tmp_path: Path) -> None:
    models = (NodeModel("small:1b", size=GIB), NodeModel("large:8b", size=5 * GIB))
    async with lonely_cluster(tmp_path) as cluster:
        node = Node("http://127.0.1.21:11434", "state", up=True, version="0.32.15", models=models)
        cluster.pool.add(node.url, node.origin)
        cluster.pool._see(node)
        found = need(cluster, Topic.MODELS)
        assert found.standing is Standing.OK
        assert found.text == "2 models, the largest is large:8b, 5.0 GiB."


async def test_a_skipped_welcome_is_kept(tmp_path: Path) -> None:
    async with lonely_cluster(tmp_path, welcomed=True) as cluster:
        appearance = cluster.appearance
        before = appearance.welcomes
        await appearance.skip_welcome()
        assert (before, appearance.welcomes) == (True, False)
    async with lonely_cluster(tmp_path, welcomed=True) as again:
        assert not again.appearance.welcomes


async def test_folders_that_vanish_welcome_nobody(tmp_path: Path) -> None:
    lasting = lonely_cluster(tmp_path, welcomed=True)
    passing = Cluster(lasting.resolved, replace(lasting.places, temporary=True), {})
    assert not passing.appearance.welcomes, "a skip could not be kept"
