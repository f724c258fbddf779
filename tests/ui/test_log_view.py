"""A log at any rate: what is in view, and what is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from app.ui.widgets.folding import fold
from app.ui.widgets.log_view import LINES_KEPT, LogEntry, LogView


class LogApp(App[None]):
    def compose(self) -> ComposeResult:
        yield LogView()

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    @property
    def rows(self) -> list[str]:
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]


@asynccontextmanager
async def opened(width: int = 40, height: int = 10) -> AsyncIterator[tuple[LogApp, Pilot[None]]]:
    app = LogApp()
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        yield app, pilot


def entries(first: int, count: int) -> list[LogEntry]:
    return [LogEntry(f"line {n}") for n in range(first, first + count)]


async def test_the_newest_lines_are_in_view() -> None:
    async with opened() as (app, _):
        app.view.feed(entries(0, 100))
        assert app.rows == [f"line {n}" for n in range(90, 100)]
        app.view.feed(entries(100, 1))
        assert app.rows[-1] == "line 100"


async def test_scrolling_up_pauses_and_the_end_follows_again() -> None:
    async with opened() as (app, pilot):
        app.view.feed(entries(0, 100))
        app.view.focus()
        await pilot.press("k", "k")
        await pilot.pause()
        assert not app.view.following
        before = app.rows
        app.view.feed(entries(100, 7))
        assert app.rows == before
        assert app.view.unseen == 7
        app.view.follow()
        assert app.rows[-1] == "line 106"
        assert (app.view.following, app.view.unseen) == (True, 0)


async def test_only_so_many_lines_are_kept() -> None:
    async with opened() as (app, _):
        app.view.feed(entries(0, LINES_KEPT + 500))
        assert app.view.text.splitlines()[0] == "line 500"
        assert app.rows[-1] == f"line {LINES_KEPT + 499}"


async def test_what_one_looks_at_stays_while_old_lines_go() -> None:
    async with opened() as (app, pilot):
        app.view.feed(entries(0, 2 * LINES_KEPT))
        app.view.focus()
        await pilot.press("ctrl+u")
        await pilot.pause()
        before = app.rows
        app.view.feed(entries(2 * LINES_KEPT, 100))
        assert app.rows == before


async def test_another_width_folds_anew_and_stays_at_the_end() -> None:
    async with opened(width=40) as (app, pilot):
        app.view.feed([LogEntry("12:00:00 " + "word " * 12, lead=9)])
        assert app.rows[1].startswith("         word")
        await pilot.resize_terminal(20, 10)
        await pilot.pause()
        assert all(len(row) <= 19 for row in app.rows)
        await pilot.resize_terminal(100, 10)
        await pilot.pause()
        assert app.rows[0].split() == ["12:00:00", *["word"] * 12]


async def test_nothing_in_a_line_can_steer_the_terminal() -> None:
    async with opened() as (app, _):
        app.view.feed([LogEntry("\x1b[2J\x1b]52;c;eA==\x07\ttab\u202e\x9b1m")])
        assert not any(sign in "".join(app.rows) for sign in "\x1b\x07\t\u202e\x9b")


async def test_lines_can_be_selected() -> None:
    async with opened() as (app, pilot):
        app.view.feed(entries(0, 3))
        app.view.text_select_all()
        await pilot.pause()
        assert (app.screen.get_selected_text() or "").splitlines() == ["line 0", "line 1", "line 2"]


@pytest.mark.parametrize("kind", ["info", "good", "warning", "error", "dim"])
async def test_every_kind_has_a_look(kind: str) -> None:
    async with opened() as (app, _):
        app.view.feed([LogEntry("text", kind)])
        assert app.rows[0] == "text"


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Mn", "Me", "Cf"))),
    st.integers(4, 60),
    st.integers(0, 9),
)
def test_folded_rows_fit_and_lose_nothing(text: str, width: int, hang: int) -> None:
    rows = fold(text, width, hang)
    assert all(cell_len(row) <= width for row in rows)
    assert "".join("".join(rows).split()) == "".join(text.split())
