"""Notices: told where they are not seen, never a flood, and to be read again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta

import pytest

from app.core.chat import ChatPart, Conversation
from app.core.discovery import SweepGoing
from app.core.events import Incident, LifecycleLine, Severity
from app.llama.failure import Failure
from app.ui.notices import BURST, KEPT, Notices
from app.ui.places import Place
from app.ui.screens.sheet import SheetScreen
from tests.support.console import OpenConsole
from tests.support.waiting import until


class Listener:
    """What the notices are given to, with a clock that a test works."""

    def __init__(self, sees: tuple[Place, ...] = ()) -> None:
        self.told: list[tuple[str, Severity]] = []
        self.waiting: list[Callable[[], None]] = []
        self.notices = Notices(
            lambda text, severity: self.told.append((text, severity)),
            lambda place: place in sees,
            lambda _seconds, call: self.waiting.append(call),
        )

    def window_ends(self) -> None:
        self.waiting.pop()()


def line(source: str, text: str, severity: Severity = Severity.WARNING, age_s: float = 0) -> LifecycleLine:
    at = datetime.now().astimezone() - timedelta(seconds=age_s)
    return LifecycleLine(at, source, text, severity)


def lost(number: int) -> LifecycleLine:
    return line(f"10.0.0.{number}:50052", "refused")


def test_what_matters_is_told_and_what_does_not_is_not() -> None:
    listener = Listener()
    listener.notices.take(
        [
            line("coordinator", "ready in 71 s", Severity.GOOD),
            line("coordinator", "loading", Severity.INFO),
            line("http://10.0.0.1:11434", "down: Nothing listens."),
            SweepGoing(3, 10, 2, 1.0, ended=False),
        ]
    )
    assert listener.told == [
        ("coordinator: ready in 71 s", Severity.GOOD),
        ("http://10.0.0.1:11434: down: Nothing listens.", Severity.WARNING),
    ]


def test_the_end_of_a_sweep_is_told_whatever_it_found() -> None:
    listener = Listener()
    listener.notices.take([SweepGoing(10, 10, 0, 1.0, ended=True)])
    assert [text for text, _ in listener.told] == ["discovery: found 0 backends in 1.0 s"]


@pytest.mark.parametrize(
    ("seen", "source"),
    [
        (Place.BACKENDS, "10.0.0.1:50052"),
        (Place.NODES, "http://10.0.0.1:11434"),
        (Place.COORDINATOR, "coordinator"),
    ],
)
def test_what_is_seen_is_not_told_but_kept(seen: Place, source: str) -> None:
    listener = Listener(sees=(seen,))
    listener.notices.take([line(source, "gone")])
    assert listener.told == []
    assert [notice.text for notice in listener.notices.kept] == ["gone"]


def test_what_happened_before_is_not_told() -> None:
    listener = Listener()
    listener.notices.take([line("engine", "There is none.", age_s=60)])
    assert listener.told == []
    assert len(listener.notices.kept) == 1


def test_fifty_at_once_are_told_as_one() -> None:
    listener = Listener()
    listener.notices.take([lost(n) for n in range(50)])
    assert listener.told == [
        ("50 things happened: 50 in RPC backends. 'notices' lists them.", Severity.WARNING)
    ]
    assert len(listener.notices.kept) == 50


def test_fifty_one_after_another_are_told_as_a_few() -> None:
    listener = Listener()
    for number in range(50):
        listener.notices.take([lost(number)])
    assert len(listener.told) == BURST
    listener.window_ends()
    assert len(listener.told) == BURST + 1
    assert listener.told[-1][0].startswith(f"{50 - BURST} things happened")
    assert len(listener.waiting) == 1
    listener.window_ends()
    assert listener.waiting == [], "nothing ticks when nothing happens"


def test_a_failure_that_a_command_has_told_is_not_told_again_by_the_core() -> None:
    listener = Listener()
    failed = Incident(
        datetime.now().astimezone(),
        "coordinator",
        "failed: It broke.",
        Severity.ERROR,
        failure=Failure("It broke."),
    )
    assert listener.notices.first_to_tell("It broke.")
    listener.notices.take([failed])
    assert listener.told == []
    listener.window_ends()
    listener.notices.take([failed])
    assert listener.told == [("coordinator: It broke.", Severity.ERROR)], "it is another one by now"


def test_only_the_newest_are_kept() -> None:
    listener = Listener()
    listener.notices.take([lost(n) for n in range(KEPT + 10)])
    assert len(listener.notices.kept) == KEPT


async def test_a_toast_comes_up_and_the_sheet_lists_it(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.bus.say("10.0.0.1:50052", "refused", Severity.WARNING)
        await until(lambda: console.toasts == ["10.0.0.1:50052: refused"])
        await console.press("escape", "exclamation_mark")
        await until(lambda: isinstance(console.app.screen, SheetScreen))
        assert "10.0.0.1:50052" in console.text


async def test_nothing_was_told_yet(open_console: OpenConsole) -> None:
    async with open_console(before=lambda c: c.bus._told.clear()) as console:
        await console.command("notices")
        await console.shows("Nothing was told yet.")


@pytest.mark.parametrize(("setting", "rings"), [("true", 1), ("false", 0)])
async def test_a_failure_rings_only_where_it_may(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch, setting: str, rings: int
) -> None:
    async with open_console(f"console: {{bell: {setting}}}") as console:
        bells: list[bool] = []
        monkeypatch.setattr(console.app, "bell", lambda: bells.append(True))
        console.cluster.bus.say("10.0.0.1:50052", "refused", Severity.WARNING)
        console.cluster.bus.report("coordinator", "failed", Failure("It broke."))
        await until(lambda: len(console.toasts) == 2)
        assert len(bells) == rings


async def test_an_answer_that_fails_while_another_pane_has_the_focus(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console("model: no-such-model") as console:
        may_go_on, answer = asyncio.Event(), console.cluster.answer

        async def answer_later(conversation: Conversation) -> AsyncGenerator[ChatPart]:
            await may_go_on.wait()
            async for part in answer(conversation):
                yield part

        monkeypatch.setattr(console.cluster, "answer", answer_later)
        await console.type("a prompt")
        await console.press("enter", "alt+2")
        may_go_on.set()
        await until(lambda: bool(console.toasts))
        assert "No model is called 'no-such-model'" in console.toasts[0]
