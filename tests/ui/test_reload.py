"""The difference that a changed configuration makes, on the screen."""

from __future__ import annotations

from tests.support.console import OpenConsole
from tests.support.waiting import until


async def test_the_difference_is_shown(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("reload")
        await console.shows("Nothing has changed since the start in")
        await console.press("escape")
        file = console.cluster.resolved.sources.file
        file.write_text("nodes: []\nnetworks: [127.0.0.9]\nconsole: {log_level: debug}\n")
        await console.command("reload")
        await console.shows("127.0.0.1 → 127.0.0.9")
        assert "needs a restart of this program" in console.text
        await until(lambda: any("2 settings changed" in toast for toast in console.toasts))


async def test_what_is_not_valid_is_told(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.resolved.sources.file.write_text("mode: sometimes\n")
        await console.command("reload")
        await until(lambda: any("line 1: 'mode' cannot be 'sometimes'" in t for t in console.toasts))


async def test_another_theme_is_worn_at_once(open_console: OpenConsole) -> None:
    async with open_console() as console:
        file = console.cluster.resolved.sources.file
        file.write_text("nodes: []\nnetworks: [127.0.0.1]\nconsole: {theme: nord}\n")
        await console.command("reload")
        await console.shows("none → nord")
        await until(lambda: console.app.theme == "nord", "the theme")
        file.write_text("nodes: []\nnetworks: [127.0.0.1]\nconsole: {theme: no-such}\n")
        await console.press("escape")
        await console.command("reload")
        await until(lambda: console.app.theme == "synaptic", "the usual theme")
        await until(lambda: any("There is no theme 'no-such'" in toast for toast in console.toasts))


async def test_a_theme_chosen_here_stays_whatever_else_changes(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("theme nord")
        await until(lambda: console.app.theme == "nord", "the theme")
        console.cluster.resolved.sources.file.write_text("nodes: []\nnetworks: [127.0.0.9]\n")
        await console.command("reload")
        await console.shows("127.0.0.1 → 127.0.0.9")
        assert console.app.theme == "nord"
