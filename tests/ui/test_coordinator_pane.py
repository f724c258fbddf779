"""The coordinator pane: its state, what happened, its requests, and its log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.bottleneck import Bottleneck
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.events import LifecycleLine, Severity
from app.core.loading import LoadPhase, LoadProgress, LoadShare
from app.core.log_watch import LogGrew
from app.core.requests import Request, RequestsChanged, RequestState
from app.llama.failure import Failure
from app.llama.log_book import LogBook
from app.text.address import Address
from app.text.units import GIB, MIB
from tests.support.console import NARROW, NOON, WIDE, Console, OpenConsole, narrate, ready_status
from tests.support.waiting import until

GONE = Failure(
    "Backend 127.0.0.3:50052 closed the connection.",
    "Restart the RPC server there.",
    ("ggml-rpc.cpp:685: Remote RPC server crashed", "second line"),
    Address("127.0.0.3", 50052),
)


def record(number: int, text: str, level: str = "info") -> str:
    return json.dumps({"type": "log", "time": number * 1_000_000, "level": level, "msg": f"{text}\n"}) + "\n"


async def write_log(console: Console, folder: Path, lines: Sequence[str]) -> LogBook:
    """Let a coordinator's log have these lines, and show it."""
    log = folder / "coordinator.log"
    log.write_text("".join(lines))
    book = LogBook(log)
    while await book.grow():
        pass
    console.cluster.bus.publish(LogGrew(book))
    await until(lambda: console.main.coordinator.log_panel.book is book)
    return book


SAID = (
    *(record(n, f"srv  load: line {n}") for n in range(100)),
    record(100, "slot release: id 0 Timeout", "warn"),
    record(101, "slot release: id 1", "error"),
    "terminate called without an active exception\n",
    *(record(n, f"srv  update: all slots idle {n}") for n in range(103, 200)),
)


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


@pytest.mark.parametrize("keys", [("enter", "enter"), ("space", "space"), ("enter", "space")])
async def test_an_incident_opens_and_folds(open_console: OpenConsole, keys: tuple[str, str]) -> None:
    async with open_console() as console:
        console.cluster.bus.report("coordinator", f"failed: {GONE.cause}", GONE)
        await console.press("escape", "4", "z")
        await console.shows("▸ coordinator failed: Backend 127.0.0.3:50052 closed the connection.")
        assert "Restart the RPC" not in console.text
        await console.press(keys[0])
        await console.shows("▾ coordinator failed")
        for detail in ("suspect  127.0.0.3:50052", "remedy   Restart the RPC", "log      ggml-rpc.cpp:685"):
            assert detail in console.text
        await console.press(keys[1])
        await console.shows("▸ coordinator failed")
        assert "Restart the RPC" not in console.text


