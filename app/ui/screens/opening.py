"""What is there while the cluster is being opened: the frames, and a prompt that takes keys already."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from app.ui.places import Place
from app.ui.widgets.prompt import Prompt


class OpeningScreen(Screen[None]):
    """The first picture. It knows of nothing, so that nothing has to be imported before it is seen."""

    AUTO_FOCUS = "Prompt"
    BINDINGS: ClassVar[list[BindingType]] = [("ctrl+q", "app.quit", "quit")]

    class Drawn(Message):
        """It can be seen."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        """What was sent already."""

    def compose(self) -> ComposeResult:
        """The frames of the main screen."""
        yield Static(" synaptic-tui", classes="bar")
        with Horizontal(id="panes"):
            with _frame(Place.CHAT, "-current"):
                yield Static("Opening …", classes="opening")
                with Vertical(id="asking"):
                    yield Prompt()
            with Vertical(id="side", classes="-current"):
                for place in (Place.BACKENDS, Place.NODES, Place.COORDINATOR):
                    yield _frame(place)
        yield Static(classes="bar")

    def on_mount(self) -> None:
        """Say so when it can be seen."""
        self.call_after_refresh(self.post_message, self.Drawn())

    def on_prompt_sent(self, event: Prompt.Sent) -> None:
        """Keep it for the main screen."""
        self.sent.append(event.text)


def _frame(place: Place, *classes: str) -> Vertical:
    frame = Vertical(id=place.value, classes=" ".join(("pane", *classes)))
    frame.border_title = f"{place.number} {place.heading}"
    return frame
