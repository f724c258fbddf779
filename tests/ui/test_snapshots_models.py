"""How the model picker looks: empty, full, with one that cannot run, with one to be careful with, light."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.core.cluster import Cluster
from app.core.facts import ModelFacts
from app.core.models import Model, Source
from app.gguf.cautions import cautions
from app.gguf.loadable import why_not_loadable
from app.text.units import GIB
from tests.support.console import NARROW, WIDE, OpenedConsole, lonely_cluster, people
from tests.support.headers import TEMPLATE, header
from tests.support.waiting import until

SnapCompare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
LARGE = ModelFacts(parameters=405_900_000_000, size=228 * GIB, quantization="Q4_K_M", context=131_072)
PROJECTOR = str(why_not_loadable(header("clip")))
CAREFUL = replace(LARGE, cautions=cautions(header("deepseek2", {TEMPLATE: ""})))


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose disk has what the test says."""
    lonely = lonely_cluster(tmp_path / "cluster", "mode: distributed", "model: qwen3:8b")

    async def read() -> None:
        """Nothing else is there."""

    monkeypatch.setattr(lonely.catalogue, "read", read)
    return lonely


@SIZES
def test_empty(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=_opened(cluster))


@SIZES
def test_full(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    _fill(cluster)
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=_opened(cluster))


@SIZES
def test_one_that_cannot_run(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    _fill(cluster)
    run_before = _opened(cluster, *"proj")
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_one_to_be_careful_with(
    snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_problem() -> None:
        """There is an engine, and it can use backends."""

    for name in ("problem", "problem_with_backends"):
        monkeypatch.setattr(cluster.engines, name, no_problem)
    people(cluster)
    careful = Model("deepseek-r1:671b", Source.STORE, CAREFUL, path=Path("/models/deepseek-r1.gguf"))
    cluster.catalogue._local = (careful,)
    run_before = _opened(cluster, *"deep")
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


def test_light(snap_compare: SnapCompare, cluster: Cluster) -> None:
    _fill(cluster)
    opened = _opened(cluster)

    async def open_and_lighten(pilot: Pilot[None]) -> None:
        pilot.app.theme = "synaptic-light"
        await opened(pilot)

    assert snap_compare(OpenedConsole(cluster), terminal_size=WIDE, run_before=open_and_lighten)


def _fill(cluster: Cluster) -> None:
    people(cluster)
    cluster.catalogue._local = (
        Model("llama3.1:405b", Source.STORE, LARGE, path=Path("/models/llama3.1-405b.gguf")),
        Model("projector:latest", Source.STORE, path=Path("/models/projector.gguf"), problem=PROJECTOR),
    )


def _opened(cluster: Cluster, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await until(lambda: {w.name for w in pilot.app.workers if w.is_running} == {"events"})
        await pilot.press("ctrl+r")
        await until(lambda: {w.name for w in pilot.app.workers if w.is_running} == {"events", "model"})
        await pilot.press(*keys)
        await pilot.pause(0.3)

    return run
