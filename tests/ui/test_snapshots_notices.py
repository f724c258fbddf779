"""How the sheet of what a changed configuration makes different looks, the list of notices, and toasts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.core.cluster import Cluster
from app.core.events import LifecycleLine, Severity
from app.ui.screens.sheet import SheetScreen
from tests.support.console import NARROW, NOON, WIDE, OpenedConsole, lonely_cluster
from tests.support.waiting import until

SnapCompare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
CHANGED = """\
nodes: []
networks: [127.0.0.1, 127.0.0.9]
engine: {server: /usr/bin/llama-server}
models: {folders: [/srv/models]}
coordinator: {context: 4096, on_quit: leave}
chat: {idle_timeout_s: 60, system: Answer in one sentence.}
discovery: {interval_s: 9}
routing: {pool_up_to: 8B, pins: {"llama3.1:405b": coordinator}}
console: {bell: true, log_level: debug, signs: unicode, theme: %s}
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose clock stands still."""
    lonely = lonely_cluster(tmp_path / "cluster")

    def say(source: str, text: str, severity: Severity = Severity.INFO) -> None:
        lonely.bus.publish(LifecycleLine(NOON, source, text, severity))

    monkeypatch.setattr(lonely.bus, "say", say)
    return lonely


@SIZES
@pytest.mark.parametrize("command", ["reload", "notices"])
def test_dark(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int], command: str) -> None:
    run_before = _changed(cluster, "synaptic", command)
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


@pytest.mark.parametrize("command", ["reload", "notices"])
def test_light(snap_compare: SnapCompare, cluster: Cluster, command: str) -> None:
    run_before = _changed(cluster, "synaptic-light", command)
    assert snap_compare(OpenedConsole(cluster), terminal_size=WIDE, run_before=run_before)


def _changed(cluster: Cluster, theme: str, command: str) -> Callable[[Pilot[None]], object]:
    """Change the configuration, tell of this and that, and show the sheet of a command."""

    async def run(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, OpenedConsole)
        cluster.resolved.sources.file.write_text(CHANGED % theme)
        await cluster.reload.again()
        cluster.bus.say("10.0.0.11:50052", "refused", Severity.WARNING)
        cluster.bus.say("http://10.0.0.5:11434", "up again", Severity.GOOD)
        cluster.bus.say("console", "No model is chosen. Choose one with 'model NAME'.", Severity.ERROR)
        await until(lambda: len(app.main.notices.kept) >= 4)
        await _settled(pilot)
        app.main.obey(command)
        await until(lambda: isinstance(pilot.app.screen, SheetScreen))
        await _settled(pilot)

    return run


async def _settled(pilot: Pilot[None]) -> None:
    await until(lambda: {w.name for w in pilot.app.workers if w.is_running} == {"events"})
    await pilot.pause(0.3)
