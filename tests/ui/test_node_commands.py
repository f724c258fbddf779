"""What the commands of the node pane do, by key and by word, on nodes that answer as Ollama does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.text.problem import Problem
from app.ui.panes.nodes import NodesPane
from app.ui.screens.box import BoxScreen
from app.ui.screens.confirm import ConfirmScreen
from app.ui.screens.node import NodeScreen
from app.ui.widgets.command_line import CommandLine
from tests.support.console import Console, OpenConsole
from tests.support.ollama.faults import Ending
from tests.support.ollama_server import OllamaStandIn
from tests.support.waiting import until
from tests.ui.nodes import LARGE, NEW, SMALL, console_on


@pytest.fixture
async def node() -> AsyncIterator[OllamaStandIn]:
    async with OllamaStandIn([SMALL, LARGE], registry=[NEW]) as node:
        yield node


def selected(console: Console) -> str:
    return console.main.selected_node or "this box"


def copied(console: Console) -> str:
    return console.app.clipboard


async def test_enter_opens_the_node_under_the_cursor(open_console: OpenConsole, node: OllamaStandIn) -> None:
    async with OllamaStandIn() as empty, console_on(open_console, node, empty) as console:
        ledger = console.main.query_one(NodesPane).ledger
        ledger.move_cursor(row=ledger.get_row_index(empty.url))
        await console.press("enter")
        await console.shows("It has no model.  p  pulls one.")
        await console.press("escape")
        assert console.app.screen is console.main


async def test_up_from_the_first_node_is_this_box_and_enter_opens_it(
    open_console: OpenConsole, node: OllamaStandIn
) -> None:
    async with console_on(open_console, node) as console:
        await console.press("k")
        assert selected(console) == "this box"
        await console.press("enter")
        await until(lambda: isinstance(console.app.screen, BoxScreen))
        await console.press("escape", "j")
        assert selected(console) == node.url
        await console.press("enter")
        await until(lambda: isinstance(console.app.screen, NodeScreen))


async def test_without_nodes_the_pane_begins_at_this_box(open_console: OpenConsole) -> None:
    async with console_on(open_console) as console:
        await console.press("down", "y")
        assert copied(console) == ""
        assert console.toasts[-1].startswith("There is no node under the cursor.")
        await console.press("enter")
        assert isinstance(console.app.screen, BoxScreen)


async def test_a_click_is_not_enough_to_open_and_two_are(
    open_console: OpenConsole, node: OllamaStandIn
) -> None:
    async with console_on(open_console, node) as console:
        assert await console.pilot.click("NodeTable", offset=(4, 1))
        assert console.app.screen is console.main
        assert await console.pilot.click("NodeTable", offset=(4, 1), times=2)
        await until(lambda: isinstance(console.app.screen, NodeScreen))
        await console.press("escape")
        assert await console.pilot.click("#this-box", times=2)
        await until(lambda: isinstance(console.app.screen, BoxScreen))


async def test_y_copies_the_url(open_console: OpenConsole, node: OllamaStandIn) -> None:
    async with console_on(open_console, node) as console:
        await console.press("y")
        assert copied(console) == node.url
        assert console.toasts[-1] == f"Copied {node.url}."


async def test_a_node_that_was_removed_comes_back(open_console: OpenConsole, node: OllamaStandIn) -> None:
    async with console_on(open_console) as console:
        await console.command(f"add {node.url}")
        await console.shows("1 of 1 up")
        await console.press("3", "x")
        assert console.main.query_one(CommandLine).line == f"remove {node.url}"
        await console.press("enter")
        await until(lambda: console.cluster.pool.nodes == ())
        await until(lambda: any("u brings it back" in toast for toast in console.toasts))
        await console.press("u")
        await console.shows("1 of 1 up")
        assert [known.url for known in console.cluster.pool.nodes] == [node.url]


async def test_what_is_wrong_with_a_url_is_said_as_it_is_typed(open_console: OpenConsole) -> None:
    async with console_on(open_console) as console:
        await console.press("a")
        await console.type("10.0.0.1:99999")
        await console.shows("Port '99999' in")


async def test_models_are_loaded_and_unloaded_by_words(
    open_console: OpenConsole, node: OllamaStandIn
) -> None:
    async with console_on(open_console, node) as console:
        await console.command("load small:1b for ever")
        await console.shows("small:1b 1.2 GiB kept")
        await until(lambda: f"small:1b is loaded on {node.url}." in console.toasts)
        await console.command(f"load large:8b on {node.url} for 2h")
        await until(lambda: node.loaded == [SMALL.name, LARGE.name])
        await console.command("unload small:1b")
        await until(lambda: node.loaded == [LARGE.name])


async def test_deleting_asks_and_no_is_the_default(open_console: OpenConsole, node: OllamaStandIn) -> None:
    async with console_on(open_console, node) as console:
        for keys in (("enter",), ("escape",), ("n",)):
            await console.command("delete small:1b")
            await until(lambda: isinstance(console.app.screen, ConfirmScreen))
            await console.shows(f"Delete small:1b from {node.url}?")
            await console.press(*keys)
            await until(lambda: console.app.screen is console.main)
        assert SMALL.name in node.models
        await console.command("delete small:1b")
        await until(lambda: isinstance(console.app.screen, ConfirmScreen))
        await console.press("down", "enter")
        await until(lambda: list(node.models) == [LARGE.name])
        await console.command("delete large:8b")
        await until(lambda: isinstance(console.app.screen, ConfirmScreen))
        await console.press("y")
        await until(lambda: not node.models)


async def test_a_pull_is_shown_goes_on_and_is_told_of_at_its_end(
    open_console: OpenConsole, node: OllamaStandIn
) -> None:
    node.pulling.shut(after=4)
    async with console_on(open_console, node) as console:
        await console.command("pull new:8b")
        await console.shows(f"new:8b → {node.url.removeprefix('http://')}  ━━━━━───── 50 %")
        await console.press("1")
        node.pulling.open()
        await until(lambda: f"new:8b is on {node.url} now." in console.toasts)
        await until(lambda: "━━" not in console.text)
        assert NEW.name in node.models


async def test_a_pull_is_stopped(open_console: OpenConsole, node: OllamaStandIn) -> None:
    node.pulling.shut(after=4)
    async with console_on(open_console, node) as console:
        with pytest.raises(Problem, match="No pull is under way"):
            console.main.obey("stop pull new:8b")
        await console.command("pull new:8b")
        await console.shows("50 %")
        await console.command("stop pull new:8b")
        await until(lambda: any("was stopped. What has arrived stays" in toast for toast in console.toasts))
        await until(lambda: node.answering == 0)
        assert not console.main.query_one("#pulls").display


@pytest.mark.parametrize(
    ("line", "error", "sentence"),
    [
        ("pull nobody:1b", "", "The registry has no model nobody:1b."),
        ("pull new:8b", "no space left on device", "is full."),
        ("pull new:8b", "connection reset by peer", "reports: connection reset by peer."),
        ("load nobody:1b", "", "No node that is up has nobody:1b."),
    ],
)
async def test_what_a_node_cannot_do_is_said(
    open_console: OpenConsole, node: OllamaStandIn, line: str, error: str, sentence: str
) -> None:
    if error:
        node.faults.pull_ending, node.faults.pull_ending_after, node.faults.pull_error = (
            Ending.ERROR,
            3,
            error,
        )
    async with console_on(open_console, node) as console:
        await console.command(line)
        await until(lambda: any(sentence in toast for toast in console.toasts))


async def test_a_pull_ends_with_the_console(open_console: OpenConsole, node: OllamaStandIn) -> None:
    node.pulling.shut(after=4)
    async with console_on(open_console, node) as console:
        await console.command("pull new:8b")
        await console.shows("50 %")
    await until(lambda: console.cluster.pulls.now == ())
    await until(lambda: node.answering == 0)
    node.pulling.open()
    assert NEW.name not in node.models


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("load ", ["large:8b on {url}"]),
        ("unload ", ["small:1b on {url}"]),
        ("delete la", ["large:8b on {url}"]),
        ("pull ", ["small:1b on {empty}", "large:8b on {empty}"]),
        ("node ", ["{url}", "{empty}"]),
    ],
)
async def test_completion(
    open_console: OpenConsole, node: OllamaStandIn, line: str, completed: list[str]
) -> None:
    await node.load(SMALL.name)
    async with OllamaStandIn() as empty, console_on(open_console, node, empty) as console:
        found = [completion.shown for completion in console.main.completions(line)]
        assert sorted(found) == sorted(c.format(url=node.url, empty=empty.url) for c in completed)


@pytest.mark.parametrize(
    "line",
    [
        "load a on",
        "load a b",
        "load a for soon",
        "pull a for 3h",
        "unload a on ftp://x",
        "delete",
        "pull a//b",
    ],
)
async def test_orders_that_are_none(open_console: OpenConsole, line: str) -> None:
    async with console_on(open_console) as console:
        with pytest.raises(Problem):
            console.main.obey(line)
