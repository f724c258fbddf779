"""How the node pane and its screens look, as pictures that are compared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.core.cluster import Cluster
from app.core.events import LifecycleLine, Severity
from app.core.pool import Node
from app.core.pulls import Pull
from app.core.vitals import STRETCH_S, VitalsRead
from app.ollama.client import LoadedModel, NodeModel
from app.text.units import GIB, MIB
from tests.support.box import reading
from tests.support.console import DOWN, NARROW, NOON, UP, WIDE, OpenedConsole, lonely_cluster
from tests.support.waiting import until
from tests.ui.test_node_screen import GPUS
from tests.ui.test_snapshots import SnapCompare

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
FOR_EVER = datetime(2318, 1, 1, tzinfo=UTC)
KEEPER = replace(
    UP,
    models=(
        NodeModel("llama3.2:3b", "a" * 64, 2 * GIB, 3_200_000_000, "3.2B", "Q4_K_M", "llama"),
        NodeModel("qwen3:8b", "b" * 64, 5 * GIB, 8_200_000_000, "8.2B", "Q5_K_M", "qwen3"),
        NodeModel("gpt-oss:120b-cloud", "c" * 64, 384, remote=True),
    ),
    loaded=(LoadedModel("llama3.2:3b", "a" * 64, 4 * GIB, 3 * GIB, 8192, FOR_EVER),),
    latencies_ms=(*(float(n) for n in range(1, 13)), None, None, 9.0, 12.0),
    last_error="The disk of http://127.0.1.21:11434 is full.",
    last_error_at=NOON,
)
GONE = replace(DOWN, last_error=DOWN.detail, last_error_at=NOON, latencies_ms=(3.0, 4.0, None, None))
PULLS = (
    Pull(UP.url, "new:70b", "pulling 667b0c1932bc", 40 * GIB, 13 * GIB, 34.0 * MIB),
    Pull(UP.url, "next:8b"),
)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that nothing happens to: no node is asked, and this box is not read."""
    lonely = lonely_cluster(tmp_path / "cluster")

    def say(source: str, text: str, severity: Severity = Severity.INFO) -> None:
        lonely.bus.publish(LifecycleLine(NOON, source, text, severity))

    async def not_asked(_url: str) -> None:
        pass

    monkeypatch.setattr(lonely.bus, "say", say)
    monkeypatch.setattr(lonely.pool, "refresh_one", not_asked)
    return lonely


def peopled(
    cluster: Cluster, *keys: str, nodes: tuple[Node, ...] = (KEEPER, GONE), pulls: tuple[Pull, ...] = ()
) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Let nodes, pulls and figures of this box be known, go to the pane, and press keys."""

    async def run(pilot: Pilot[None]) -> None:
        vitals = reading(per_core=(1.0, 35.0, 80.0, 99.0), gpus=GPUS)
        for n in range(40):
            cluster.box.history.put(n * STRETCH_S, replace(vitals, cpu_percent=2.5 * n))
        cluster.box.latest = vitals
        for node in nodes:
            cluster.pool.add(node.url, node.origin)
            cluster.pool._see(node)
        for pull in pulls:
            cluster.pulls._show(pull)
        await pilot.pause(0.3)
        cluster.bus.publish(VitalsRead(vitals))
        await pilot.press("escape", "3", *keys)
        await until(lambda: not [w for w in pilot.app.workers if w.is_running and w.name == "look around"])
        await pilot.pause(0.3)

    return run


@SIZES
def test_busy_pane(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = peopled(cluster, pulls=PULLS)
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_pane_without_nodes(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = peopled(cluster, nodes=())
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


def test_zoomed_pane(snap_compare: SnapCompare, cluster: Cluster) -> None:
    run_before = peopled(cluster, "z", pulls=PULLS)
    assert snap_compare(OpenedConsole(cluster), terminal_size=(160, 36), run_before=run_before)


@SIZES
def test_node_screen(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = peopled(cluster, "enter", pulls=PULLS)
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


def test_node_screen_of_one_that_is_down(snap_compare: SnapCompare, cluster: Cluster) -> None:
    run_before = peopled(cluster, "j", "enter")
    assert snap_compare(OpenedConsole(cluster), terminal_size=NARROW, run_before=run_before)


@SIZES
def test_box_screen(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = peopled(cluster, "k", "enter")
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


def test_question_before_deleting(snap_compare: SnapCompare, cluster: Cluster) -> None:
    run_before = peopled(cluster, "enter", "x")
    assert snap_compare(OpenedConsole(cluster), terminal_size=NARROW, run_before=run_before)


def test_name_that_is_none(snap_compare: SnapCompare, cluster: Cluster) -> None:
    run_before = peopled(cluster, "enter", "p", "a", "slash", "slash", "b")
    assert snap_compare(OpenedConsole(cluster), terminal_size=NARROW, run_before=run_before)
