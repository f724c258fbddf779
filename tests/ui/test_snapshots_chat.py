"""How the chat and the screens over it look: busy, failed, folded out, changed, listed, searched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.core.chat import Attachment, Stopwatch, Turn
from app.core.cluster import Cluster
from app.text.answer import AnswerBroken, AnswerPart, Delta, Finish, Finished, Stage, Thinking, Timings
from app.ui.panes.chat import ChatPane
from app.ui.screens.main import MainScreen
from tests.support.console import NARROW, WIDE, OpenedConsole, lonely_cluster
from tests.support.scripted import answer_with, whole
from tests.support.waiting import until

SnapCompare = Callable[..., bool]
RunBefore = Callable[[Pilot[None]], Awaitable[None]]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
LAST_YEAR = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster whose answers take the same time always."""
    monkeypatch.setattr("app.core.answering.Stopwatch", lambda: Stopwatch(count(0.0, 1.2).__next__))
    return lonely_cluster(tmp_path / "cluster", 'model: "llama3.1:405b"', "chat: {options: {top_k: 7}}")


@SIZES
def test_busy(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    steps = (Thinking("A worker, well."), Delta("A worker lends\n\n```python\nx = [1,"), asyncio.Event())
    run_before = _asked(cluster, *steps, shown="x = [1,")
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_broken(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    broken = AnswerBroken(
        Stage.DURING, "llama-server at http://127.0.0.1:1 broke the connection.", "Ask again."
    )
    run_before = _asked(cluster, Delta("A worker lends its"), broken, shown="Ask again.")
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_folded_out(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    cut = Finished(Finish.LENGTH, Timings(18, 0.1, 57, 5.0))
    steps = (Thinking("A worker, well.\nIt works."), Delta("A worker lends its memory to"), cut)
    run_before = _asked(cluster, *steps, shown="C lets it go on.", keys=("escape", "w", "t"))
    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run_before)


@SIZES
def test_changed(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await _asked(cluster, *whole("It lends its memory."), shown="It lends its memory.")(pilot)
        chat = _chat(pilot)
        chat.edit()
        chat.attach(Attachment("notes.md", "buy milk\n"))
        await _settled(pilot)

    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run)


@SIZES
def test_options(snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int]) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await _settled(pilot)
        for line in ("set temperature 0.2", "system Be brief.", "options"):
            _main(pilot).obey(line)
        await _settled(pilot)

    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run)


@SIZES
@pytest.mark.parametrize(
    "keys",
    [(), ("slash", *"whale"), ("slash", *"zzzz")],
    ids=["all", "found", "nothing"],
)
def test_conversations(
    snap_compare: SnapCompare, cluster: Cluster, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    async def run(pilot: Pilot[None]) -> None:
        await _settled(pilot)
        for day, (prompt, answer) in enumerate((("About whales", "Big."), ("About ants", "No whale."))):
            conversation = cluster.conversations.begin()
            asked = LAST_YEAR.replace(day=1 + day)
            conversation.turns.append(Turn(prompt, "llama3.2:3b", asked=asked, answer=[answer]))
            cluster.conversations.keep(conversation)
        cluster.conversations.begin()
        await _settled(pilot)
        await pilot.press("ctrl+o")
        await _settled(pilot)
        await pilot.press(*keys)
        await _settled(pilot)

    assert snap_compare(OpenedConsole(cluster), terminal_size=size, run_before=run)


def test_light(snap_compare: SnapCompare, cluster: Cluster) -> None:
    async def run(pilot: Pilot[None]) -> None:
        pilot.app.theme = "synaptic-light"
        broken = AnswerBroken(Stage.DURING, "It broke.", "Ask again.")
        await _asked(cluster, Thinking("Well."), Delta("A **worker**, `x`"), broken, shown="It broke.")(pilot)

    assert snap_compare(OpenedConsole(cluster), terminal_size=WIDE, run_before=run)


def _asked(
    cluster: Cluster,
    *steps: AnswerPart | Exception | asyncio.Event,
    shown: str,
    keys: tuple[str, ...] = (),
) -> RunBefore:
    """Ask once, wait until `shown` has come, and press keys."""

    async def run(pilot: Pilot[None]) -> None:
        await _settled(pilot)
        answer_with(cluster, *steps)
        _chat(pilot).ask("What is a worker?")
        await until(lambda: shown in _text(pilot), shown)
        await pilot.press(*keys)
        await pilot.pause(0.3)

    return run


def _main(pilot: Pilot[None]) -> MainScreen:
    assert isinstance(pilot.app, OpenedConsole)
    return pilot.app.main


def _chat(pilot: Pilot[None]) -> ChatPane:
    return _main(pilot).chat


def _text(pilot: Pilot[None]) -> str:
    return "\n".join(strip.text for strip in pilot.app.screen._compositor.render_strips())


async def _settled(pilot: Pilot[None]) -> None:
    def is_at_rest() -> bool:
        running = {worker.name for worker in pilot.app.workers if not worker.is_finished}
        return {"events"} <= running <= {"events", "conversations"}

    await until(is_at_rest)
    await pilot.pause(0.3)
