"""The question on the way out: what becomes of the coordinators."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from app.core.coordinator_status import CoordinatorStatus
from app.ui.screens.modal import Modal

Wish = Literal["stop", "leave"]


class LeaveScreen(Modal[Wish]):
    """Asks whether to stop the coordinators or to leave them running; None: stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("c", "close", "cancel"),
        ("s", "choose('stop')", "stop it"),
        ("l", "choose('leave')", "leave it running"),
    ]

    def __init__(self, *statuses: CoordinatorStatus) -> None:
        super().__init__()
        self._statuses = statuses

    def compose(self) -> ComposeResult:
        """The question and its three answers."""
        with Vertical(id="leave") as frame:
            frame.border_title = "Leave"
            said = (f"The coordinator for {each.model} is {each.state}." for each in self._statuses)
            yield Static(Content("\n".join(said)))
            it, its = ("it", "its") if len(self._statuses) == 1 else ("them", "their")
            yield OptionList(
                Option(f"s  Stop {it}, and free {its} backends", id="stop"),
                Option(f"l  Leave {it} running; the next console takes {it} over", id="leave"),
                Option("c  Cancel, and stay here", id="cancel"),
                markup=False,
                compact=True,
            )

    def action_choose(self, wish: Wish) -> None:
        """Answer with one key."""
        self.dismiss(wish)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the highlighted line."""
        match event.option_id:
            case "stop":
                self.dismiss("stop")
            case "leave":
                self.dismiss("leave")
            case _:
                self.dismiss(None)
