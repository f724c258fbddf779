"""What is said where a command cannot run: each points to something that can be done."""

from __future__ import annotations

import re

import pytest

from app.ui.command import parse
from app.ui.commands import COMMANDS
from tests.support.console import OpenConsole
from tests.support.waiting import until

NOTHING_TO_DO = {"undo", "dashboard", "detach", "suspend"}
"""Commands without anything that would have to be done first."""
_QUOTED = re.compile(r"'([a-z][^']*)'")


async def test_each_refusal_says_what_to_do_by_a_command_or_key_that_there_is(
    open_console: OpenConsole,
) -> None:
    async with open_console() as console:
        refusals = {c.name: why for c in COMMANDS if (why := c.why_not(console.main)) is not None}
        assert len(refusals) > len(NOTHING_TO_DO)
        for name, why in refusals.items():
            for line in _QUOTED.findall(why):
                assert parse(line.replace("URL", "http://10.0.0.1"), COMMANDS), f"{name}: {line}"
            if name not in NOTHING_TO_DO:
                assert _QUOTED.search(why) or re.search(r"\b(enter|Esc|j|focus)\b|/ ", why), f"{name}: {why}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("add ftp://10.0.0.5", "is not an http or https URL."),
        ("pull llama3.2:3b", "'add URL' adds one."),
        ("model no-such", "'models' lists the names; the path of a GGUF file will do too."),
        ("node http://10.0.0.5", "'nodes add URL' adds one."),
        ("backend 10.0.0.5", "'rpc add HOST' adds one."),
        ("retry", "Type a prompt; enter sends it."),
    ],
)
async def test_what_is_not_there_is_said_with_what_helps(
    open_console: OpenConsole, line: str, said: str
) -> None:
    async with open_console() as console:
        await console.command(line)
        await until(lambda: said in " ".join((*console.toasts, *console.text.split())), said)


async def test_a_sweep_that_finds_nothing_says_where_help_is(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("escape", "d")
        await until(lambda: any("'welcome' tells how to make one." in toast for toast in console.toasts))
