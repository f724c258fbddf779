"""One table of commands: complete, without conflicts, and reached in every way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.binding import Binding

from app.text.problem import Problem
from app.ui.command import Order, parse
from app.ui.commands import BY_NAME, COMMANDS, pane_bindings
from app.ui.keys import key_text
from app.ui.palette import CommandsOfTable
from app.ui.places import Place
from app.ui.screens.main import MainScreen
from app.ui.sheets import help_sheet
from tests.support.console import OpenConsole


@pytest.mark.parametrize("place", Place)
def test_no_key_is_bound_twice_in_a_pane(place: Place) -> None:
    keys = [key for command in COMMANDS if place in command.where for key in command.keys]
    assert sorted(keys) == sorted(set(keys))


def test_no_name_is_given_twice() -> None:
    names = [name for command in COMMANDS for name in command.names]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("place", Place)
def test_every_key_of_the_table_is_bound(place: Place) -> None:
    bound = {(key, str(binding.action)) for key, binding in _bindings(place)}
    for command in COMMANDS:
        if place in command.where:
            assert {(key, f"screen.command('{command.name}')") for key in command.keys} <= bound


@pytest.mark.parametrize("place", Place)
def test_help_has_every_command_with_its_keys(place: Place) -> None:
    rows = [row for section in help_sheet(COMMANDS, place) for row in section.rows]
    for command in COMMANDS:
        assert [row for row in rows if command.usage in row and command.help in row[-1]], command.name


async def test_the_palette_has_every_command(open_console: OpenConsole) -> None:
    async with open_console() as console:
        provider = CommandsOfTable(console.main)
        assert [str(hit.text) async for hit in provider.discover()] == [c.name for c in COMMANDS]
        for command in COMMANDS:
            assert command.name in [str(hit.text) async for hit in provider.search(command.name)]


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        ("rpc discover", "rpc discover", ""),
        ("rpc add 10.0.0.1:50052", "rpc add", "10.0.0.1:50052"),
        ("rpc remove 10.0.0.1", "rpc remove", "10.0.0.1"),
        ("rpc list", "rpc list", ""),
        ("distributed on", "distributed", "on"),
        ("distributed off", "distributed", "off"),
        ("status", "status", ""),
        ("model llama3.1:405b", "model", "llama3.1:405b"),
        ("nodes", "nodes", ""),
        ("add http://10.0.0.1:11434", "add", "http://10.0.0.1:11434"),
        ("remove http://10.0.0.1:11434", "remove", "http://10.0.0.1:11434"),
        ("help", "help", ""),
        ("exit", "quit", ""),
        ("quit", "quit", ""),
        ("q", "quit", ""),
        ("dashboard", "dashboard", ""),
        ("  RPC   Add   worker-1 ", "rpc add", "worker-1"),
        ("model /models/a file.gguf", "model", "/models/a file.gguf"),
        ("backends list", "rpc list", ""),
    ],
)
def test_lines_that_are_commands(line: str, name: str, argument: str) -> None:
    assert parse(line, COMMANDS) == Order(BY_NAME[name], argument)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "There is no command ''. 'help' lists them all."),
        ("modle x", "There is no command 'modle'. Did you mean 'model'?"),
        ("rpc", "Did you mean 'rpc discover' or 'rpc list' or 'rpc add' or 'rpc remove'?"),
        ("rpc foo", "There is no command 'rpc foo'."),
        ("rpc add", "'rpc add' needs HOST[:PORT]. Type 'rpc add HOST[:PORT]'."),
        ("status now", "'status' takes nothing after it. Type just 'status'."),
        ("distributed maybe", "Distribution cannot be 'maybe'."),
        ("rpc add 10.0.0.1:70000", "Port '70000' in '10.0.0.1:70000' is not a number from 1 to 65535."),
    ],
)
def test_lines_that_are_none(line: str, sentence: str) -> None:
    with pytest.raises(Problem) as refused:
        parse(line, COMMANDS)
    assert sentence in str(refused.value)


LINES = st.text() | st.tuples(st.sampled_from(sorted(BY_NAME)), st.text()).map(" ".join)


@given(LINES)
def test_any_line_is_a_command_or_is_refused_in_words(line: str) -> None:
    refused = None
    try:
        order = parse(line, COMMANDS)
    except Problem as problem:
        refused = problem
    assert refused.sentence.endswith(".") if refused else order.command in COMMANDS


def _bindings(place: Place) -> list[tuple[str, Binding]]:
    made = [*MainScreen.BINDINGS, *pane_bindings(place)]
    return [(binding.key, binding) for binding in made if not isinstance(binding, tuple)]


def test_every_key_is_shown_as_it_is_written_on_it() -> None:
    shown = [key_text(key) for command in COMMANDS for key in command.keys]
    assert [text for text in shown if "_" in text] == []
    assert [text for text in shown if text in ("plus", "minus", "asterisk", "slash", "colon")] == []
