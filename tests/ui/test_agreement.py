"""Before a large model is loaded for the first time one sees its plan, and agrees or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

import pytest

from app.core.answering import Answering
from app.core.chat import CANCELLED
from app.core.coordinator import Coordinator
from app.core.placement_history import PastPlacement
from app.core.plan import Plan
from app.core.routing import Route
from tests.support.console import Console, OpenConsole
from tests.support.plans import LARGE, plan_large
from tests.support.scripted import Script, whole
from tests.support.waiting import until
from tests.ui.test_plan_screen import people

SAID = "It is loaded for the first time: enter loads it by this plan, esc does not load it."


async def test_enter_goes_on_with_the_prompt_by_what_was_tried(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, loads):
        console.main.chat.ask("Does it fit?")
        await console.shows(SAID)
        assert not loads
        await console.press("minus")
        await console.shows("context 4,096")
        await console.press("enter")
        await console.shows("It does.")
        assert loads == [4096]
        [turn] = console.main.chat.conversation.turns
        assert turn.route is not None
        assert any("a context of 4,096" in reason for reason in turn.route.reasons)

        console.main.chat.ask("And now?")
        await console.shows(SAID)
        await console.press("enter")
        await until(lambda: console.main.chat.conversation.turns[-1].text == "It does.")
        assert loads == [4096, 8192]


async def test_escape_loads_nothing_and_the_prompt_can_be_put_again(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, loads):
        await console.command("start")
        await console.shows(SAID)
        await console.press("escape")
        await until(lambda: not any(worker.name == "start" for worker in console.app.workers))
        assert not loads

        console.main.chat.ask("Does it fit?")
        await console.shows(SAID)
        await console.press("escape")
        await until(lambda: not console.main.chat.answering)
        [turn] = console.main.chat.conversation.turns
        assert (turn.ending, turn.text, loads) == (CANCELLED, "", [])

        console.cluster.coordinators.history.add(PastPlacement(datetime.now(UTC), LARGE.name, 512, ()))
        await console.command("retry")
        await console.shows("It does.")
        assert loads == []


@asynccontextmanager
async def opened(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Console, list[int]]]:
    """A console whose chosen model is large and answers; with the contexts with which it is loaded."""
    settings = ("distributed_inference: true", f'model: "{LARGE.name}"')
    async with open_console(*settings, before=people) as console:
        plan_large(console.cluster, monkeypatch)
        loads, script = list[int](), Script(*whole("It does."))

        async def start(_name: str, plan: Plan | None = None) -> None:
            loads.append(plan.context if plan else 0)

        async def coordinator(_route: Route) -> Coordinator:
            return cast("Coordinator", script)

        cluster = console.cluster
        monkeypatch.setattr(cluster.dispatcher, "start", start)
        cluster._answering = Answering(
            cluster.dispatcher.route, cluster.pool, coordinator, cluster.settings.chat
        )
        yield console, loads
