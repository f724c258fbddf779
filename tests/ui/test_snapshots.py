"""How whole screens look, as pictures that are compared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.core.chat import Stopwatch
from app.core.cluster import Cluster
from app.core.events import LifecycleLine, Severity
from tests.support.console import NARROW, NOON, WIDE, OpenedConsole, lonely_cluster, narrate, people
from tests.support.scripted import answer_with, whole
from tests.support.waiting import until

SnapCompare = Callable[..., bool]
ANSWER = """\
A **worker** lends its memory to the coordinator.

```python
def share(layers: int, workers: int) -> float:
    return layers / workers
```

1. It holds some layers,
2. computes them when `numbers` arrive.

| worker | layers |
|--------|-------:|
| a      |     42 |
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose clock stands still."""
    lonely = lonely_cluster(tmp_path / "cluster", 'model: "llama3.1:405b"', "distributed_inference: true")

    def say(source: str, text: str, severity: Severity = Severity.INFO) -> None:
        lonely.bus.publish(LifecycleLine(NOON, source, text, severity))

    monkeypatch.setattr(lonely.bus, "say", say)
    monkeypatch.setattr(lonely, "discover", _nothing_found)
    monkeypatch.setattr("app.core.answering.Stopwatch", lambda: Stopwatch(count(0.0, 1.2).__next__))
    return lonely


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_empty(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=_settled)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_full(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=_peopled(cluster))


@pytest.mark.parametrize("key", ["2", "3", "4"], ids=["backends", "nodes", "coordinator"])
def test_one_pane(snap_compare: SnapCompare, cluster: Cluster, key: str) -> None:
    run_before = _peopled(cluster, "escape", key)
    assert snap_compare(OpenedConsole(cluster), terminal_size=NARROW, run_before=run_before)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_help(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    run_before = _peopled(cluster, "escape", "question_mark")
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


def test_command_line_that_is_refused(snap_compare: SnapCompare, cluster: Cluster) -> None:
    run_before = _peopled(cluster, "escape", "colon", *"rpc", "space", *"foo", "enter")
    assert snap_compare(OpenedConsole(cluster), terminal_size=NARROW, run_before=run_before)


def test_light(snap_compare: SnapCompare, cluster: Cluster) -> None:
    fill = _peopled(cluster)

    async def fill_and_lighten(pilot: Pilot[None]) -> None:
        await fill(pilot)
        pilot.app.theme = "synaptic-light"
        await _settled(pilot)

    assert snap_compare(OpenedConsole(cluster), terminal_size=WIDE, run_before=fill_and_lighten)


def _peopled(cluster: Cluster, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Fill every pane, ask once, and press keys."""

    async def run(pilot: Pilot[None]) -> None:
        await _settled(pilot)
        people(cluster)
        narrate(cluster)
        answer_with(cluster, *whole(ANSWER))
        assert isinstance(pilot.app, OpenedConsole)
        pilot.app.main.chat.ask("What is a worker?")
        await pilot.pause(0.4)
        await pilot.press(*keys)
        await _settled(pilot)

    return run


async def _settled(pilot: Pilot[None]) -> None:
    await until(lambda: {w.name for w in pilot.app.workers if w.is_running} == {"events"})
    pilot.app.clear_notifications()
    await pilot.pause(0.3)


async def _nothing_found() -> None:
    """No sweep: it would tell how long it took."""
