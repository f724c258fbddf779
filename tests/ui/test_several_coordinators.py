"""Several coordinators in the console: one of them is shown, and header and title of the pane say which."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.coordinator_status import CoordinatorChanged, CoordinatorForgotten, CoordinatorState
from app.core.loading import LoadPhase, LoadProgress
from app.core.log_watch import LogGrew
from app.core.models import Model, Source
from app.core.requests import Request, RequestsChanged
from app.core.routing import Lack, Route
from app.llama.engine import Engine
from app.llama.log_book import LogBook
from app.ui.model_rows import details
from app.ui.panes.coordinators_seen import CoordinatorsSeen
from app.ui.screens.leave import LeaveScreen
from tests.support.console import HELD, NOON, Console, OpenConsole, free, ready_status
from tests.support.engine import RpcServerFactory
from tests.support.waiting import until

LARGE = ready_status(HELD[:2])
SMALL = replace(ready_status(HELD[2:]), model="llama3.2:3b", since=NOON + timedelta(seconds=9))


def told() -> CoordinatorsSeen:
    seen = CoordinatorsSeen(())
    seen.take([CoordinatorChanged(each, of=each.model) for each in (LARGE, SMALL)])
    return seen


def test_what_was_begun_last_is_shown_and_one_goes_round() -> None:
    seen = told()
    assert (seen.shown.status, seen.place(seen.shown)) == (SMALL, (2, 2))
    seen.go_by(1)
    assert (seen.shown.status, seen.place(seen.shown)) == (LARGE, (1, 2))
    seen.take([CoordinatorChanged(replace(SMALL, state=CoordinatorState.STOPPED), of=SMALL.model)])
    assert seen.shown.status == LARGE, "what becomes of another changes nothing"
    again = replace(SMALL, since=NOON + timedelta(seconds=20))
    seen.take([CoordinatorChanged(again, of=SMALL.model)])
    assert seen.shown.status == again, "it was started anew"
    seen.take([CoordinatorForgotten(of=SMALL.model)])
    assert (seen.shown.status, str(seen.place(seen.shown))) == (LARGE, "")


def test_each_has_its_own_log_requests_and_progress(tmp_path: Path) -> None:
    seen = told()
    books = {status.model: LogBook(tmp_path / status.model) for status in (LARGE, SMALL)}
    for model, book in books.items():
        requests = (Request(len(model), 0, began_s=1.0),)
        progress = LoadProgress(LoadPhase.LOADING, float(len(model)), of=model)
        seen.take([LogGrew(book, of=model), RequestsChanged(requests, of=model), progress])
    for status in (SMALL, LARGE):
        assert seen.shown.book is books[status.model]
        assert [request.task for request in seen.shown.requests] == [len(status.model)]
        assert seen.shown.progress is not None
        assert seen.shown.progress.elapsed_s == len(status.model)
        seen.go_by(1)


@pytest.mark.parametrize("lack", Lack)
def test_whatever_is_missing_for_a_model_has_a_remedy(lack: Lack) -> None:
    model = Model("llama3.1:405b", Source.STORE)
    told = details(model, Route(model, None, None, (), ("how large it is", "why not"), lack)).plain
    assert "why not" in told
    assert told.splitlines()[-1] != "why not"


async def test_the_pane_and_the_header_say_which_of_how_many(open_console: OpenConsole) -> None:
    async with open_console() as console:
        for address in HELD:
            console.cluster.backends.take(free(address), "sweep")
        await console.press("escape", "4", "right_square_bracket")
        assert "There is no other coordinator" in console.toasts[-1]
        console.cluster.bus.publish(CoordinatorChanged(LARGE, of=LARGE.model))
        await console.shows("4 Coordinator ─")
        console.cluster.bus.publish(CoordinatorChanged(SMALL, of=SMALL.model))
        await console.shows("4 Coordinator  2 of 2")
        await console.shows("→ coordinator 2 of 2 :18080 ● ready")
        # Where one of them is that of the chosen model, the header is about that one.
        await console.cluster.choices.set_model(LARGE.model)
        await console.shows("llama3.1:405b → coordinator 1 of 2 :18080 ● ready")
        await console.press("left_square_bracket")
        await console.shows("4 Coordinator  1 of 2")
        await console.shows("llama3.1:405b  ● ready")
        # Each backend has what its own coordinator has put there.
        shares = [console.main.backends._holding(address)[1] for address in HELD]
        assert shares == [LARGE.model, LARGE.model, SMALL.model]


def settings(engine: Engine, folder: Path, *backends: object) -> tuple[str, ...]:
    return (
        "mode: distributed",
        "distributed_inference: true",
        "model: tiny",
        f"models: {{folders: [{folder}]}}",
        f"engine: {{server: {engine.server}, rpc_server: {engine.rpc_server}}}",
        "coordinator: {context: 512, threads: 1}",
        "placement: {margin_gib: 0.1}",
        f"backends: [{', '.join(map(str, backends))}]",
    )


def models(console: Console) -> list[str]:
    return [coordinator.status.model for coordinator in console.cluster.coordinators.present]


async def test_two_are_started_one_is_stopped_and_leaving_asks_for_both(
    engine: Engine,
    rpc_server: RpcServerFactory,
    tiny_model: Path,
    endless_model: Path,
    tmp_path: Path,
    open_console: OpenConsole,
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for model in (tiny_model, endless_model):
        shutil.copy(model, folder)
    addresses = [rpc_server(host=f"127.0.0.{n}").address for n in (2, 3)]
    async with open_console(*settings(engine, folder, *addresses)) as console:
        await console.press("escape", "4", "z", "S")
        await console.shows("● ready in")
        assert "of 1" not in console.text
        await console.command("start endless")
        await console.shows("4 Coordinator  2 of 2")
        await console.shows("● ready in")
        await until(lambda: models(console) == ["tiny", "endless"])
        await console.press("escape", "q")
        await until(lambda: isinstance(console.app.screen, LeaveScreen))
        assert "Stop them, and free their backends" in console.text
        await console.press("c")

        await console.press("4", "left_square_bracket", "x")
        await until(lambda: models(console) == ["endless"])
        await console.shows("4 Coordinator  1 of 2")
        await console.shows("● stopped")
        await console.press("x")
        await until(lambda: any("']' shows another one" in toast for toast in console.toasts))
        assert models(console) == ["endless"]
        await console.command("stop all")
        await until(lambda: not models(console))
