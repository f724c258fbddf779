"""The model picker: where each model would run, why not, and a search that never makes one wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from app.core.cluster import Cluster
from app.core.facts import ModelFacts
from app.core.models import Model, Source
from app.ollama.client import NodeModel
from app.text.units import GIB
from app.ui.likeness import likeness
from app.ui.screens.models import ModelScreen
from tests.support.console import UP, Console, OpenConsole
from tests.support.waiting import until

MANY = tuple(NodeModel(f"model-{number}:8b", parameters=8_000_000_000, size=GIB) for number in range(500))


def one_node(cluster: Cluster, models: Sequence[NodeModel]) -> None:
    """Let there be a node that has these models."""
    cluster.pool.add(UP.url, UP.origin)
    cluster.pool._see(replace(UP, models=tuple(models)))


def unusable(cluster: Cluster, *names: str) -> None:
    """Let this box have models that nothing can run."""
    cluster.catalogue._local = tuple(
        Model(name, Source.STORE, problem="Its weights are of a kind that llama.cpp does not know.")
        for name in names
    )


async def _nothing_read() -> None:
    """What the disk has stays as the test has put it."""


async def test_usable_ones_come_first_and_each_says_where_it_runs(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console("mode: distributed") as console:
        monkeypatch.setattr(console.cluster.catalogue, "read", _nothing_read)
        one_node(console.cluster, MANY[:1])
        unusable(console.cluster, "a-first")
        await console.press("ctrl+r")
        await console.shows("ollama 127.0.1.21:11434")
        await console.shows("— llama.cpp cannot load it")
        assert console.text.index("model-0:8b") < console.text.index("a-first")
        await console.press("down")
        await console.shows("Its weights are of a kind")
        await console.shows("Choose another, or add an Ollama node")


async def test_what_to_be_careful_with_is_said_where_one_looks_for_it(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console("mode: distributed", size=(80, 24)) as console:
        monkeypatch.setattr(console.cluster.catalogue, "read", _nothing_read)
        for name in ("problem", "problem_with_backends"):
            monkeypatch.setattr(console.cluster.engines, name, _nothing_read)
        facts = ModelFacts(cautions=("It has no chat template.", "It was converted before MLA."))
        careful = Model("careful:8b", Source.PATH, facts, path=Path("/models/careful.gguf"))
        console.cluster.catalogue._local = (careful,)
        await console.press("ctrl+r")
        await console.shows("It has no chat template.")
        await console.shows("It was converted before MLA.")
        await console.press("escape")
        await console.command("route careful:8b")
        await console.shows("careful  It has no chat template.")


async def test_two_of_one_name_break_nothing(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console("mode: distributed") as console:
        monkeypatch.setattr(console.cluster.catalogue, "read", _nothing_read)
        unusable(console.cluster, "twin:8b", "twin:8b", "[b]odd[/b]:8b")
        await console.press("ctrl+r")
        await until(lambda: console.text.count("  twin:8b ") == 2)
        await console.type("odd")
        await console.shows("[b]odd[/b]:8b")
        assert "twin" not in console.text


async def test_five_hundred_are_searched_moved_through_and_chosen(open_console: OpenConsole) -> None:
    async with open_console("mode: distributed", before=lambda cluster: one_node(cluster, MANY)) as console:
        await console.press("ctrl+r")
        screen = await _picker(console)
        assert screen.query_one(OptionList).option_count == 500
        await console.press(*"mdl499", "enter")
        await console.shows("1 Chat ─ model-499:8b")


async def test_letters_are_typed_and_control_keys_move(open_console: OpenConsole) -> None:
    async with open_console("mode: distributed", before=lambda cluster: one_node(cluster, MANY)) as console:
        await console.press("ctrl+r")
        screen = await _picker(console)
        options = screen.query_one(OptionList)
        for keys, at in (("down", 1), ("ctrl+n", 2), ("ctrl+j", 3), ("ctrl+k", 2), ("ctrl+p", 1), ("up", 0)):
            await console.press(keys)
            await until(partial(_is_at, options, at), keys)
        await console.press("j", "k")
        assert screen.query_one(Input).value == "jk"
        await console.shows("None of 500 models has that in its name.")
        await console.press("enter")
        assert console.app.screen is screen


async def test_nothing_to_choose_from_says_what_to_do(open_console: OpenConsole) -> None:
    async with open_console("mode: distributed", size=(80, 24)) as console:
        await console.press("ctrl+r")
        for text in ("ollama pull", "--model", "models.folders"):
            await console.shows(text)


async def test_leaving_it_ends_the_questions(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console("mode: distributed", before=lambda cluster: one_node(cluster, MANY)) as console:
        asked: list[str] = []

        async def endless(model: Model) -> None:
            asked.append(model.name)
            await until(lambda: False)

        monkeypatch.setattr(console.cluster.dispatcher, "route_of", endless)
        await console.press("ctrl+r")
        await until(lambda: bool(asked))
        await console.press("escape")
        await until(lambda: not any(w.name == "ask for routes" and w.is_running for w in console.app.workers))
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("typed", "best", "other"),
    [
        ("llama3", "llama3:8b", "codellama-13:3b"),
        ("q38", "qwen3:8b", "quick-model-3000-18b"),
        ("8b qwen", "qwen3:8b", "qwen-with-a-very-long-name-indeed:8b"),
        ("QW", "qwen3:8b", "a-quick-white-fox"),
    ],
)
def test_the_likest_name_is_the_best(typed: str, best: str, other: str) -> None:
    better, worse = likeness(typed, best), likeness(typed, other)
    assert better is not None
    assert worse is not None
    assert better.score > worse.score


def test_equal_letters_take_no_time() -> None:
    # Whoever tries all ways in which they can lie there is busy for minutes.
    found = likeness("e" * 30, "e-" * 60)
    assert found is not None
    assert len(found.places) == 30
    assert likeness("e" * 61, "e-" * 60) is None


def _is_at(options: OptionList, at: int) -> bool:
    return options.highlighted == at


async def _picker(console: Console) -> ModelScreen:
    await until(lambda: isinstance(console.app.screen, ModelScreen))
    screen = console.app.screen
    assert isinstance(screen, ModelScreen)
    await until(lambda: screen.query_one(OptionList).option_count > 0)
    await until(
        lambda: not any(worker.name == "ask for routes" and worker.is_running for worker in screen.workers)
    )
    return screen
