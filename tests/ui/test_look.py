"""Themes: applied, previewed, kept."""

from __future__ import annotations

import pytest
from textual.color import Color

from app.config.last_theme import last_theme
from app.config.state import StateFile
from app.ui.themes import OURS
from tests.support.console import Console, OpenConsole
from tests.support.waiting import until


async def test_the_theme_of_the_settings_is_there_from_the_first(open_console: OpenConsole) -> None:
    async with open_console("console: {theme: nord}") as console:
        assert console.app.theme == "nord"


async def test_a_theme_that_there_is_not_gives_way_to_ours_and_is_told(open_console: OpenConsole) -> None:
    async with open_console("console: {theme: no-such}") as console:
        assert console.app.theme == "synaptic"
        await until(lambda: bool(console.toasts), "what is said of it")
        assert "console.theme: There is no theme 'no-such'. They are ansi-dark, " in console.toasts[0]
        assert ", synaptic, synaptic-light, " in console.toasts[0]


async def test_the_next_start_begins_in_the_theme_of_this_one(open_console: OpenConsole) -> None:
    async with open_console("console: {theme: nord}") as console:
        await until(lambda: last_theme(console.cluster.places.cache) == "nord", "the one of the settings")
        await console.command("theme synaptic-light")
        await until(lambda: last_theme(console.cluster.places.cache) == "synaptic-light", "the chosen one")


async def test_a_theme_is_kept(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("theme synaptic-light")
        await until(lambda: _kept(console) == "synaptic-light", "the theme in the state")
        assert console.app.theme == "synaptic-light"
        await console.command("theme no-such")
        await until(lambda: any("no theme 'no-such'" in toast for toast in console.toasts))
        assert console.app.theme == "synaptic-light"


async def test_the_list_shows_each_theme_and_escape_brings_the_old_one_back(
    open_console: OpenConsole,
) -> None:
    async with open_console() as console:
        await console.command("theme")
        await console.shows("enter keeps")
        await console.press("j")
        assert console.app.theme == "synaptic-light"
        await console.press("k", "up")
        assert console.app.theme == "solarized-light"
        await console.press("escape")
        assert console.app.theme == "synaptic"
        assert _kept(console) is None


@pytest.mark.parametrize("theme", OURS, ids=lambda theme: theme.name)
def test_our_themes_can_be_read(theme: object) -> None:
    ours = next(each for each in OURS if each is theme)
    ground = Color.parse(ours.background or "")
    for name in ("foreground", "primary", "secondary", "accent", "success", "warning", "error"):
        assert _contrast(Color.parse(getattr(ours, name)), ground) >= 4.5, name


@pytest.mark.parametrize("keys", [("question_mark",), ("m",), ("colon",), ("ctrl+p",)], ids="".join)
async def test_what_leaves_the_console_does_so_over_any_screen(
    open_console: OpenConsole, keys: tuple[str, ...]
) -> None:
    async with open_console() as console:
        await console.press("escape", *keys)
        await console.press("ctrl+q")
        await until(lambda: console.app.return_code == 0, "the end")


def _contrast(one: Color, other: Color) -> float:
    """As WCAG 2 has it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in colour.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _kept(console: Console) -> str | None:
    return StateFile(console.cluster.places.state_file).read().theme
