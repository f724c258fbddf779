"""How the backends pane and the screen of one backend look, as pictures that are compared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.config.state import Remark
from app.core.backends import Look
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorChanged
from app.core.discovery import SweepGoing
from app.core.events import LifecycleLine, Severity
from app.rpc.probe import BackendState, Device, Probe
from app.text.address import Address
from app.text.units import GIB
from app.text.version import ProtocolVersion
from tests.support.console import NARROW, NOON, WIDE, OpenedConsole, free, lonely_cluster, ready_status
from tests.support.running import let_run
from tests.support.waiting import until
from tests.ui.test_snapshots import SnapCompare

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
HELD, BESIDE, BUSY, OTHER, GONE, SPARED = (
    Address("127.0.1.11", 50052),
    Address("127.0.1.11", 50053),
    Address("127.0.1.12", 50052),
    Address("127.0.1.13", 50052),
    Address("127.0.1.14", 50052),
    Address("127.0.1.15", 50052),
)
VERSION = ProtocolVersion(8, 0, 0)
GPUS = (Device(0, 24 * GIB, 22 * GIB), Device(1, 24 * GIB, 9 * GIB))
PROBES = (
    free(HELD),
    Probe(BESIDE, BackendState.FREE, VERSION, GPUS, 0.4),
    free(BUSY, 2.0),
    Probe(BUSY, BackendState.BUSY, detail="it serves somebody else"),
    Probe(
        OTHER, BackendState.MISMATCH, ProtocolVersion(7, 0, 0), (), 0.6, "it speaks 7.0.0, our engine 8.0.0"
    ),
    Probe(GONE, BackendState.REFUSED, detail="nothing listens there"),
    free(SPARED, 4.0),
)
REMARKS = {
    HELD: Remark(name="attic"),
    BESIDE: Remark(name="cellar", note="two cards, loud fan"),
    SPARED: Remark(name="laptop", disabled=True),
}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that nothing happens to; what is told is told at noon."""
    lonely = lonely_cluster(tmp_path / "cluster")

    def say(source: str, text: str, severity: Severity = Severity.INFO) -> None:
        lonely.bus.publish(LifecycleLine(NOON, source, text, severity))

    monkeypatch.setattr(lonely.bus, "say", say)
    return lonely


@pytest.fixture
def busy_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Six backends on five hosts, of which one is held by a coordinator that is ready."""
    backends = cluster.backends
    for probe in PROBES:
        backends.take(probe, "state" if probe.address in REMARKS else "sweep")
    for address, remark in REMARKS.items():
        backends.remark(address, remark)
    past = (0.4, 0.5, 0.4, None, 3.0, 12.0, 0.6, 0.4, 0.4, 0.4, 0.5, 0.4)
    backends._looks[BESIDE].clear()
    backends._looks[BESIDE].extend(_looks(past))
    backends.hold([HELD], "a coordinator")
    status = ready_status((HELD,))
    let_run(monkeypatch, status)
    cluster.bus.publish(CoordinatorChanged(status))
    return cluster


def _looks(latencies_ms: Sequence[float | None]) -> list[Look]:
    """Probes five seconds apart; the one that was not answered was refused."""
    free_or_not = (
        (BackendState.FREE, "") if ms is not None else (BackendState.REFUSED, "nothing listens there")
        for ms in latencies_ms
    )
    return [
        Look(NOON + timedelta(seconds=5 * n), state, ms, detail)
        for n, (ms, (state, detail)) in enumerate(zip(latencies_ms, free_or_not, strict=True))
    ]


def shown(
    cluster: Cluster, *keys: str, sweep: SweepGoing | None = None, theme: str = ""
) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Go to the pane, and press keys."""

    async def run(pilot: Pilot[None]) -> None:
        if theme:
            pilot.app.theme = theme
        await pilot.pause(0.3)
        running = cluster.coordinators.running
        if running is not None:
            cluster.bus.publish(CoordinatorChanged(running.status))
        if sweep is not None:
            cluster.bus.publish(sweep)
        await pilot.press("escape", "2", *keys)
        await until(lambda: not [w for w in pilot.app.workers if w.is_running and w.name == "look around"])
        await pilot.pause(0.3)

    return run


@SIZES
def test_full_pane(snap_compare: SnapCompare, busy_cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = shown(busy_cluster, "space")
    assert snap_compare(OpenedConsole(busy_cluster), terminal_size=size, run_before=run_before)


def test_zoomed_pane(snap_compare: SnapCompare, busy_cluster: Cluster) -> None:
    run_before = shown(busy_cluster, "z", "o")
    assert snap_compare(OpenedConsole(busy_cluster), terminal_size=WIDE, run_before=run_before)


def test_full_pane_in_light(snap_compare: SnapCompare, busy_cluster: Cluster) -> None:
    run_before = shown(busy_cluster, "space", theme="synaptic-light")
    assert snap_compare(OpenedConsole(busy_cluster), terminal_size=WIDE, run_before=run_before)


@SIZES
def test_empty_pane(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=shown(cluster))


@SIZES
def test_pane_filtered_to_nothing(
    snap_compare: SnapCompare, busy_cluster: Cluster, size: tuple[int, int]
) -> None:
    run_before = shown(busy_cluster, "slash", *"garage", "enter")
    assert snap_compare(OpenedConsole(busy_cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_sweep_under_way(snap_compare: SnapCompare, busy_cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = shown(busy_cluster, sweep=SweepGoing(127, 254, 2, 1.4, ended=False))
    assert snap_compare(OpenedConsole(busy_cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_backend_screen(snap_compare: SnapCompare, busy_cluster: Cluster, size: tuple[int, int]) -> None:
    busy_cluster.bus.say("coordinator", f"{BESIDE} was chosen but received nothing", Severity.ERROR)
    run_before = shown(busy_cluster, "j", "enter")
    assert snap_compare(OpenedConsole(busy_cluster), terminal_size=size, run_before=run_before)


def test_screen_of_a_held_backend(snap_compare: SnapCompare, busy_cluster: Cluster) -> None:
    looks = busy_cluster.backends._looks[HELD]
    looks[0] = replace(looks[0], at=NOON)
    run_before = shown(busy_cluster, "enter")
    assert snap_compare(OpenedConsole(busy_cluster), terminal_size=NARROW, run_before=run_before)
