"""A question before something that cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from app.ui.screens.modal import Modal


class ConfirmScreen(Modal[bool]):
    """Answered with True by `y`, or by choosing the second line; anything else is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("n", "close", "no"),
        ("y", "confirm", "yes"),
    ]

    def __init__(self, title: str, question: str, deed: str) -> None:
        super().__init__()
        self._heading = title
        self._question = question
        self._deed = deed

    def compose(self) -> ComposeResult:
        """The question, and both answers; the cursor stands on no."""
        with Vertical(id="confirm") as frame:
            frame.border_title = self._heading
            yield Static(self._question, markup=False)
            yield OptionList(
                Option("n  No, leave it as it is", id="no"),
                Option(f"y  {self._deed}", id="yes"),
                markup=False,
                compact=True,
            )

    def action_confirm(self) -> None:
        """Answer yes."""
        self.dismiss(True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the highlighted line."""
        self.dismiss(event.option_id == "yes")
