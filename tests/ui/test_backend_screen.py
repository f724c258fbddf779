"""The screen of one backend: what it says, and that it follows what happens."""

from __future__ import annotations

import pytest
from rich.console import RenderableType
from textual.events import Key
from textual.screen import Screen

from app.core.coordinator_status import CoordinatorChanged
from app.llama.command import worker_command_text
from app.rpc.probe import BackendState, Probe
from app.text.address import Address
from app.ui.screens.backend import BackendScreen
from app.ui.screens.keys import KeysScreen
from tests.support.console import NARROW, WIDE, Console, OpenConsole, free, ready_status
from tests.support.engine import RpcServerFactory
from tests.support.running import let_run
from tests.support.waiting import until

HERS = Address("127.0.1.11", 50052)
WORKER = "ggml-rpc-server --host 127.0.1.11 --port 50052"


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_all_about_a_backend(open_console: OpenConsole, size: tuple[int, int]) -> None:
    async with open_console(size=size) as console:
        backends = console.cluster.backends
        for probe in (free(HERS, 0.4), free(HERS, 1.2), Probe(HERS, BackendState.BUSY), free(HERS, 0.5)):
            backends.take(probe, "sweep")
        await console.cluster.members.rename(str(HERS), "attic")
        await console.cluster.members.note(str(HERS), "loud fan")
        await _open(console)
        for text in (
            "free  protocol 8.0.0  0.5 ms  from sweep",
            "name  attic",
            "note  loud fan",
            WORKER,
            "device 0  ━━──────────────────  22.0 GiB free of 24.0 GiB",
            "the last 4, median 0.5 ms, 0.4 to 1.2 ms",
        ):
            await console.shows(text)
        await console.press("G")
        for text in ("  free\n", "  busy\n", "  free  2 times\n"):
            await console.shows(text.rstrip())


async def test_a_probe_is_shown_while_it_is_open(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.backends.take(free(HERS, 0.4), "sweep")
        await _open(console)
        await console.shows("0.4 ms")
        console.cluster.backends.take(free(HERS, 7.0), "sweep")
        await console.shows("free  protocol 8.0.0  7.0 ms")
        refused = Probe(HERS, BackendState.REFUSED, detail="Nothing listens there.")
        console.cluster.backends.take(refused, "sweep")
        await console.shows("refused: Nothing listens there.")
        await console.shows("No probe has seen them.")
        console.cluster.backends.take(refused, "sweep")
        await console.shows("refused  2 times  Nothing listens there.")


async def test_what_it_holds_is_shown_from_when_the_model_is_loaded(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console() as console:
        console.cluster.backends.take(free(HERS), "sweep")
        await _open(console)
        await console.shows(WORKER)
        assert "Holds" not in console.text
        status = ready_status((HERS,))
        let_run(monkeypatch, status)
        console.cluster.backends.hold([HERS], "a coordinator")
        console.cluster.bus.publish(CoordinatorChanged(status))
        await console.shows("Holds  42 layers, 77.5 GiB of llama3.1:405b")
        await console.shows("RPC0  42 layers  weights 76.0 GiB  KV 1.0 GiB  compute 512 MiB")
        await console.shows("None while our coordinator holds it.")
        await console.shows("— free of 24.0 GiB")


async def test_what_went_wrong_is_listed_with_its_time(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.backends.take(free(HERS), "sweep")
        await _open(console)
        await console.shows(WORKER)
        assert "What went wrong" not in console.text
        console.cluster.backends.hold([HERS], "a coordinator")
        console.cluster.backends.find_unused([HERS])
        said = "unused: it was chosen but received nothing of the model"
        await console.shows(f"{console.cluster.bus.told[-1].at:%H:%M:%S}  {said}")
        await console.shows("unused  protocol")
        await console.shows("None while our coordinator holds it.")


async def test_its_keys(open_console: OpenConsole, rpc_server: RpcServerFactory) -> None:
    worker = rpc_server()
    async with open_console() as console:
        await console.cluster.members.add_backend(str(worker.address))
        await _open(console)
        await console.press("y")
        assert console.app.clipboard == worker_command_text(worker.address.host, worker.address.port)
        await console.press("Y")
        assert console.app.clipboard == str(worker.address)
        await console.press("X")
        await console.shows("None while it is disabled.")
        await console.press("E")
        await console.shows("free  protocol")
        looks = len(console.cluster.backends.looks(worker.address))
        await console.press("p")
        await until(lambda: len(console.cluster.backends.looks(worker.address)) > looks)
        assert isinstance(console.app.screen, BackendScreen)


async def test_a_key_that_comes_right_behind_that_of_the_pane_is_for_the_pane(
    open_console: OpenConsole,
) -> None:
    async with open_console() as console:
        console.cluster.backends.take(free(HERS), "sweep")
        await console.shows(str(HERS))
        await console.press("escape")
        for key in ("2", "enter"):
            console.app.post_message(Key(key, None))
        await until(lambda: isinstance(console.app.screen, BackendScreen))


async def test_it_closes_and_says_so_when_the_backend_is_forgotten(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.backends.take(free(HERS), "sweep")
        await _open(console)
        console.cluster.backends.forget(HERS)
        await until(lambda: console.app.screen is console.main)
        await until(lambda: f"The backend {HERS} is no longer known." in console.toasts)


async def test_it_closes_when_it_comes_back_to_nothing(open_console: OpenConsole) -> None:
    async with open_console() as console:
        console.cluster.backends.take(free(HERS), "sweep")
        await _open(console)
        await console.press("f1")
        await until(lambda: isinstance(console.app.screen, KeysScreen))
        console.cluster.backends.forget(HERS)
        await console.pilot.pause(0.3)
        await console.press("escape")
        await until(lambda: console.app.screen is console.main)


async def test_what_others_do_draws_nothing(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_console() as console:
        other = Address("127.0.1.12", 50052)
        for address in (HERS, other):
            console.cluster.backends.take(free(address), "sweep")
        await _open(console)
        await console.shows(WORKER)
        await console.pilot.pause(0.3)
        drawn: list[object] = []
        display = console.app._display

        def counted(screen: Screen[object], renderable: RenderableType | None) -> None:
            drawn.append(renderable)
            display(screen, renderable)

        monkeypatch.setattr(console.app, "_display", counted)
        console.cluster.backends.take(free(other, 0.41), "sweep")
        await console.pilot.pause(0.4)
        assert drawn == []


async def _open(console: Console) -> None:
    await console.press("escape", "2", "enter")
    await until(lambda: isinstance(console.app.screen, BackendScreen))
