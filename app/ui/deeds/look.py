"""What the commands for themes and for the layout do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.config.state import Layout
from app.text.problem import Problem
from app.ui import layout as layouts
from app.ui.command import Deed
from app.ui.places import Place
from app.ui.screens.themes import ThemeScreen

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
    if chosen not in known:
        raise Problem(f"There is no theme '{chosen}'.", "'theme' alone lists them all.")
    screen.app.theme = chosen
    await screen.cluster.appearance.set_theme(chosen)


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
