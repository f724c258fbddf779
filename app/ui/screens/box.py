"""All about this box: its cores, its memory, its GPUs, and how they were over the last minutes."""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.events import Resize

from app.core.cluster import Cluster
from app.core.vitals import VitalsRead
from app.ui.box_sheet import BoxSheet
from app.ui.screens.modal import Modal
from app.ui.widgets.said import Said

_EVERY_S = 2.0
_HZ = 2


class BoxScreen(Modal[None]):
    """Reads this box more often for as long as it is there."""

    BINDINGS: ClassVar[list[BindingType]] = [("q,enter", "close", "close")]

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._box = cluster.box
        self._bus = cluster.bus
        self._sheet = BoxSheet(cluster.box.history)

    def compose(self) -> ComposeResult:
        """The figures, in a frame that scrolls."""
        with VerticalScroll(id="box") as frame:
            frame.border_title = "This box"
            frame.border_subtitle = self.keys_line
            yield Said(id="box-figures")

    def on_mount(self) -> None:
        """Show what is known, and follow it."""
        self.query_one("#box").focus()
        self.follow()

    def on_resize(self, _event: Resize) -> None:
        """Use the width that there is."""
        self.call_after_refresh(self._show)

    @work(name="follow this box", group="follow", exit_on_error=False)
    async def follow(self) -> None:
        """Show each reading, for as long as the screen is there."""
        with self._box.looked_at(_EVERY_S), self._bus.subscribe() as mailbox:
            async for events in mailbox.batches(_HZ):
                if any(isinstance(event, VitalsRead) for event in events):
                    self._show()

    def _show(self) -> None:
        figures = self.query_one("#box-figures", Said)
        figures.say(self._sheet.text(self._box.latest, self.query_one("#box").content_size.width))
