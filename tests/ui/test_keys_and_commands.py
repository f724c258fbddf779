"""What every command does, by its key and by its words, on the real core."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.config.state import StateFile
from app.core.cluster import Cluster
from app.demo.model import write_model
from app.text.problem import Problem
from app.ui.places import Place
from app.ui.screens.leave import LeaveScreen
from app.ui.screens.models import ModelScreen
from app.ui.screens.sheet import SheetScreen
from app.ui.widgets.command_line import CommandLine
from tests.support.console import HELD, NARROW, WIDE, Console, OpenConsole, free, people, ready_status
from tests.support.running import let_run
from tests.support.scripted import answer_with, whole
from tests.support.waiting import until

SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])


@SIZES
@pytest.mark.parametrize(("key", "place"), [(str(place.number), place) for place in Place])
async def test_digits_go_to_panes(
    open_console: OpenConsole, size: tuple[int, int], key: str, place: Place
) -> None:
    async with open_console(size=size, before=people) as console:
        await console.press("escape", key)
        assert console.main.place is place
        pane = console.main.query_one(f"#{place.value}")
        assert pane.display
        assert console.main.focused in pane.walk_children()


async def test_tab_goes_round_the_panes(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        seen = []
        for key in ("tab", "tab", "tab", "tab", "shift+tab"):
            seen.append(console.main.place)
            await console.press(key)
        seen.append(console.main.place)
        assert seen == [*Place, Place.CHAT, Place.COORDINATOR]


@SIZES
async def test_zoom_shows_one_pane_and_escape_all(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(size=size, before=people) as console:
        await console.press("escape", "2", "z")
        shown = [place for place in Place if console.main.query_one(f"#{place.value}").region.area]
        assert shown == [Place.BACKENDS]
        assert console.main.query_one("#backends").region.width == size[0]
        await console.press("escape")
        shown = [place for place in Place if console.main.query_one(f"#{place.value}").region.area]
        assert shown == (list(Place) if size == WIDE else [Place.BACKENDS])


async def test_keys_are_letters_in_the_prompt(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        await console.press(*"daxz1", "colon", "question_mark", "q")
        assert console.main.chat.prompt.text == "daxz1:?q"
        assert console.app.screen is console.main
        assert console.app.is_running


@pytest.mark.parametrize("key", ["i", "enter", "1"])
async def test_the_prompt_is_left_and_entered_again(open_console: OpenConsole, key: str) -> None:
    async with open_console() as console:
        assert "leave prompt" in console.text
        assert "i prompt" not in console.text
        await console.press("escape")
        await console.shows("i prompt")
        await console.press(key, "x")
        assert console.main.chat.prompt.text == "x"


async def test_discover_sweeps_what_the_settings_say(open_console: OpenConsole) -> None:
    async with open_console("networks: [127.0.0.9]", "ports: [9]") as console:
        await console.press("escape", "d")
        await console.shows("swept 1/1, found 0")
        await console.shows("discovery found 0 backends")


async def test_who_has_backends_is_told_how_to_use_them(open_console: OpenConsole, tmp_path: Path) -> None:
    def have_one(cluster: Cluster) -> None:
        cluster.backends.take(free(HELD[0]), "state")

    model = tmp_path / "small.gguf"
    write_model(model)
    async with open_console("networks: [127.0.0.9]", "ports: [9]", before=have_one) as console:
        told = "Distribution is off: D spreads large models over 1 backend."
        await console.command(f"model {model}")
        await until(lambda: any(told in toast for toast in console.toasts))
        await console.command("distributed on")
        await console.command(f"model {model}")
        await until(lambda: console.toasts[-1].startswith(str(model)))
        assert told not in console.toasts[-1]


async def test_discover_can_be_ended_and_runs_once(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console() as console:
        ended = _endless_sweep(console, monkeypatch)
        await console.press("escape", "d")
        await until(lambda: console.main.busy)
        await console.press("d")
        assert any("under way" in toast for toast in console.toasts)
        assert "esc cancel" in console.text
        await console.press("escape")
        await asyncio.wait_for(ended.wait(), 5)


@SIZES
async def test_add_and_remove_a_backend_by_key(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(size=size) as console:
        await console.press("escape", "2", "a")
        await console.type("127.0.0.9:9")
        await console.press("enter")
        await console.shows("127.0.0.9:9")
        await console.shows("refused")
        assert any("127.0.0.9:9 is refused" in toast for toast in console.toasts)
        await console.press("2", "x")
        await until(lambda: not console.cluster.backends.known)
        await console.shows("No backend is known yet.")


async def test_a_name_that_does_not_resolve_changes_nothing(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("rpc add no-such-host.invalid")
        await until(lambda: bool(console.toasts))
        assert "no-such-host.invalid" in console.toasts[0]
        assert not console.cluster.backends.known
        assert not StateFile(console.cluster.places.state_file).read().backends


async def test_add_and_remove_a_node(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("escape", "3", "a")
        assert console.main.query_one(CommandLine).line == "add http://"
        await console.type("127.0.0.9:9")
        await console.press("enter")
        await console.shows("0 of 1 up")
        await console.shows("127.0.0.9:9 ")
        await console.command("remove http://127.0.0.9:9")
        await until(lambda: not console.cluster.pool.nodes)
        await console.shows("No Ollama node is known.")


async def test_add_takes_an_address_for_a_backend(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("add 127.0.0.9:9")
        await console.shows("refused")
        assert [str(backend.address) for backend in console.cluster.backends.known] == ["127.0.0.9:9"]
        await console.command("remove 127.0.0.9:9")
        await until(lambda: not console.cluster.backends.known)


async def test_distributed_on_looks_for_backends_by_itself(open_console: OpenConsole) -> None:
    async with open_console("networks: [127.0.0.9]", "ports: [9]") as console:
        await console.command("distributed on")
        await console.shows("distributed ON")
        await console.shows("swept 1/1")
        await console.command("distributed off")
        await console.shows("distributed off")
        await console.press("escape", "D")
        await console.shows("distributed ON")


async def test_a_console_that_wants_backends_and_knows_none_begins_with_a_sweep(
    open_console: OpenConsole,
) -> None:
    wanting = ("mode: distributed", "distributed_inference: true", "networks: [127.0.0.9]", "ports: [9]")
    async with open_console(*wanting) as console:
        await console.shows("swept 1/1")


async def test_the_sweep_that_distribution_begins_can_be_ended(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console() as console:
        ended = _endless_sweep(console, monkeypatch)
        await console.command("distributed on")
        await until(lambda: console.main.busy)
        await console.press("escape")
        await asyncio.wait_for(ended.wait(), 5)


async def test_the_palette_runs_a_command(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("ctrl+p")
        await console.type("the whole cluster")
        await console.shows("status")
        await console.pilot.pause(0.3)
        await console.press("enter")
        await until(lambda: isinstance(console.app.screen, SheetScreen))
        await console.shows("none is running")


async def test_model_by_name_says_where_it_goes(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        await console.command("model llama3.2:3b")
        await console.shows("1 Chat ─ llama3.2:3b")
        assert console.cluster.choices.now.model == "llama3.2:3b"
        assert any("ollama at" in toast or "nowhere" in toast for toast in console.toasts)


async def test_a_model_that_nobody_has_is_refused(open_console: OpenConsole) -> None:
    async with open_console(before=people) as console:
        await console.command("model no-such-model")
        await until(lambda: bool(console.toasts))
        assert "No model is called 'no-such-model'" in console.toasts[0]
        assert console.cluster.choices.now.model is None


async def test_model_from_the_list(open_console: OpenConsole) -> None:
    async with open_console("mode: distributed", before=people) as console:
        await console.press("escape", "m")
        await until(lambda: isinstance(console.app.screen, ModelScreen))
        await console.shows("qwen3:8b")
        await console.type("QW")
        await until(lambda: "llama3.2:3b  " not in console.text)
        await console.press("enter")
        await console.shows("1 Chat ─ qwen3:8b")


async def test_leaving_the_list_chooses_nothing(open_console: OpenConsole) -> None:
    async with open_console("mode: distributed", before=people) as console:
        await console.press("ctrl+r")
        await until(lambda: isinstance(console.app.screen, ModelScreen))
        await console.press("escape")
        assert console.app.screen is console.main
        assert console.cluster.choices.now.model is None


@SIZES
async def test_route_status_and_help_open_a_sheet(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console("model: llama3.2:3b", "mode: distributed", size=size, before=people) as console:
        for key, text in (
            ("r", "ollama at http://127.0.1.21:11434"),
            ("s", "1 of 2 up"),
            ("question_mark", "Here: "),
        ):
            await console.press("escape", key)
            await until(lambda: isinstance(console.app.screen, SheetScreen))
            await console.shows(text)
            await console.press("escape")
            assert console.app.screen is console.main


async def test_route_without_a_model_says_what_to_do(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("route")
        await until(lambda: bool(console.toasts))
        assert console.toasts == ["No model is chosen. Choose one with 'model NAME'."]


async def test_what_goes_wrong_is_told_and_kept(open_console: OpenConsole, tmp_path: Path) -> None:
    async with open_console() as console:
        await console.command(f"start {tmp_path}/none.gguf")
        await until(lambda: bool(console.toasts))
        assert "none.gguf cannot be read: No such file" in console.toasts[0]
        await until(lambda: f"console {console.toasts[0]}" in console.main.coordinator.timeline.text)


async def test_stop_without_a_coordinator_says_so_in_the_line(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.command("stop")
        assert "No coordinator is running." in console.text
        assert console.main.query_one(CommandLine).line == "stop"


async def test_dashboard_says_that_it_arrives_with_the_gateway(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.type("/dashboard")
        await console.press("enter")
        await console.shows("The dashboard arrives with the gateway")


async def test_log_and_follow(open_console: OpenConsole) -> None:
    async with open_console() as console:
        await console.press("escape", "4", "l")
        await console.shows("log · follow")
        await console.press("l")
        await console.shows("events · follow")
        await console.press("f")
        await console.shows("events · follow")


async def test_clear_begins_anew(open_console: OpenConsole) -> None:
    async with open_console("model: m", before=lambda c: answer_with(c, *whole("Yes."))) as console:
        await console.type("Is it?")
        await console.press("enter")
        await console.shows("Yes.")
        first = console.main.chat.conversation
        await console.press("escape", "c")
        await console.shows("Ask m something.")
        assert console.main.chat.conversation is not first


@pytest.mark.parametrize("words", ["q", "quit", "exit"])
async def test_leaving_by_words(open_console: OpenConsole, words: str) -> None:
    async with open_console() as console:
        await console.command(words)
        await until(lambda: not console.app.is_running)


@pytest.mark.parametrize("keys", [("escape", "q"), ("ctrl+q",)])
async def test_leaving_by_key(open_console: OpenConsole, keys: tuple[str, ...]) -> None:
    async with open_console() as console:
        await console.press(*keys)
        await until(lambda: not console.app.is_running)


@pytest.mark.parametrize(
    ("on_quit", "key", "stopped", "left"),
    [
        ("ask", "s", True, True),
        ("ask", "l", False, True),
        ("ask", "c", False, False),
        ("ask", "escape", False, False),
        ("stop", None, True, True),
        ("leave", None, False, True),
    ],
)
async def test_leaving_with_a_coordinator(
    open_console: OpenConsole,
    monkeypatch: pytest.MonkeyPatch,
    on_quit: str,
    key: str | None,
    stopped: bool,
    left: bool,
) -> None:
    async with open_console(f"coordinator: {{on_quit: {on_quit}}}") as console:
        stops = _with_running_coordinator(console, monkeypatch)
        await console.press("escape", "q")
        if key is not None:
            await until(lambda: isinstance(console.app.screen, LeaveScreen))
            await console.press(key)
        await until(lambda: console.app.is_running is not left)
        assert bool(stops) is stopped


async def test_a_coordinator_that_does_not_stop_keeps_the_console_open(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console("coordinator: {on_quit: stop}") as console:
        _with_running_coordinator(console, monkeypatch)

        async def stop() -> bool:
            raise Problem("It will not stop.", "Try again.")

        monkeypatch.setattr(console.cluster.coordinators, "stop", stop)
        await console.press("escape", "q")
        await until(lambda: console.toasts == ["It will not stop. Try again."])
        assert console.app.is_running


async def test_a_fault_of_the_program_is_told(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console() as console:

        async def broken() -> None:
            raise RuntimeError("no such thing")

        monkeypatch.setattr(console.cluster, "discover", broken)
        await console.press("escape", "d")
        await until(lambda: bool(console.toasts))
        assert "'rpc discover' ended by a fault of this program" in console.toasts[0]
        console.app.workers.cancel_all()
        for worker in [w for w in console.app.workers if w.error is not None]:
            console.app.workers._workers.discard(worker)


def _endless_sweep(console: Console, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let sweeps last for ever; returns what is set when one was cancelled."""
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(console.cluster, "discover", endless)
    return ended


def _with_running_coordinator(console: Console, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let a coordinator run; returns a list that gets an entry for each stop."""
    stops: list[bool] = []

    async def stop() -> bool:
        stops.append(True)
        return True

    let_run(monkeypatch, ready_status())
    monkeypatch.setattr(console.cluster.coordinators, "stop", stop)
    return stops
