"""What the commands of the coordinator pane do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.config.disk import not_written
from app.llama.command import command_text
from app.llama.log import Level
from app.llama.log_sieve import pattern_of
from app.text.moment import parse_moment, seconds_after
from app.text.problem import Problem
from app.text.units import plural
from app.ui.agreement import agreed_plan
from app.ui.command import Deed
from app.ui.deeds.everywhere import chosen
from app.ui.deeds.paths import named_path
from app.ui.places import Place
from app.ui.screens.copied import CopyScreen
from app.ui.views import View
from app.ui.widgets.log_panel import LogPanel
from app.ui.widgets.search import SearchLine

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


ALL = "all"
"""In place of a model's name."""


async def start(screen: MainScreen, name: str) -> None:
    """Have a model loaded, and wait until it is ready; a large one for the first time only if one agrees."""
    cluster, model, plan = screen.cluster, name or chosen(screen), None
    route = await cluster.dispatcher.route_of_start(model)
    if await cluster.dispatcher.is_first_load(route):
        plan = await agreed_plan(screen.app, cluster, route)
        if plan is None:
            return
    await cluster.dispatcher.start(model, plan)


async def stop(screen: MainScreen, name: str) -> None:
    """End the coordinator of a model, that which is shown, or all of them."""
    coordinators, shown = screen.cluster.coordinators, screen.coordinator.status
    if name == ALL or shown is None:
        await coordinators.stop()
    elif not await coordinators.stop(name or shown.model):
        raise Problem(f"No coordinator of {name or shown.model} runs.", "']' shows another one.")


def go_by(step: int) -> Deed:
    """The deed that shows the coordinator so many places further on."""

    def deed(screen: MainScreen, _argument: str) -> None:
        screen.go(Place.COORDINATOR)
        screen.coordinator.go_by(step)

    return deed


async def restart(screen: MainScreen, _argument: str) -> None:
    """Load the same model again, on backends that are chosen anew."""
    shown = screen.coordinator.status
    await screen.cluster.dispatcher.restart(shown.model if shown is not None else None)


async def show_command(screen: MainScreen, _argument: str) -> None:
    """Show the command that the coordinator was started with."""
    shown = screen.coordinator.status
    if shown is not None:
        remark = "The key is in the environment only, where nobody else on this box can read it."
        text = command_text(shown.argv)
        await screen.app.push_screen(CopyScreen(f"Coordinator of {shown.model}", text, remark))


def toggle_log(screen: MainScreen, _argument: str) -> None:
    """Show the raw log, or what happened."""
    screen.go(Place.COORDINATOR)
    screen.coordinator.toggle(View.LOG)


def toggle_requests(screen: MainScreen, _argument: str) -> None:
    """Show the requests, or what happened."""
    screen.go(Place.COORDINATOR)
    screen.coordinator.toggle(View.REQUESTS)


def follow(screen: MainScreen, _argument: str) -> None:
    """Go to the newest line and stay there."""
    screen.coordinator.follow()


def open_incident(screen: MainScreen, _argument: str) -> None:
    """Open the incident under the cursor, or fold it."""
    screen.coordinator.timeline.toggle()


def mark(screen: MainScreen, _argument: str) -> None:
    """Begin a marked range in the log; elsewhere, open the incident under the cursor."""
    if screen.coordinator.shown is View.LOG:
        screen.coordinator.log_panel.view.toggle_mark()
    else:
        screen.coordinator.timeline.toggle()


async def copy(screen: MainScreen, _argument: str) -> None:
    """Copy what the cursor or the marks are on."""
    _copy(screen, await screen.coordinator.copied())


async def copy_view(screen: MainScreen, _argument: str) -> None:
    """Copy the lines of the log that are in view."""
    view = _log(screen).view
    _copy(screen, await view.text_of(view.in_view))


def search(screen: MainScreen, text: str) -> None:
    """Search the log for a text, or ask for one."""
    panel = _log(screen)
    if text:
        panel.search(text)
    else:
        panel.query_one(SearchLine).open()


def next_match(screen: MainScreen, _argument: str) -> None:
    """Go to the next match."""
    _log(screen).step(1)


def previous_match(screen: MainScreen, _argument: str) -> None:
    """Go to the match before."""
    _log(screen).step(-1)


def choose_level(screen: MainScreen, word: str) -> None:
    """Show lines from a level on; without a word, leave out one level more."""
    panel = _log(screen)
    if word:
        panel.keep(replace(panel.wanted, level=Level(word)))
    else:
        panel.next_level()


def choose_lines(screen: MainScreen, text: str) -> None:
    """Show the lines of one component, or those with a text; without either, all again."""
    panel = _log(screen)
    is_component = panel.book is not None and text in panel.book.components
    component = text if is_component else ""
    pattern = pattern_of(text) if text and not is_component else None
    panel.keep(replace(panel.wanted, component=component, pattern=pattern))


def toggle_wrap(screen: MainScreen, _argument: str) -> None:
    """Fold long lines, or cut them off."""
    _log(screen).view.toggle_wrap()


async def go_to_time(screen: MainScreen, text: str) -> None:
    """Go to the first line of the log from that moment on."""
    shown = screen.coordinator.status
    if shown is not None and shown.started is not None:
        await _log(screen).go_to_time(seconds_after(shown.started, parse_moment(text)))


async def export(screen: MainScreen, text: str) -> None:
    """Write the lines that are shown to a new file.

    Raises:
        Problem: it exists already, or cannot be written.
    """
    path = named_path(text)
    try:
        count = await _log(screen).export(path)
    except OSError as error:
        raise not_written(path, error) from None
    screen.tell(f"{plural(count, 'line')} written to {path}.")


def _log(screen: MainScreen) -> LogPanel:
    """The raw log, brought into view."""
    if screen.coordinator.shown is not View.LOG:
        screen.coordinator.show(View.LOG)
    screen.go(Place.COORDINATOR)
    return screen.coordinator.log_panel


def _copy(screen: MainScreen, text: str) -> None:
    if text:
        screen.app.copy_to_clipboard(text)
        screen.tell(f"Copied {plural(text.count(chr(10)) + 1, 'line')}.")
