"""What the four panes have in common."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from app.ui.places import Place


class Pane(Vertical):
    """One of the panes: a title with its number, and one widget that takes the focus."""

    PLACE: ClassVar[Place]

    class Retitled(Message):
        """What stands in its lower edge is another."""

    def __init__(self, *classes: str) -> None:
        """With the classes that it has at first: to add them later would style all that is in it anew."""
        super().__init__(id=self.PLACE.value, classes=" ".join(("pane", *classes)))
        self.entitle()

    def on_click(self, event: Click) -> None:
        """A click on the frame or its title goes to this pane; what is in it minds its own clicks."""
        if event.widget is self:
            self.main.focus()

    def entitle(self, addition: str = "") -> None:
        """Say its number and name in the upper edge, and something more."""
        title = f"{self.PLACE.number} {self.PLACE.heading}"
        title = f"{title}  {addition}" if addition else title
        if title != self.border_title:
            self.border_title = title

    def remark(self, text: str) -> None:
        """Say something in the lower edge, which the line of tabs repeats."""
        if text != self.border_subtitle:
            self.border_subtitle = text
            self.post_message(self.Retitled())

    @property
    def main(self) -> Widget:
        """The widget that gets the focus when one goes to this pane."""
        raise NotImplementedError
