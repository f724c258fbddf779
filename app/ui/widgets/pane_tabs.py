"""The names of the panes in one line, where only one of them has room."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from app.ui.places import Place

_GAP = "   "


class PaneTabs(Widget):
    """The panes by number and name, the current one marked; at the right what the current one has to say."""

    current = reactive(Place.CHAT)
    remark = reactive("")

    def render(self) -> Content:
        """One line; of the remark as many of its parts as fit, the first ones first."""
        tabs = Content(_GAP).join(self._tab(place) for place in Place)
        width = self.size.width - 2
        remark = self.remark
        while remark and cell_len(remark) > width - tabs.cell_length - len(_GAP):
            remark, _, _ = remark.rpartition("  ")
        gap = " " * (width - tabs.cell_length - cell_len(remark)) if remark else ""
        return Content.assemble(tabs, gap, (remark, "$text-muted"))

    def _tab(self, place: Place) -> Content:
        style = "bold reverse" if place is self.current else "$text-muted"
        name = f" {place.number} {place.value.title()} "
        return Content.styled(name, style).stylize(f"@click=screen.command('{_COMMANDS[place]}')")


_COMMANDS = {
    Place.CHAT: "chat",
    Place.BACKENDS: "rpc list",
    Place.NODES: "nodes",
    Place.COORDINATOR: "coordinator",
}
