"""A log of any length: what is in view, and what is not even read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from app.llama.log_book import LogBook
from app.llama.log_sieve import pattern_of
from app.ui.widgets.folding import fold
from app.ui.widgets.log_view import LogView
from tests.support.waiting import until


class LogApp(App[None]):
    def __init__(self, log: Path, lines_kept: int) -> None:
        super().__init__()
        self.log_file = log
        self.book = LogBook(log, lines_kept)

    def compose(self) -> ComposeResult:
        yield LogView()

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    @property
    def rows(self) -> list[str]:
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]

    async def write(self, *lines: str) -> None:
        """Let the log grow, and show it."""
        with self.log_file.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        while await self.book.grow():
            pass
        self.view.show(self.book, self.book.numbers)

    async def shows(self, *rows: str) -> None:
        await until(lambda: self.rows[: len(rows)] == list(rows), f"{rows} instead of {self.rows}")


@asynccontextmanager
async def opened(
    tmp_path: Path, width: int = 40, height: int = 10, lines_kept: int = 1_000_000
) -> AsyncIterator[tuple[LogApp, Pilot[None]]]:
    app = LogApp(tmp_path / "log", lines_kept)
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        app.view.focus()
        yield app, pilot


def lines(first: int, count: int) -> list[str]:
    return [f"line {n}" for n in range(first, first + count)]


async def test_the_newest_lines_are_in_view(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        await app.write(*lines(0, 100))
        await app.shows(*lines(90, 10))
        await app.write(*lines(100, 1))
        await app.shows(*lines(91, 10))


async def test_moving_up_pauses_and_the_end_follows_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await app.write(*lines(0, 100))
        await app.shows(*lines(90, 10))
        await pilot.press("k", "k")
        assert (app.view.following, app.view.cursor) == (False, 97)
        await app.write(*lines(100, 7))
        assert app.view.unseen == 7
        await app.shows(*lines(90, 10))
        app.view.follow()
        await app.shows(*lines(97, 10))
        assert (app.view.following, app.view.unseen) == (True, 0)
        await pilot.press("k", "j", "j")
        assert app.view.following


@pytest.mark.parametrize("wrap", [False, True], ids=["cut", "folded"])
async def test_every_line_can_be_walked_to(tmp_path: Path, *, wrap: bool) -> None:
    async with opened(tmp_path, width=20, height=6) as (app, pilot):
        app.view.wrap = wrap
        await app.write(*(f"{n} " + "word " * (n % 9) for n in range(30)))
        await until(lambda: app.rows[0] != "")
        for number in reversed(range(29)):
            await pilot.press("k")
            await until(lambda number=number: number in app.view.in_view)  # type: ignore[misc]
        for number in range(1, 30):
            await pilot.press("j")
            await until(lambda number=number: number in app.view.in_view)  # type: ignore[misc]
        await pilot.press("g")
        await until(lambda: app.rows[0] == "0")
        await pilot.press("ctrl+d", "ctrl+d")
        assert app.view.cursor > 4
        await pilot.press("G")
        assert app.view.following


async def test_the_wheel_scrolls_and_the_end_follows(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        await app.write(*lines(0, 100))
        await app.shows(*lines(90, 10))
        app.view.scroll_to(y=50, animate=False)
        await app.shows(*lines(50, 10))
        assert not app.view.following
        app.view.scroll_to(y=90, animate=False)
        await app.shows(*lines(90, 10))
        assert app.view.following


async def test_what_one_looks_at_stays_while_old_lines_go(tmp_path: Path) -> None:
    async with opened(tmp_path, lines_kept=1_000) as (app, pilot):
        await app.write(*lines(0, 1_000))
        await app.shows(*lines(990, 10))
        await pilot.press("ctrl+u")
        await until(lambda: app.rows[0] == "line 990")
        await app.write(*lines(1_000, 500))
        await app.shows(*lines(990, 10))
        assert app.book.first > 0


async def test_of_a_long_log_only_some_lines_are_in_memory(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await app.write(*lines(0, 50_000))
        await app.shows(*lines(49_990, 10))
        for keys in ("g", "ctrl+d", "ctrl+d", "G", "ctrl+u"):
            await pilot.press(keys)
            await until(lambda: all(n in app.view._lines for n in app.view.in_view))
            assert len(app.view._lines) <= 3 * app.view.size.height


async def test_other_lines_and_going_to_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        await app.write(*lines(0, 1_000))
        app.view.show(app.book, range(0, 1_000, 7))
        await app.shows(*(f"line {n}" for n in range(931, 1_000, 7)))
        app.view.go_to(500)
        await until(lambda: "line 504" in app.rows)
        assert (app.view.cursor, app.view.following) == (504, False)


async def test_folded_or_cut_off_and_shifted(tmp_path: Path) -> None:
    async with opened(tmp_path, width=30, height=4) as (app, pilot):
        await app.write("0.00.005.485 I " + "word " * 6)
        await app.shows("     0.01 word word word word")
        await pilot.press("right")
        await app.shows("     0.01 word word")
        app.view.toggle_wrap()
        await app.shows("     0.01 word word word word", "          word word", "")
        await pilot.resize_terminal(60, 4)
        await app.shows("     0.01 word word word word word word")


async def test_matches_are_marked(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        await app.write("one two one")
        await app.shows("one two one")
        app.view.seek(pattern_of("One"))
        assert not [s for s in app.view.render_line(0) if s.text == "one"]
        app.view.seek(pattern_of("one"))
        marked = [s for s in app.view.render_line(0) if s.text == "one"]
        assert len(marked) == 2
        assert marked[0].style != next(s.style for s in app.view.render_line(0) if "two" in s.text)


async def test_nothing_in_a_line_can_steer_the_terminal(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, _):
        await app.write("\x1b[2J\x1b]52;c;eA==\x07\ttab\u202e\x9b1m")
        await until(lambda: "tab" in app.rows[0])
        assert not any(sign in "".join(app.rows) for sign in "\x1b\x07\t\u202e\x9b")


async def test_lines_can_be_selected(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await app.write(*lines(0, 3))
        await app.shows(*lines(0, 3))
        app.view.text_select_all()
        await pilot.pause()
        assert (app.screen.get_selected_text() or "").splitlines() == lines(0, 3)


async def test_a_log_that_vanishes_stays_quiet(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await app.write(*lines(0, 100))
        await app.shows(*lines(90, 10))
        app.log_file.unlink()
        await pilot.press("g")
        await until(lambda: app.rows[0] == "")


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cn", "Cs", "Mn", "Me", "Cf"))),
    st.integers(4, 60),
    st.integers(0, 9),
)
@example("0000000⺀\ua8b4", 4, 0)
@example("\u2601\ufe0f" * 5, 5, 0)
def test_folded_rows_fit_and_lose_nothing(text: str, width: int, hang: int) -> None:
    rows = fold(text, width, hang)
    assert all(cell_len(row) <= width for row in rows)
    assert "".join("".join(rows).split()) == "".join(text.split())


async def test_a_click_puts_the_cursor_there(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        await app.write(*lines(0, 100))
        await app.shows(*lines(90, 10))
        await pilot.click(LogView, offset=(2, 3))
        assert (app.view.cursor, app.view.following) == (93, False)
        await app.shows(*lines(90, 10))
