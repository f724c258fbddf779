"""How the welcome page looks, as pictures that are compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.core.cluster import Cluster
from app.core.welcome import Standing, needs
from app.llama.engine import Engine
from app.ui.screens.welcome import WelcomeScreen
from tests.support.console import HELD, NARROW, UP, WIDE, OpenedConsole, free, lonely_cluster
from tests.support.waiting import until

SnapCompare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that has nothing, and says nothing that depends on the time."""
    lonely = lonely_cluster(tmp_path / "cluster")
    monkeypatch.setattr(lonely.bus, "say", lambda *_said: None)
    return lonely


@SIZES
def test_all_missing(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=_welcomed)


@SIZES
def test_all_there(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    async def fill_and_welcome(pilot: Pilot[None]) -> None:
        server = Path("/usr/bin/llama-server")
        cluster.engines._found = Engine(
            server, None, None, "PATH", "0.7.0 (build 11669)", 11669, frozenset(), supports_rpc=True
        )
        cluster.backends.take(free(HELD[0]), "sweep")
        cluster.pool.add(UP.url, UP.origin)
        cluster.pool._see(UP)
        await _welcomed(pilot)
        assert {need.standing for need in needs(cluster)} == {Standing.OK}

    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=fill_and_welcome)


def test_light(snap_compare: SnapCompare, cluster: Cluster) -> None:
    async def welcome_in_light(pilot: Pilot[None]) -> None:
        cluster.pool.add(UP.url, UP.origin)
        await _welcomed(pilot)
        pilot.app.theme = "synaptic-light"
        await pilot.pause()

    assert snap_compare(OpenedConsole(cluster), terminal_size=WIDE, run_before=welcome_in_light)


async def _welcomed(pilot: Pilot[None]) -> None:
    await until(lambda: {w.name for w in pilot.app.workers if w.is_running} == {"events"})
    assert isinstance(pilot.app, OpenedConsole)
    await pilot.app.main.cluster.engines.problem()
    pilot.app.main.obey("welcome")
    await until(lambda: isinstance(pilot.app.screen, WelcomeScreen))
    await pilot.pause()
