"""Coordinators on the real engine: started, placed, streamed from, broken, adopted and stopped."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import psutil

from app.core.chat import Answered, Conversation, Routed
from app.core.cluster import Cluster
from app.core.coordinator import CoordinatorState
from app.core.events import LifecycleLine
from app.llama.engine import Engine
from app.rpc.probe import BackendState
from app.text.answer import Delta
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServerFactory

SMALL = ("mode: distributed", "coordinator: {context: 512, threads: 1}")


async def answer(cluster: Cluster, prompt: str) -> str:
    said: list[str] = []
    async with aclosing(cluster.ask(Conversation(), prompt)) as parts:
        async for part in parts:
            if isinstance(part, Delta):
                said.append(part.text)
    return "".join(said)


async def test_from_a_prompt_to_a_streamed_answer_over_two_backends(
    engine: Engine, rpc_server: RpcServerFactory, tiny_model: Path, open_cluster: OpenCluster
) -> None:
    workers = [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]
    async with open_cluster(
        *SMALL, f"model: {tiny_model}", engine=engine, backends=[w.address for w in workers]
    ) as cluster:
        with cluster.bus.subscribe() as mailbox:
            await cluster.look()
            conversation = Conversation()
            parts = [part async for part in cluster.ask(conversation, "a worker")]
            lines = [str(e) for e in mailbox.take() if isinstance(e, LifecycleLine)]
        assert isinstance(parts[0], Routed)
        assert parts[0].route.backends == tuple(w.address for w in workers)
        assert isinstance(parts[-1], Answered)
        assert parts[-1].measured.ttft_s is not None
        assert conversation.turns[0].text.strip()
        assert conversation.turns[0].ending == ""

        running = cluster.coordinators.running
        assert running is not None
        placement = {p.backend: p for p in running.status.placement}
        for worker in workers:
            assert placement[worker.address].model_bytes > 0
            assert cluster.backends.get(worker.address).state is BackendState.OURS  # type: ignore[union-attr]
        assert any("coordinator ready in" in line and "(2 backends)" in line for line in lines)

        pid = running.status.pid
        assert await cluster.coordinators.stop()
        assert running.status.state is CoordinatorState.STOPPED
        assert pid is not None
        assert not psutil.pid_exists(pid)
    assert all(worker.alive for worker in workers)