async def test_an_incident_opens_by_a_click_and_is_copied_whole(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.bus.say("coordinator", "starting m")
        console.cluster.bus.report("coordinator", f"failed: {GONE.cause}", GONE)
        await console.press("escape", "4", "z")
        await console.shows("▸ coordinator failed")
        row = next(y for y, line in enumerate(console.text.splitlines()) if "▸" in line)
        await console.pilot.click(offset=(12, row))
        await console.shows("▾ coordinator failed")
        await console.press("y")
        await until(lambda: "second line" in console.app.clipboard)
        assert console.app.clipboard.splitlines()[1:] == [
            "  suspect  127.0.0.3:50052",
            "  remedy   Restart the RPC server there.",
            "  log      ggml-rpc.cpp:685: Remote RPC server crashed",
            "           second line",
        ]


async def test_a_load_shows_what_was_sent_and_no_guess_too_early(open_console: OpenConsole) -> None:
    async with open_console() as console:
        loading = replace(ready_status(), state=CoordinatorState.LOADING, ready_in_s=None)
        console.cluster.bus.publish(CoordinatorChanged(loading))
        console.cluster.bus.publish(LoadProgress(LoadPhase.CONNECTING, 2.0))
        await console.press("escape", "4", "z")
        await console.shows("connecting  2.0 s so far")
        assert "%" not in console.main.query_one("#summary").query_one("Said").render().plain  # type: ignore[union-attr]
        console.cluster.bus.publish(LoadProgress(LoadPhase.LOADING, 4.0))
        await console.shows("loading  4.0 s so far  bottleneck —")
        shares = (LoadShare(Address("127.0.1.11", 50052), 30 * GIB, 40 * GIB),)
        console.cluster.bus.publish(LoadProgress(LoadPhase.LOADING, 6.0, shares))
        await console.shows("75%  30.0 GiB of 40.0 GiB  —  bottleneck —")
        shares = (replace(shares[0], rate=112.0 * MIB),)
        found = LoadProgress(LoadPhase.LOADING, 71.0, shares, 24.0, Bottleneck.NETWORK)
        console.cluster.bus.publish(found)
        await console.shows("75%  30.0 GiB of 40.0 GiB  112 MiB/s  bottleneck network")
        await console.shows("loading  71 s so far  about 24 s left")
        await console.shows("75%  30.0 GiB of 40.0 GiB   112 MiB/s")
        console.cluster.bus.publish(CoordinatorChanged(ready_status()))
        await console.shows("● ready")
        assert "so far" not in console.text


@pytest.mark.parametrize(
    ("size", "shown", "more"),
    [(WIDE, (13, 14, 15), 5), (NARROW, tuple(range(10, 18)), 0)],
    ids=["wide", "narrow"],
)
async def test_of_many_backends_those_that_are_not_done_are_shown(
    open_console: OpenConsole, size: tuple[int, int], shown: tuple[int, ...], more: int
) -> None:
    async with open_console(size=size) as console:
        loading = replace(ready_status(), state=CoordinatorState.LOADING, ready_in_s=None)
        shares = tuple(
            LoadShare(Address(f"127.0.1.{n}", 50052), GIB if n < 13 else 0, GIB, 0.0) for n in range(10, 18)
        )
        await console.press("escape", "4")
        console.cluster.bus.publish(CoordinatorChanged(loading))
        console.cluster.bus.publish(LoadProgress(LoadPhase.LOADING, 71.0, shares, 24.0, Bottleneck.ONE_CORE))
        await console.shows(f"and {more} more" if more else "127.0.1.17:50052  ")
        assert "bottleneck one core" in console.text
        assert [n for n in range(10, 18) if f"127.0.1.{n}:50052  " in console.text] == list(shown)


async def test_requests_with_their_rates(open_console: OpenConsole) -> None:
    async with open_console() as console:
        done = Request(1, 0, RequestState.DONE, 1.0, 3.5, 1200, 2.0, 30, 1.5, 1230)
        console.cluster.bus.publish(RequestsChanged((done, Request(2, 0, began_s=5.0))))
        await console.press("escape", "4", "z", "t")
        await console.shows("600.0")
        row = next(line for line in console.text.splitlines() if "1,200" in line).split()
        assert row == ["1", "1,200", "600.0", "30", "20.0", "3.5", "s", "done", "0"]
        assert "running" in console.text
        await console.press("y")
        await until(lambda: console.app.clipboard.startswith("task 1 slot 0: prompt 1,200 tokens"))
        cancelled = replace(done, task=2, state=RequestState.CANCELLED, generated=None)
        console.cluster.bus.publish(RequestsChanged((cancelled,)))
        await console.shows("cancelled")
        assert "running" not in console.text


async def test_the_raw_log_is_read_for_people(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console() as console:
        slow = {"type": "log", "time": 12_345_678, "level": "W", "msg": "srv  load_model: \x1b[31mslow"}
        await write_log(console, tmp_path, [json.dumps(slow) + "\n", "terminate called\n"])
        await console.press("escape", "4", "l")
        await console.shows("12.35 srv  load_model: slow")
        await console.shows("terminate called")
        await console.press("l")
        await until(lambda: "terminate called" not in console.text)


async def test_search_goes_from_match_to_match(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console() as console:
        await write_log(console, tmp_path, SAID)
        await console.press("escape", "4", "z", "l", "slash", *"release", "enter")
        panel = console.main.coordinator.log_panel
        await until(lambda: panel.view.cursor == 101)
        await console.shows("/release 2 of 2")
        await console.shows("log · paused")
        await console.press("n")
        await until(lambda: panel.view.cursor == 100)
        await console.press("N")
        await until(lambda: panel.view.cursor == 101)
        await console.shows("slot release: id 1")
        await console.press("slash", *"Line", "enter")
        await console.shows("/Line 0")
        await console.press("slash", "escape")
        await until(lambda: panel.view.sought is None)
        assert panel.view.has_focus


async def test_levels_and_components_are_left_out(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console() as console:
        await write_log(console, tmp_path, SAID)
        await console.press("escape", "4", "z", "l", "L", "L")
        await console.shows("terminate called")
        await until(lambda: "slots idle" not in console.text)
        assert console.text.count("slot release") == 2
        await console.press("L")
        await until(lambda: console.text.count("slot release") == 1)
        await console.press("L")
        await console.shows("slots idle 199")
        await console.command("log filter slot")
        await until(lambda: console.main.coordinator.log_panel.view.in_view == [100, 101])
        await console.command("log filter line 4[23]")
        await until(lambda: console.main.coordinator.log_panel.view.in_view == [42, 43])
        await console.command("log filter")
        await console.command("log level error")
        await until(lambda: console.main.coordinator.log_panel.view.in_view == [101, 102])


async def test_components_complete(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console() as console:
        await write_log(console, tmp_path, SAID)
        assert [c.shown for c in console.main.completions("log filter s")] == ["srv", "slot"]


async def test_a_moment_is_gone_to(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console() as console:
        book = await write_log(console, tmp_path, SAID)
        assert [await book.at(s) for s in (0, 41.5, 101, 101.5, 150, 1e9)] == [0, 42, 101, 102, 150, 199]


async def test_marked_lines_and_lines_in_view_are_copied(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console() as console:
        await write_log(console, tmp_path, SAID)
        await console.press("escape", "4", "z", "l")
        await console.shows("slots idle 199")
        await console.press("k", "k", "space", "k", "y")
        await until(lambda: "196" in console.app.clipboard)
        assert [line[-3:] for line in console.app.clipboard.splitlines()] == ["196", "197"]
        await console.press("Y")
        await until(lambda: "199" in console.app.clipboard)
        assert len(console.app.clipboard.splitlines()) == console.main.coordinator.log_panel.view.size.height


async def test_what_is_shown_is_exported_to_a_new_file(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console() as console:
        await write_log(console, tmp_path, SAID)
        target = tmp_path / "out.txt"
        await console.command("log level warn")
        await console.command(f"log export {target}")
        await until(lambda: any("3 lines written" in toast for toast in console.toasts))
        assert [line[-8:] for line in target.read_text().splitlines()] == [" Timeout", "se: id 1", "xception"]
        await console.command(f"log export {target}")
        await until(lambda: any("exists already" in toast for toast in console.toasts))


async def test_nothing_can_be_done_to_a_log_that_is_not_there(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("log search x")
        await console.shows("No coordinator has a log yet.")


async def test_lost_lines_are_told(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for number in range(1_500):
            console.cluster.bus.say("test", f"line {number}")
        await console.press("escape", "4", "z")
        await console.shows("line 1499")
        await console.press("g")
        await until(lambda: "lines lost: they came faster than they could be shown" in console.text)


async def test_no_state_is_lost_in_a_flood(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.bus.publish(CoordinatorChanged(ready_status()))
        for number in range(20_000):
            console.cluster.bus.say("test", f"line {number}")
        await console.shows("● ready in 71 s")


async def test_paused_tells_what_has_come(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for number in range(100):
            console.cluster.bus.publish(LifecycleLine(NOON, "discovery", f"line {number}"))
        await console.press("escape", "4")
        await console.shows("line 99")
        await console.press("k")
        console.cluster.bus.say("discovery", "line 100", Severity.GOOD)
        await console.shows("paused +1 line")
        await console.press("f")
        await console.shows("line 100")
        await console.shows("events · follow")
