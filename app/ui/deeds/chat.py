"""What the commands of the chat do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.text.problem import Problem
from app.text.units import plural
from app.ui.places import Place
from app.ui.widgets.search import SearchLine
from app.ui.widgets.turn_drawing import Fold

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen
    from app.ui.widgets.turn import TurnView


def toggle_reasons(screen: MainScreen, _argument: str) -> None:
    """Fold or unfold the reasons of the selected turn's route."""
    screen.chat.toggle(Fold.WHY)


def toggle_thinking(screen: MainScreen, _argument: str) -> None:
    """Fold or unfold the selected turn's thinking."""
    screen.chat.toggle(Fold.THINKING)


def older_turn(screen: MainScreen, _argument: str) -> None:
    """Select the turn before."""
    screen.chat.transcript.walk(-1)


def newer_turn(screen: MainScreen, _argument: str) -> None:
    """Select the turn after."""
    screen.chat.transcript.walk(1)


def copy_answer(screen: MainScreen, _argument: str) -> None:
    """Copy the answer as it came."""
    _copy(screen, "the answer", _selected(screen).shown.turn.text)


def copy_prompt(screen: MainScreen, _argument: str) -> None:
    """Copy the prompt as it was sent."""
    _copy(screen, "the prompt", _selected(screen).shown.turn.prompt)


def copy_code(screen: MainScreen, _argument: str) -> None:
    """Copy a block of code; another time, the one after it."""
    found = _selected(screen).next_code()
    if found is None:
        raise Problem("This answer has no block of code.", "K selects an older turn; y copies the answer.")
    text, at, count = found
    _copy(screen, "the block of code" if count == 1 else f"block of code {at} of {count}", text)


def _selected(screen: MainScreen) -> TurnView:
    selected = screen.chat.transcript.selected
    assert selected is not None
    return selected


def _copy(screen: MainScreen, what: str, text: str) -> None:
    if not text:
        raise Problem(f"There is nothing in {what} yet.", "Wait for it, or select another turn with K.")
    screen.app.copy_to_clipboard(text)
    screen.tell(f"Copied {what}: {plural(len(text), 'character')}.")


def find(screen: MainScreen, text: str) -> None:
    """Search the conversation for a text, or ask for one."""
    screen.go(Place.CHAT)
    if text:
        screen.chat.transcript.focus()
        screen.chat.find(text)
    else:
        screen.chat.query_one(SearchLine).open()


def next_match(screen: MainScreen, _argument: str) -> None:
    """Go to the next match."""
    screen.chat.step(1)


def previous_match(screen: MainScreen, _argument: str) -> None:
    """Go to the match before."""
    screen.chat.step(-1)


def ask_again(screen: MainScreen, model: str) -> None:
    """Put the last prompt once more."""
    screen.chat.ask_again(model)


def edit(screen: MainScreen, _argument: str) -> None:
    """Bring the selected prompt back to be changed."""
    screen.chat.edit()


def go_on(screen: MainScreen, _argument: str) -> None:
    """Let the model go on with its last answer."""
    screen.chat.go_on()
