"""What the commands of every pane do."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from app.text.problem import Problem
from app.text.units import plural
from app.ui.command import Deed
from app.ui.placements_sheet import history_sheet
from app.ui.places import Place
from app.ui.screens.leave import LeaveScreen
from app.ui.screens.models import ModelScreen
from app.ui.screens.sheet import SheetScreen
from app.ui.sheets import help_sheet, notices_sheet, reload_sheet, route_sheet, status_sheet

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


_LOADS_SHOWN = 10


def go(place: Place) -> Deed:
    """The deed that focuses one pane."""

    def deed(screen: MainScreen, _argument: str) -> None:
        screen.go(place)

    return deed


def go_by(step: int) -> Deed:
    """The deed that focuses the pane so many places further on; those that are hidden do not count."""

    def deed(screen: MainScreen, _argument: str) -> None:
        places = [place for place in Place if place is screen.place or place not in screen.hidden]
        screen.go(places[(places.index(screen.place) + step) % len(places)])

    return deed


async def discover(screen: MainScreen, _argument: str) -> None:
    """Sweep, and save what is found."""
    await screen.cluster.discover()
    hint = _how_to_spread(screen)
    if not screen.cluster.backends.known:
        hint = "No backend is known yet: 'welcome' tells how to make one."
    if hint:
        screen.tell(hint)


async def distribute(screen: MainScreen, word: str) -> None:
    """Switch distribution; with no backend known, look for some at once."""
    cluster = screen.cluster
    on = word == "on" if word else not cluster.choices.now.distributed
    await cluster.choices.set_distributed(on=on)
    if on and not cluster.backends.known:
        screen.action_command("rpc discover")


async def choose_model(screen: MainScreen, name: str) -> None:
    """Make a model the chosen one, and say where its prompts will go."""
    if not name:
        picker = ModelScreen(screen.cluster, partial(obey_or_report, screen))
        picked = await screen.app.push_screen_wait(picker)
        name = picked or ""
    if name:
        route = await screen.cluster.dispatcher.route(name)
        await screen.cluster.choices.set_model(name)
        hint = "" if route.backends or route.node else _how_to_spread(screen)
        why = f" ({route.lack})" if route.lack else ""
        stops = f"That stops {', '.join(route.stops)}. " if route.stops else ""
        screen.tell(f"{name}: {route.summary}{why}. {stops}{hint}".rstrip())


async def show_route(screen: MainScreen, name: str) -> None:
    """Show a route with its reasons."""
    route = await screen.cluster.dispatcher.route(name or chosen(screen))
    await screen.app.push_screen(SheetScreen(f"Route of {route.model.name}", route_sheet(route)))


async def show_placements(screen: MainScreen, _argument: str) -> None:
    """Show what was planned for the last loads, and what came of it."""
    past = await asyncio.to_thread(screen.cluster.coordinators.history.newest, _LOADS_SHOWN)
    if not past:
        raise Problem("No load was planned yet.", "The first start of a model over backends is.")
    await screen.app.push_screen(SheetScreen("Placements", history_sheet(past)))


async def show_status(screen: MainScreen, _argument: str) -> None:
    """Show the whole cluster at a glance."""
    await screen.app.push_screen(SheetScreen("Status", await status_sheet(screen.cluster)))


async def fetch_engine(screen: MainScreen, _argument: str) -> None:
    """Fetch the llama.cpp programs."""
    await screen.cluster.fetch_engine()


async def show_notices(screen: MainScreen, _argument: str) -> None:
    """Show what was told in passing, the newest first."""
    await screen.app.push_screen(SheetScreen("Notices", notices_sheet(screen.notices.kept)))


async def reload(screen: MainScreen, _argument: str) -> None:
    """Read the configuration again, and show what it has changed last."""
    watched = screen.cluster.reload
    await watched.again()
    sheet = reload_sheet(watched.latest, screen.cluster.resolved.sources.file)
    await screen.app.push_screen(SheetScreen("Configuration", sheet))


async def show_help(screen: MainScreen, _argument: str) -> None:
    """Show every command and key."""
    await screen.app.push_screen(SheetScreen("Help", help_sheet(screen.commands, screen.place)))


def zoom(screen: MainScreen, _argument: str) -> None:
    """Show one pane alone, or all of them again."""
    screen.toggle_class("-zoomed")


def cancel(screen: MainScreen, _argument: str) -> None:
    """End what is under way."""
    screen.cancel()


def interrupt(screen: MainScreen, _argument: str) -> None:
    """Do what Ctrl-C does."""
    screen.interrupt.press()


def suspend(screen: MainScreen, _argument: str) -> None:
    """Stop this process until the shell lets it go on; a coordinator goes on meanwhile."""
    screen.app.action_suspend_process()


async def undo(screen: MainScreen, _argument: str) -> None:
    """Bring back what was taken away last."""
    await screen.undo.back()


async def leave(screen: MainScreen, _argument: str) -> None:
    """End the console; coordinators that run are stopped or left, as the settings or the person say."""
    cluster = screen.cluster
    wish: str | None = cluster.settings.coordinator.on_quit
    present = cluster.coordinators.present
    if present and wish == "ask":
        wish = await screen.app.push_screen_wait(LeaveScreen(*(each.status for each in present)))
    if wish is None:
        return
    if present and wish == "stop":
        await cluster.coordinators.stop()
    screen.app.exit()


def nothing(_screen: MainScreen, _argument: str) -> None:
    """For a command that can never run yet; its `why_not` says so."""


def obey_or_report(screen: MainScreen, line: str) -> None:
    """Carry out a command that another screen gives; where it cannot run, say why."""
    try:
        screen.obey(line)
    except Problem as problem:
        screen.report(problem)


def chosen(screen: MainScreen) -> str:
    """The chosen model.

    Raises:
        Problem: none is chosen.
    """
    model = screen.cluster.choices.now.model
    if model is None:
        raise Problem("No model is chosen.", "Choose one with 'model NAME'.")
    return model


def _how_to_spread(screen: MainScreen) -> str:
    """What stands between the backends that can be used and their use; "" where nothing does."""
    usable = screen.cluster.backends.usable
    if screen.cluster.choices.now.distributed or not usable:
        return ""
    return f"Distribution is off: D spreads large models over {plural(len(usable), 'backend')}."
