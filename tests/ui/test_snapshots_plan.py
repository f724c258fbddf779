"""How the plan view looks: what fits, what does not, and what is loaded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.core.cluster import Cluster
from app.ui.screens.plan import PlanScreen
from tests.support.console import NARROW, WIDE, OpenedConsole, lonely_cluster
from tests.support.plans import LARGE, loaded_by, plan_large, planned_over
from tests.support.running import let_run
from tests.support.waiting import until
from tests.ui.test_plan_screen import people
from tests.ui.test_snapshots import SnapCompare

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that can hold a large model."""
    lonely = lonely_cluster(tmp_path / "cluster", "distributed_inference: true", f'model: "{LARGE.name}"')
    plan_large(lonely, monkeypatch)
    people(lonely)
    return lonely


@SIZES
def test_what_fits(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = _opened("j", "j")
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_what_does_not_fit(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = _opened("j", "space", "plus", "plus")
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_what_is_loaded(
    snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    let_run(monkeypatch, loaded_by(planned_over(cluster)))
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=_opened())


def _opened(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await until(lambda: {w.name for w in pilot.app.workers if w.is_running} == {"events"})
        pilot.app.clear_notifications()
        await pilot.press("escape", "p")
        await until(lambda: isinstance(pilot.app.screen, PlanScreen))
        screen = pilot.app.screen
        assert isinstance(screen, PlanScreen)
        await pilot.press(*keys)
        await until(lambda: screen._latest.change == screen._change)
        await pilot.pause(0.3)

    return run
