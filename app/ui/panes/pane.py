"""What the four panes have in common."""

from __future__ import annotations

from typing import ClassVar

from textual.containers import Vertical
from textual.widget import Widget

from app.ui.places import Place


class Pane(Vertical):
    """One of the panes: a title with its number, and one widget that takes the focus."""

    PLACE: ClassVar[Place]

    def __init__(self) -> None:
        super().__init__(id=self.PLACE.value)
        self.border_title = f"{self.PLACE.number} {self.PLACE.heading}"

    @property
    def main(self) -> Widget:
        """The widget that gets the focus when one goes to this pane."""
        raise NotImplementedError
