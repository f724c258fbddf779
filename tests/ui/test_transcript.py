"""The transcript: any number of turns, of which only what is in view is drawn."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from app.core.chat import Turn
from app.ui.widgets.transcript import Transcript
from app.ui.widgets.turn_drawing import Fold, TurnDrawing
from tests.support.console import OpenConsole
from tests.support.scripted import answer_with, whole
from tests.support.waiting import until

MODEL = "model: llama3.1:405b"
ANSWER = "\n".join(
    (
        "# A heading",
        "",
        "Some **bold** words, `code` and a [link](http://127.0.0.1/).",
        "",
        "- one",
        "- two",
        "",
        "```python",
        "def f(x: int) -> int:",
        "    return x + 1",
        "```",
        "",
        "| a | b |",
        "|---|---|",
        "| 1 | 2 |",
        "",
        "And a paragraph at the end, which is so long that it takes more than one line at this width.",
    )
)


class TranscriptApp(App[None]):
    """Nothing but a transcript."""

    def compose(self) -> ComposeResult:
        """The transcript."""
        yield Transcript()

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def shown(self) -> list[str]:
        """The lines in view."""
        transcript = self.transcript
        return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]


def some_turns(count: int) -> list[Turn]:
    """A conversation of so many turns, each of which says its number."""
    return [Turn(f"Prompt {n}", "m", answer=[ANSWER, f"\n\nThe end of {n}."]) for n in range(count)]


async def shown_to_end(pilot: Pilot[None], app: TranscriptApp) -> None:
    """Wait until nothing in view is left to be drawn."""

    def is_drawn() -> bool:
        newest = app.transcript.newest
        if newest is not None and newest.shown.growing and newest.behind:
            newest.grow()  # as the chat does while an answer comes
        return not app.transcript._stack.behind

    await pilot.pause()
    await until(is_drawn)


async def test_a_long_history_is_few_widgets_and_all_of_it_can_be_seen(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        console.main.chat.transcript.show(some_turns(300))
        answer_with(console.cluster, *whole(ANSWER * 60))
        console.main.chat.prompt.focus()
        await console.type("One more, of a thousand tokens")
        await console.press("enter")
        await until(
            lambda: not console.main.chat.answering and len(console.main.chat.transcript.turns) == 301
        )
        assert len(list(console.main.walk_children())) <= 600
        await console.press("escape", "g")
        await console.shows("Prompt 0")


@pytest.mark.parametrize("draw_s", [0.0, 1.0], ids=["little by little", "at once"])
@pytest.mark.parametrize("count", [1, 3, 2_000])
async def test_it_begins_at_the_end(count: int, draw_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.widgets.turn_stack.DRAW_S", draw_s)
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(count))
        await shown_to_end(pilot, app)
        assert app.shown[-3:] == ["", f"  The end of {count - 1}.", ""]
        assert app.transcript.scroll_y == app.transcript.max_scroll_y


async def test_every_line_is_passed_on_the_way_up() -> None:
    """However wrong the guesses of heights were: the view moves by a line where it is moved by a line."""
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(12))
        await shown_to_end(pilot, app)
        below = app.shown
        while app.transcript._top != (0, 0):
            app.transcript.move_by(-1)
            await shown_to_end(pilot, app)
            assert app.shown[1:] == below[:-1]
            below = app.shown
        assert below[:2] == ["you", "  Prompt 0"]
        assert app.transcript.scroll_y == 0


async def test_the_wheel_moves_by_lines_where_heights_were_guessed() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(50))
        await shown_to_end(pilot, app)
        for _ in range(40):
            before = app.shown
            app.transcript.scroll_relative(y=-3, animate=False)
            await shown_to_end(pilot, app)
            assert app.shown[3:] == before[:-3]
        assert not app.transcript.following


async def test_growth_leaves_the_reader_alone() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(5))
        view = app.transcript.begin(Turn("Go on", "m"))
        await shown_to_end(pilot, app)
        app.transcript.move_by(-15)
        await shown_to_end(pilot, app)
        before = app.shown
        for _ in range(10):
            view.shown.turn.answer.append(ANSWER)
            view.grow()
        assert app.shown == before
        view.shown.growing = False
        app.transcript.follow()
        await shown_to_end(pilot, app)
        assert app.transcript.following
        assert "at this width" in "".join(app.shown)


async def test_another_width_keeps_the_turn_in_view() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(90, 20)) as pilot:
        app.transcript.show(some_turns(2_000))
        app.transcript._select(1_000)
        app.transcript.walk(0)
        await shown_to_end(pilot, app)
        assert "  Prompt 1000" in app.shown
        await pilot.resize_terminal(50, 20)
        await shown_to_end(pilot, app)
        assert "  Prompt 1000" in app.shown


async def test_lines_out_of_view_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.widgets.turn_stack.KEPT_LINES", 100)
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(20))
        await shown_to_end(pilot, app)
        while app.transcript._top != (0, 0):
            app.transcript.move_by(-15)
            await shown_to_end(pilot, app)
        assert sum(view.height for view in app.transcript.turns if view.lines) <= 100
        assert app.transcript._stack.height > 300


async def test_only_what_is_in_view_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[str]()
    draw = TurnDrawing.draw

    def note(drawing: TurnDrawing, *arguments: object) -> None:
        drawn.append(str(arguments))
        draw(drawing, *arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(TurnDrawing, "draw", note)
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(2_000))
        await shown_to_end(pilot, app)
        app.transcript.move_to_start()
        await shown_to_end(pilot, app)
        await pilot.resize_terminal(50, 20)
        await shown_to_end(pilot, app)
        assert len(drawn) < 100


async def test_growth_redraws_only_what_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        view = app.transcript.begin(Turn("Go", "m", answer=["First.\n\nSecond.\n\nThi"]))
        await shown_to_end(pilot, app)
        changed = list[Region]()
        monkeypatch.setattr(app.transcript, "refresh", lambda *regions, **_: changed.extend(regions))
        view.shown.turn.answer.append("rd")
        view.grow()
        row = next(y for y, line in enumerate(app.shown) if "Third" in line)
        assert [region.y for region in changed] == [row]
        changed.clear()
        view.grow()
        assert not changed


async def test_walking_selects_and_folds_are_of_the_selected_turn() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        turns = some_turns(5)
        turns[3].thinking.append("I wonder.")
        app.transcript.show(turns)
        await shown_to_end(pilot, app)
        app.transcript.walk(-1)
        await shown_to_end(pilot, app)
        assert app.shown[:2] == ["you  ◂ selected", "  Prompt 3"]
        selected = app.transcript.selected
        assert selected is app.transcript.turns[3]
        selected.toggle(Fold.THINKING)
        assert "  I wonder." in app.shown
        app.transcript.walk(1)
        await shown_to_end(pilot, app)
        assert app.transcript.following
        assert not any(view.shown.selected for view in app.transcript.turns)


async def test_the_newest_is_taken_away() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(2))
        await shown_to_end(pilot, app)
        app.transcript.drop_last()
        await shown_to_end(pilot, app)
        assert app.shown[-2] == "  The end of 0."
        app.transcript.clear()
        await pilot.pause()
        assert not any(app.shown)


async def test_a_double_click_selects_the_turn() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(3))
        await shown_to_end(pilot, app)
        await pilot.click(Transcript, offset=(3, 15), times=2)
        text = app.screen.get_selected_text() or ""
        assert text.startswith("you\n  Prompt 2")
        assert "The end of 2." in text


async def test_all_can_be_selected_without_drawing_all() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        app.transcript.show(some_turns(500))
        await shown_to_end(pilot, app)
        app.transcript.text_select_all()
        text = app.screen.get_selected_text() or ""
        assert all(f"Prompt {n}" in text and f"The end of {n}." in text for n in range(500))
        assert sum(bool(view.lines) for view in app.transcript.turns) < 20


async def test_a_long_answer_is_drawn_piece_by_piece_until_all_is_there() -> None:
    app = TranscriptApp()
    async with app.run_test(size=(60, 20)) as pilot:
        words = " ".join(f"w{n}" for n in range(20_000))
        app.transcript.show([Turn("Go", "m", answer=[words])])
        assert app.transcript._stack.behind
        await shown_to_end(pilot, app)
        assert "w19999" in app.shown[-2]
        assert "".join(app.transcript.turns[0].texts[4:]).split() == words.split()


async def test_a_text_is_searched_for(open_console: OpenConsole) -> None:
    async with open_console(MODEL) as console:
        console.main.chat.transcript.show(some_turns(30))
        console.main.chat.show_model()
        await console.shows("The end of 29.")
        await console.press("escape", "slash")
        await console.type("end of 1")
        await console.press("enter")
        await console.shows("/end of 1 1 of 11")
        await console.shows("The end of 1.")
        await console.press("n")
        await console.shows("/end of 1 2 of 11")
        await console.shows("The end of 10.")
        await console.press("N", "N")
        await console.shows("/end of 1 11 of 11")
        await console.shows("The end of 19.")
        transcript = console.main.chat.transcript
        marked = transcript.look("match").bgcolor
        segments = [s for y in range(transcript.size.height) for s in transcript.render_line(y)]
        found = [s.text for s in segments if s.style is not None and s.style.bgcolor == marked]
        assert "".join(found) == "end of 1"
        await console.press("slash", "escape")
        await until(lambda: "of 11" not in console.text)
        assert transcript.search is None
