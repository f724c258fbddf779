"""On the main screen no key has two meanings, wherever the focus is."""

from __future__ import annotations

from textual.widgets import Input

from app.ui.places import Place
from tests.support.console import OpenConsole, narrate, people
from tests.ui.bound import twice_bound


async def test_no_key_has_two_meanings_wherever_the_focus_is(open_console: OpenConsole) -> None:
    async with open_console("model: llama3.1:405b", before=people) as console:
        narrate(console.cluster)
        found, looked_at = set[str](), set[str]()
        for keys in (("escape",), ("escape", "4", "l"), ("escape", "4", "l"), ("escape", "colon")):
            await console.press(*keys)
            for widget in console.main.focus_chain:
                looked_at.add(type(widget).__name__)
                console.main.set_focus(widget)
                found |= {str(twice) for twice in twice_bound(console.main) if twice.reason is None}
        assert looked_at >= {"Prompt", "BackendTable", "Timeline", "LogView", "Input"}
        assert sorted(found) == []


async def test_typing_reaches_no_command(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        for place in Place:
            await console.press("escape", str(place.number))
        await console.press("escape", "colon", *"dqx")
        assert console.main.query_one("#command-line Input", Input).value == "dqx"
