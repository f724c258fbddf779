"""The coordinator pane: its state, what happened, its log, and what was lost."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from app.core.coordinator import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.events import LogLine, Severity
from app.llama.failure import Failure
from tests.support.console import NARROW, NOON, WIDE, OpenConsole, narrate, ready_status
from tests.support.waiting import until


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_a_ready_coordinator(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(size=size) as console:
        narrate(console.cluster)
        await console.press("escape", "4")
        await console.shows("llama3.1:405b  ● ready in 71 s  :18080  pid 4711")
        await console.shows("127.0.1.11:50052      RPC0   42 layers   77.5 GiB")
        await console.shows("this box              CPU    1 layer      1.2 GiB")
        await console.shows("12:00:58 coordinator ready in 71 s (3 backends)")
        assert console.text.count("received nothing") == 1


@pytest.mark.parametrize("state", CoordinatorState)
async def test_every_state_is_a_word(open_console: OpenConsole, state: CoordinatorState) -> None:
    async with open_console() as console:
        console.cluster.bus.publish(CoordinatorChanged(CoordinatorStatus(state, "m", since=NOON)))
        await console.shows(f"m  ● {state}")


async def test_a_failure_with_its_remedy(open_console: OpenConsole) -> None:
    async with open_console() as console:
        failure = Failure("The model does not fit.", "Add a backend.")
        failed = replace(ready_status(), state=CoordinatorState.FAILED, failure=failure, placement=())
        console.cluster.bus.publish(CoordinatorChanged(failed))
        await console.shows("The model does not fit. Add a backend.")
        await console.shows("● failed")


async def test_the_raw_log_is_read_for_people(open_console: OpenConsole) -> None:
    async with open_console() as console:
        record = {"type": "log", "time": 12_345_678, "level": "W", "msg": "srv  load_model: \x1b[31mslow"}
        console.cluster.bus.publish(LogLine(json.dumps(record)))
        console.cluster.bus.publish(LogLine("terminate called without an active exception"))
        await console.press("escape", "4", "l")
        await console.shows("12.35 srv  load_model: slow")
        await console.shows("terminate called without an active exception")
        await console.press("l")
        await until(lambda: "terminate called" not in console.text)


async def test_lost_lines_are_told(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for number in range(10_200):
            console.cluster.bus.publish(LogLine(f"line {number}"))
        await console.press("escape", "4", "l")
        await console.shows("line 10199")
        notice = r"… 2\d\d lines lost: they came faster than they could be shown\n"
        assert re.search(notice, console.main.coordinator.view.text)


async def test_no_state_is_lost_in_a_flood(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.bus.publish(CoordinatorChanged(ready_status()))
        for number in range(20_000):
            console.cluster.bus.publish(LogLine(f"line {number}"))
        await console.shows("● ready in 71 s")


async def test_paused_tells_what_has_come(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for number in range(100):
            console.cluster.bus.say("discovery", f"line {number}")
        await console.press("escape", "4")
        await console.shows("line 99")
        await console.press("k")
        console.cluster.bus.say("discovery", "line 100", Severity.GOOD)
        await console.shows("paused, 1 new · f follows")
        await console.press("f")
        await console.shows("line 100")
        await console.shows("events · follow")
