"""How the coordinator pane looks: loading, ready, failed, its log and its requests, and its command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.core.bottleneck import Bottleneck
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState
from app.core.events import Incident, LifecycleLine, Severity
from app.core.loading import LoadPhase, LoadProgress, LoadShare
from app.core.log_watch import LogGrew
from app.core.requests import Request, RequestsChanged, RequestState
from app.llama.log_book import LogBook
from app.text.units import GIB, MIB
from app.ui.screens.copied import CopyScreen
from tests.support.console import (
    HELD,
    NARROW,
    NOON,
    WIDE,
    OpenedConsole,
    lonely_cluster,
    narrate,
    people,
    ready_status,
)
from tests.support.waiting import until
from tests.ui.test_coordinator_pane import GONE, SAID

SnapCompare = Callable[..., bool]
Scene = Callable[[Cluster, Path], Awaitable[None]]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose clock stands still."""
    lonely = lonely_cluster(tmp_path / "cluster", 'model: "llama3.1:405b"')

    def say(source: str, text: str, severity: Severity = Severity.INFO) -> None:
        lonely.bus.publish(LifecycleLine(NOON, source, text, severity))

    monkeypatch.setattr(lonely.bus, "say", say)
    return lonely


@SIZES
def test_loading(snap_compare: SnapCompare, cluster: Cluster, tmp_path: Path, size: tuple[int, int]) -> None:
    async def scene(cluster: Cluster, _folder: Path) -> None:
        loading = replace(ready_status(), state=CoordinatorState.LOADING, since=None, ready_in_s=None)
        cluster.bus.publish(CoordinatorChanged(loading))
        shares = tuple(
            LoadShare(address, (80 - 40 * i) * GIB, 80 * GIB, 112.0 * MIB if i == 1 else 0.0)
            for i, address in enumerate(HELD)
        )
        progress = LoadProgress(LoadPhase.LOADING, 1110.0, shares, 1110.0, Bottleneck.NETWORK)
        cluster.bus.publish(progress)

    assert snapped(snap_compare, cluster, tmp_path, size, scene)


@SIZES
def test_a_failure_opened(
    snap_compare: SnapCompare, cluster: Cluster, tmp_path: Path, size: tuple[int, int]
) -> None:
    async def scene(cluster: Cluster, _folder: Path) -> None:
        failed = replace(ready_status(), state=CoordinatorState.FAILED, failure=GONE, placement=())
        cluster.bus.publish(CoordinatorChanged(failed))
        text = f"failed: {GONE.cause}"
        cluster.bus.publish(Incident(NOON, "coordinator", text, Severity.ERROR, failure=GONE))

    assert snapped(snap_compare, cluster, tmp_path, size, scene, "enter")


@SIZES
def test_the_log_with_a_search(
    snap_compare: SnapCompare, cluster: Cluster, tmp_path: Path, size: tuple[int, int]
) -> None:
    keys = ("l", "slash", *"release", "enter")
    assert snapped(snap_compare, cluster, tmp_path, size, log, *keys)


def test_the_log_with_a_filter_and_marks(snap_compare: SnapCompare, cluster: Cluster, tmp_path: Path) -> None:
    keys = ("l", "L", "L", "k", "space", "k", "w")
    assert snapped(snap_compare, cluster, tmp_path, NARROW, log, *keys)


@SIZES
def test_requests(snap_compare: SnapCompare, cluster: Cluster, tmp_path: Path, size: tuple[int, int]) -> None:
    async def scene(cluster: Cluster, _folder: Path) -> None:
        done = Request(1, 0, RequestState.DONE, 1.0, 3.5, 1200, 2.0, 30, 1.5, 1230)
        cancelled = Request(40, 0, RequestState.CANCELLED, 9.0, 0.4)
        running = Request(52, 0, began_s=12.0)
        cluster.bus.publish(RequestsChanged((done, cancelled, running)))

    assert snapped(snap_compare, cluster, tmp_path, size, scene, "t")


@SIZES
def test_the_command(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    app = OpenedConsole(cluster)

    async def run(pilot: Pilot[None]) -> None:
        text = "LLAMA_API_KEY=**** /opt/llama-server -m /models/llama3.1-405b.gguf --rpc " + ",".join(
            map(str, HELD)
        )
        await app.push_screen(CopyScreen("Coordinator of llama3.1:405b", text, "The key is not shown."))
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=run)


async def log(cluster: Cluster, folder: Path) -> None:
    """A log of some hundred lines."""
    path = folder / "coordinator.log"
    path.write_text("".join(SAID))
    book = LogBook(path)
    while await book.grow():
        pass
    cluster.bus.publish(LogGrew(book))


def snapped(
    snap_compare: SnapCompare, cluster: Cluster, folder: Path, size: tuple[int, int], scene: Scene, *keys: str
) -> bool:
    """Compare the console as it is after the scene and the keys."""

    async def run(pilot: Pilot[None]) -> None:
        await settled(pilot)
        people(cluster)
        narrate(cluster)
        await scene(cluster, folder)
        await pilot.pause(0.3)
        await pilot.press("escape", "4", "z", *keys)
        await settled(pilot)

    return snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run)


async def settled(pilot: Pilot[None]) -> None:
    await until(lambda: {w.name for w in pilot.app.workers if w.is_running} == {"events"})
    await pilot.pause(0.4)
