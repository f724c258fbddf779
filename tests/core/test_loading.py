"""How far a load is: on the real engine, and what may be said of what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core import loading
from app.core.events import Bus
from app.core.loading import EARNED_S, Loading, LoadPhase, LoadProgress, LoadShare
from app.llama.engine import Engine
from app.llama.log import LogLine
from app.llama.log_facts import Initializing, WarmingUp
from app.text.address import Address
from tests.core.conftest import OpenCluster
from tests.support.engine import RpcServerFactory

BACKEND = Address("127.0.0.2", 50052)
NO_LINE = LogLine(None, None, "")


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
        await cluster.start(str(endless_model))
        await cluster.coordinators.stop()
    assert [p.elapsed_s for p in seen] == sorted(p.elapsed_s for p in seen)
    assert all(p.left_s is None for p in seen), "nothing was earned so soon"
    told = [p for p in seen if p.shares]
    assert told, "the load was too fast to be seen"
    assert {share.backend for share in told[-1].shares} <= set(addresses)
    assert all(0 <= share.sent <= share.whole for p in told for share in p.shares)


def test_phases_follow_the_log() -> None:
    bus = Bus()
    load = Loading(bus, 1, ())
    phases = [load._progress(None).phase]
    for fact in (Initializing(), WarmingUp()):
        load.take(NO_LINE, fact)
        phases.append(load._progress(None).phase)
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
