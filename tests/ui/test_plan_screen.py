"""The plan view: what it says, what each key tries, and that enter loads by what is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from app.cli.forms import plan_form
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState
from app.core.plan import Misfit, Plan
from app.core.planning import AS_SET, Change, Planned
from app.gguf.cache import CacheType
from app.rpc.probe import BackendState, Probe
from app.text.address import Address
from app.text.units import bytes_text, milliseconds_text
from app.ui.screens.models import ModelScreen
from app.ui.screens.plan import PlanScreen
from tests.support.console import OTHER, Console, OpenConsole, free
from tests.support.plans import LARGE, loaded_by, plan_large, planned_over
from tests.support.running import let_run
from tests.support.waiting import until

NEAR, FAR, SPARE = (Address(f"127.0.1.{n}", 50052) for n in (11, 12, 13))
SLOW = Address("127.0.1.15", 50052)
FITS = "fits on 3 backends"


def people(cluster: Cluster) -> None:
    """Let there be three that hold it together, and one that cannot be used."""
    for address, latency_ms in ((NEAR, 0.4), (FAR, 0.5), (SPARE, 12.0)):
        cluster.backends.take(free(address, latency_ms), "sweep")
    cluster.backends.take(Probe(OTHER, BackendState.MISMATCH, detail="it speaks 7.0.0"), "sweep")


@asynccontextmanager
async def opened(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Console, PlanScreen]]:
    """The view of a large model over three backends."""
    settings = ("distributed_inference: true", f'model: "{LARGE.name}"')
    async with open_console(*settings, before=people) as console:
        plan_large(console.cluster, monkeypatch)
        await console.press("escape", "p")
        await until(lambda: isinstance(console.app.screen, PlanScreen))
        screen = console.app.screen
        assert isinstance(screen, PlanScreen)
        await console.shows("enter loads")
        yield console, screen


async def tried(console: Console, screen: PlanScreen, *keys: str) -> Planned:
    """What came of planning after these keys."""
    await console.press(*keys)
    await until(lambda: screen._latest.change == screen._change, "a plan of what is tried")
    return screen._latest.planned


async def test_space_leaves_out_takes_back_and_asks_for_a_backend(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, screen):
        without = await tried(console, screen, "j", "space")
        assert FAR not in {row.backend for row in without.rows}
        await console.shows(f"- {FAR}        You left it out.")
        await console.shows("space takes it back")
        await console.press("y")
        assert console.app.clipboard == f"synaptic-tui plan {LARGE.name} --without {FAR}"
        assert FAR in {row.backend for row in (await tried(console, screen, "space")).rows}
        await console.shows(FITS)

        console.cluster.backends.take(free(SLOW, 30.0), "sweep")
        await console.shows(f"{SLOW}        The model fits on 3 backends with faster links.")
        await console.press("g", "j", "j", "j", "j", "space")
        await until(lambda: bool(console.toasts))
        assert console.toasts[-1] == f"{OTHER} cannot be used. Its state is mismatch (it speaks 7.0.0)."
        with_it = await tried(console, screen, "j", "space")
        assert SLOW in {row.backend for row in with_it.rows}
        await console.shows(f"+ {SLOW}")
        await tried(console, screen, "a")
        await console.shows("fits on 4 backends")
        await tried(console, screen, "a")
        await console.shows(FITS)


async def test_keys_change_context_and_cache_and_bring_all_back(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, screen):
        for key, context in (("plus", 16_384), ("right", 32_768), ("minus", 16_384), ("left", 8192)):
            assert (await tried(console, screen, key)).context == context
        await console.shows("context 8,192")
        assert (await tried(console, screen, "t")).k == "q8_0"
        await console.press("c")
        await console.shows("In tokens: 8192, or 8k.")
        await console.type("2k")
        assert (await tried(console, screen, "enter")).context == 2048
        await console.shows("context 2,048 (trained 131,072)   cache q8_0")
        for key in ("r", "backspace"):
            await tried(console, screen, "plus")
            again = await tried(console, screen, key)
            assert (again.context, again.k, screen._change) == (8192, "f16", AS_SET)


async def test_what_would_make_it_fit_is_one_key_away(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, screen):
        for key, text in (("1", "context 35,840"), ("2", "cache q5_1")):
            assert isinstance(await tried(console, screen, "r", "plus", "plus", "plus"), Misfit)
            await console.shows("does not fit: 17.6 GiB of it have no place")
            await console.press("enter")
            await until(lambda: any("It does not fit." in toast for toast in console.toasts))
            await tried(console, screen, key)
            await console.shows(text)
            await console.shows(FITS)


async def test_what_does_not_fit_is_loaded_where_a_person_insists(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, screen):
        started = _started(console, monkeypatch)
        forced = await tried(console, screen, "plus", "plus", "plus", "exclamation_mark")
        assert isinstance(forced, Plan)
        await console.shows("does not fit by 17.6 GiB, and is placed all the same")
        await console.press("enter")
        await until(lambda: bool(started))
        assert started == [(LARGE.name, forced)]


async def test_escape_loads_nothing_and_enter_what_is_tried(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, screen):
        started = _started(console, monkeypatch)
        await tried(console, screen, "minus")
        await console.press("escape")
        await until(lambda: not any(worker.name == "plan" for worker in console.app.workers))
        assert (started, console.app.screen) == ([], console.main)
        await console.press("p")
        await until(lambda: isinstance(console.app.screen, PlanScreen))
        again = console.app.screen
        assert isinstance(again, PlanScreen)
        await tried(console, again, "minus", "t")
        await console.press("enter")
        await until(lambda: bool(started))
        assert started == [(LARGE.name, again._latest.planned)]
        assert again._latest.change == Change(context=4096, cache=CacheType.Q8_0)
        assert console.app.screen is console.main


async def test_what_speaks_against_it_is_said(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, screen):
        await console.cluster.choices.set_distributed(on=False)
        await console.press("enter")
        await until(lambda: any("Distribution is off" in toast for toast in console.toasts))
        await console.shows("Distribution is off: 'distributed on' lets models be spread.")
        console.cluster.backends.take(Probe(SPARE, BackendState.REFUSED), "sweep")
        await console.shows("Its state is refused.")
        await console.shows("does not fit: ")
        planning = console.cluster.planning
        planning.coordinator = replace(planning.coordinator, extra_arguments=("-ngl", "3"))
        await console.press("plus")
        await console.shows("Nothing is planned, as coordinator.extra_arguments has '-ngl'.")
        assert console.app.screen is screen


async def test_a_plan_that_is_overtaken_is_not_shown(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, screen):
        held, plan = asyncio.Event(), console.cluster.dispatcher.plan

        async def slow(name: str, change: Change = AS_SET) -> Planned:
            if change.context == 16_384:
                await held.wait()
            return await plan(name, change)

        monkeypatch.setattr(console.cluster.dispatcher, "plan", slow)
        await console.press("plus")
        await console.shows("planning …")
        await console.press("enter")
        await until(lambda: "That is being planned still." in console.toasts)
        await tried(console, screen, "plus")
        held.set()
        await console.shows("context 32,768")
        assert screen._latest.planned.context == 32_768


async def test_after_the_load_actual_is_beside_planned(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console("distributed_inference: true", "model: another", before=people) as console:
        plan_large(console.cluster, monkeypatch)
        status = loaded_by(planned_over(console.cluster))
        let_run(monkeypatch, status)
        await console.press("escape", "4", "p")
        for text in (f"Plan for {LARGE.name}", "● runs by this plan, ready in 71 s", "holds    ", "-0.7 %"):
            await console.shows(text)
        screen = console.app.screen
        assert isinstance(screen, PlanScreen)
        await console.press("enter")
        await until(lambda: any("It is running already" in toast for toast in console.toasts))
        await tried(console, screen, "plus")
        assert "holds" not in console.text
        await tried(console, screen, "r")
        await console.shows("● runs by this plan")
        for other, said in (
            (replace(status, planned=None), "It is running; by which plan is not known any more."),
            (replace(status, state=CoordinatorState.LOADING), "Its coordinator is loading."),
        ):
            let_run(monkeypatch, other)
            console.cluster.bus.publish(CoordinatorChanged(other))
            await console.shows(said)
            assert "holds" not in console.text


async def test_the_list_of_models_opens_it(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console("distributed_inference: true", before=people) as console:
        plan_large(console.cluster, monkeypatch)
        started = _started(console, monkeypatch)
        await console.press("ctrl+r")
        await console.shows("distributed over 3 backen")
        await console.press("ctrl+l")
        await console.shows(f"Plan for {LARGE.name}")
        await console.press("escape")
        await until(lambda: isinstance(console.app.screen, ModelScreen))
        await console.press("ctrl+l")
        await console.shows(f"Plan for {LARGE.name}")
        await console.press("enter")
        await until(lambda: started == [(LARGE.name, planned_over(console.cluster))])
        await until(lambda: console.app.screen is console.main)


async def test_the_figures_of_the_screen_are_those_of_the_json(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(open_console, monkeypatch) as (console, screen):
        planned = await tried(console, screen, "minus")
        form = plan_form(LARGE.name, await console.cluster.dispatcher.plan(LARGE.name, Change(context=4096)))
        assert form == plan_form(LARGE.name, planned)
        await console.shows(f"context {form['context']:,}")
        rows = [line.split() for line in console.text.splitlines() if "██" in line]
        assert len(rows) == len(form["devices"]) == 3
        for line, device in zip(rows, form["devices"], strict=True):
            parts = (device[f"{part}_bytes"] for part in ("weights", "cache", "compute"))
            sizes = [word for size in (*parts, device["free_after"]) for word in bytes_text(size).split()]
            link = [milliseconds_text(device["latency_ms"]), "ms"]
            row = line[line.index(device["backend"]) :]
            bar = row[2]
            figures = [str(device["layers"]), bar, *sizes, *link]
            assert row[1 : 1 + len(figures)] == figures
            assert "".join(dict.fromkeys(bar)) == "█▓▒░"


def _started(console: Console, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Plan | None]]:
    """What was to be loaded, though nothing is."""
    started = list[tuple[str, Plan | None]]()

    async def start(name: str, plan: Plan | None = None) -> None:
        started.append((name, plan))

    monkeypatch.setattr(console.cluster.dispatcher, "start", start)
    return started
