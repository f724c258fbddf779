"""What the commands for themes and for the layout do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.config.state import Layout
from app.core.events import Severity
from app.text.problem import Problem
from app.ui import layout as layouts
from app.ui.command import Deed
from app.ui.places import Place
from app.ui.screens.themes import ThemeScreen
from app.ui.themes import theme_problem

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen

Change = Callable[[Layout, Place], Layout]


async def choose_theme(screen: MainScreen, name: str) -> None:
    """Use a theme from now on."""
    known = sorted(screen.app.available_themes)
    chosen: str | None = name
    if not chosen:
        chosen = await screen.app.push_screen_wait(ThemeScreen(known, screen.app.theme))
    if not chosen:
        return
    if problem := theme_problem(screen.app, chosen):
        raise problem
    screen.app.theme = chosen
    await screen.cluster.appearance.keep_last_theme(chosen)
    await screen.cluster.appearance.set_theme(chosen)


async def tell_of_theme(screen: MainScreen) -> None:
    """Say where the settings name an unknown theme; begin the next start in the one that they name."""
    wanted = screen.cluster.settings.console.theme
    if wanted is not None and (problem := theme_problem(screen.app, wanted)):
        screen.cluster.bus.say("settings", f"console.theme: {problem}", Severity.WARNING)
    await screen.cluster.appearance.keep_last_theme(wanted)


def rearrange(change: Change) -> Deed:
    """The deed that changes the layout with regard to the focused pane."""

    async def deed(screen: MainScreen, _argument: str) -> None:
        await _use(screen, change(screen.cluster.appearance.layout, screen.place))

    return deed


async def hide(screen: MainScreen, name: str) -> None:
    """Hide a pane; the focus goes to one that is left."""
    place = Place(name) if name else screen.place
    layout = layouts.without(screen.cluster.appearance.layout, place)
    left = [each for each in Place if each not in layout.hidden]
    if not left:
        raise Problem("One pane has to stay.", "Show another one first, with 'show PANE'.")
    await _use(screen, layout)
    if screen.place not in left:
        screen.go(left[0])


async def show(screen: MainScreen, name: str) -> None:
    """Show a pane that was hidden."""
    await _use(screen, layouts.with_shown(screen.cluster.appearance.layout, Place(name)))
    screen.go(Place(name))


async def use_preset(screen: MainScreen, name: str) -> None:
    """Use a whole layout."""
    await _use(screen, layouts.PRESETS[name])


async def _use(screen: MainScreen, layout: Layout) -> None:
    layouts.arrange(screen, layout)
    await screen.cluster.appearance.set_layout(layout)
