"""The welcome page: when it comes by itself, what it shows as it becomes known, and what its keys do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from app.config.state import StateFile
from app.core.cluster import Cluster
from app.core.welcome import Standing, Topic
from app.demo.model import write_model
from app.llama.steps import InstallProblem, InstallStep
from app.ui.screens.ask import AskScreen
from app.ui.screens.sheet import SheetScreen
from app.ui.screens.welcome import WelcomeScreen
from app.ui.widgets.said import Said
from tests.support.console import DOWN, HELD, NARROW, UP, WIDE, Console, OpenConsole, free
from tests.support.ollama_server import OllamaStandIn
from tests.support.programs import write_server
from tests.support.scripted import answer_with, whole
from tests.support.waiting import until
from tests.ui.nodes import NEW

PATIENT = "ollama: {connect_timeout_s: 20, reply_timeout_s: 20}"
"""A box that is busy with other tests answers late."""
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


def is_welcomed(console: Console) -> bool:
    return isinstance(console.app.screen, WelcomeScreen)


def settled(console: Console) -> bool:
    """Whether nothing is being looked for any more."""
    return {worker.name for worker in console.app.workers if worker.is_running} == {"events"}


def line(console: Console, topic: Topic) -> str:
    """What the page says of one thing, its standing first."""
    said = (console.app.screen.query_one(f"#{topic.name.lower()}-{p}", Said) for p in ("standing", "text"))
    return " ".join(" ".join(str(each.visual).split()) for each in said)


def stands(console: Console, topic: Topic, standing: Standing) -> bool:
    return line(console, topic).startswith(f"{topic} {standing} ")


def skipped(console: Console) -> bool:
    return StateFile(console.cluster.places.state_file).read().welcome_skipped


@SIZES
async def test_the_first_start_shows_it(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(welcomed=True, size=size) as console:
        await until(lambda: is_welcomed(console), "the page")
        assert all(stands(console, topic, Standing.MISSING) for topic in Topic)
        await console.shows("n never again")


@pytest.mark.parametrize("key", ["escape", "enter", "q"])
async def test_closed_it_comes_again_at_the_next_start(open_console: OpenConsole, key: str) -> None:
    for _start in range(2):
        async with open_console(welcomed=True) as console:
            await until(lambda: is_welcomed(console), "the page")
            await console.press(key)
            assert console.app.screen is console.main
            assert not skipped(console)


async def test_whoever_has_had_an_answer_is_not_welcomed(open_console: OpenConsole) -> None:
    async with open_console("model: m") as console:
        answer_with(console.cluster, *whole("Yes."))
        console.main.chat.prompt.show_line("Well?")
        await console.press("enter")
        await until(lambda: not console.main.chat.answering)
    async with open_console("model: m", welcomed=True) as again:
        await until(lambda: settled(again), "the end of looking around")
        await again.shows("Well?")
        assert again.app.screen is again.main


async def test_skipped_it_comes_no_more_but_by_its_command(open_console: OpenConsole) -> None:
    async with open_console(welcomed=True) as console:
        await until(lambda: is_welcomed(console), "the page")
        await console.press("n")
        await until(lambda: skipped(console), "the state")
        assert console.app.screen is console.main
    async with open_console(welcomed=True) as again:
        await until(lambda: settled(again), "the end of looking around")
        assert again.app.screen is again.main
        await again.command("welcome")
        await until(lambda: is_welcomed(again), "the page")


async def test_never_again_can_be_said_by_its_command(open_console: OpenConsole) -> None:
    async with open_console(welcomed=True) as console:
        await until(lambda: is_welcomed(console), "the page")
        await console.press("escape")
        await console.command("welcome sometimes")
        await console.shows("Type 'welcome' or 'welcome never'.")
        assert not skipped(console)
        await console.command("welcome never")
        await until(lambda: skipped(console), "the state")


async def test_nobody_who_types_already_is_disturbed(open_console: OpenConsole, tmp_path: Path) -> None:
    def unseen(cluster: Cluster) -> None:
        cluster.pool.add(DOWN.url, DOWN.origin)
        cluster.backends.add(HELD[0], "config file")

    async with open_console(*has_engine_and_model(tmp_path), welcomed=True, before=unseen) as console:
        await until(lambda: console.cluster.catalogue.was_read, "the models")
        await console.type("what is a worker")
        console.cluster.pool._see(DOWN)
        await until(lambda: settled(console), "the end of looking around")
        assert console.app.screen is console.main


async def test_where_everything_is_there_it_does_not_come(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console(*has_engine_and_model(tmp_path), welcomed=True, before=everything) as console:
        await until(lambda: settled(console), "the end of looking around")
        assert console.app.screen is console.main
        await console.command("welcome")
        await until(lambda: is_welcomed(console), "the page")
        assert all(stands(console, topic, Standing.OK) for topic in Topic)


async def test_lines_are_filled_in_as_things_become_known(open_console: OpenConsole) -> None:
    def unseen(cluster: Cluster) -> None:
        cluster.pool.add(UP.url, UP.origin)

    async with open_console(welcomed=True, before=unseen) as console:
        await until(lambda: is_welcomed(console), "the page")
        assert stands(console, Topic.OLLAMA, Standing.LOOKING)
        assert stands(console, Topic.MODELS, Standing.LOOKING)
        console.cluster.pool._see(UP)
        await until(lambda: stands(console, Topic.OLLAMA, Standing.OK), "the node")
        assert "2 models" in line(console, Topic.MODELS)
        console.cluster.backends.take(free(HELD[0]), "sweep")
        await until(lambda: stands(console, Topic.WORKERS, Standing.OK), "the worker")


async def test_d_looks_for_workers(open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_console(welcomed=True) as console:
        await until(lambda: is_welcomed(console), "the page")
        swept = asyncio.Event()
        monkeypatch.setattr(console.cluster, "discover", lambda: noted(swept))
        await console.press("d")
        await swept.wait()


async def test_a_adds_a_node(open_console: OpenConsole) -> None:
    async with OllamaStandIn() as node, open_console(PATIENT, welcomed=True) as console:
        await until(lambda: is_welcomed(console), "the page")
        await console.press("a")
        await until(lambda: isinstance(console.app.screen, AskScreen), "the question")
        await console.type(node.url.removeprefix("http://"))
        await console.press("enter")
        await until(lambda: is_welcomed(console) and stands(console, Topic.OLLAMA, Standing.OK), "the node")
        assert node.url in line(console, Topic.OLLAMA)


async def test_p_pulls_a_model(open_console: OpenConsole) -> None:
    async with OllamaStandIn(registry=[NEW]) as node, open_console(PATIENT, welcomed=True) as console:
        await console.cluster.members.add_node(node.url)
        await until(lambda: is_welcomed(console), "the page")
        await console.press("p")
        await until(lambda: isinstance(console.app.screen, AskScreen), "the question")
        await console.type(NEW.name)
        await console.press("enter")
        await until(lambda: is_welcomed(console) and stands(console, Topic.MODELS, Standing.OK), "the model")
        assert NEW.name in line(console, Topic.MODELS)


async def test_a_model_on_its_way_is_told(open_console: OpenConsole) -> None:
    async with OllamaStandIn(registry=[NEW]) as node, open_console(PATIENT, welcomed=True) as console:
        node.pulling.shut(after=4)
        await console.cluster.members.add_node(node.url)
        await until(lambda: is_welcomed(console), "the page")
        console.main.obey(f"pull {NEW.name}")
        await until(lambda: f"{NEW.name} is on its way: 50 %" in line(console, Topic.MODELS), "the way")
        node.pulling.open()
        await until(lambda: stands(console, Topic.MODELS, Standing.OK), "the model")


async def test_p_without_a_node_says_what_to_do_first(open_console: OpenConsole) -> None:
    async with open_console(welcomed=True) as console:
        await until(lambda: is_welcomed(console), "the page")
        await console.press("p")
        await until(lambda: isinstance(console.app.screen, AskScreen), "the question")
        await console.type("llama3.2:3b")
        await console.press("enter")
        await until(lambda: console.toasts == ["No node is known. 'add URL' adds one."])


async def test_e_fetches_the_engine(open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = asyncio.Event()

    async def fetched(folder: Path, *_others: object) -> AsyncGenerator[InstallStep]:
        yield InstallStep("downloading", 340, 1000)
        await may_end.wait()
        write_server(folder)

    monkeypatch.setattr("app.llama.install.get_engine", fetched)
    async with open_console(welcomed=True) as console:
        await until(lambda: is_welcomed(console), "the page")
        await console.press("e")
        await until(lambda: "Fetching it: downloading: 30 %" in line(console, Topic.ENGINE), "the step")
        may_end.set()
        await until(lambda: stands(console, Topic.ENGINE, Standing.OK), "the engine")
        await until(
            lambda: any(
                toast.startswith("engine: ready: ") and "llama-server" in toast for toast in console.toasts
            )
        )


async def test_an_engine_that_cannot_be_fetched_is_told(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_folder: Path, *_others: object) -> AsyncGenerator[InstallStep]:
        yield InstallStep("downloading")
        raise InstallProblem("The network is down.", "Check it.")

    monkeypatch.setattr("app.llama.install.get_engine", refused)
    async with open_console() as console:
        await console.command("engine get")
        await until(lambda: "The network is down. Check it." in console.toasts)
        assert console.cluster.engines.fetching is None


async def test_r_looks_again(open_console: OpenConsole) -> None:
    async with open_console(welcomed=True) as console:
        await until(lambda: is_welcomed(console), "the page")
        write_server(console.cluster.places.engine)
        await console.press("r")
        await until(lambda: stands(console, Topic.ENGINE, Standing.OK), "the engine")


async def test_its_keys_are_listed(open_console: OpenConsole) -> None:
    async with open_console(welcomed=True) as console:
        await until(lambda: is_welcomed(console), "the page")
        await console.press("question_mark")
        await until(lambda: isinstance(console.app.screen, SheetScreen), "the keys")
        for key, what in (
            ("e", "fetch the engine"),
            ("d", "find workers"),
            ("n", "never again"),
            ("r", "look again"),
        ):
            assert any(key in row and what in row for row in console.text.splitlines())


def has_engine_and_model(folder: Path) -> tuple[str, str]:
    """Settings with an engine and a model."""
    write_model(folder / "tiny.gguf")
    return (
        f"engine: {{server: {write_server(folder / 'bin')}}}",
        f"models: {{folders: [{folder}]}}",
    )


def everything(cluster: Cluster) -> None:
    """Let a worker and a node be there."""
    cluster.backends.take(free(HELD[0]), "sweep")
    cluster.pool.add(UP.url, UP.origin)
    cluster.pool._see(UP)


async def noted(event: asyncio.Event) -> None:
    event.set()
