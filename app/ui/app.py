"""The console: puts the main screen on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.screen import Screen

from app.core.cluster import Cluster
from app.ui.command import Order
from app.ui.commands import BY_NAME
from app.ui.palette import CommandsOfTable
from app.ui.screens.main import MainScreen
from app.ui.styles import STYLESHEETS, styles_folder
from app.ui.terminal import TerminalDriver

OF_TEXTUAL = ("Theme", "Screenshot")
"""What the palette offers of Textual's own commands; the others have a counterpart in our table."""

IN_EVERY_SCREEN = ("interrupt", "suspend")
"""Commands whose keys go before whatever a field or a screen would make of them."""

WIDTHS = [(0, "-narrow"), (100, "-wide")]
HEIGHTS = [(0, "-short"), (30, "-tall")]
"""Four panes at once need both: wide and tall."""


class ConsoleApp(App[None], inherit_bindings=False):
    """The full-screen console on one cluster, which is open already and stays open afterwards."""

    TITLE = "synaptic-tui"
    CSS_PATH: ClassVar[list[str | PurePath]] = [styles_folder() / name for name in STYLESHEETS]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {CommandsOfTable}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"command('{name}')", BY_NAME[name].help, show=False, priority=True)
        for name in IN_EVERY_SCREEN
        for key in BY_NAME[name].keys
    ]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.main = MainScreen(cluster)
        self.fault: Exception | None = None
        """The fault of this program that has ended the console."""

    def get_default_screen(self) -> MainScreen:
        """The main screen."""
        return self.main

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Those of Textual's own commands that are of use here."""
        return (command for command in super().get_system_commands(screen) if command.title in OF_TEXTUAL)

    def action_command(self, name: str) -> None:
        """Carry out a command whose key works in every screen."""
        self.main.order(Order(BY_NAME[name]))

    @on(Driver.SignalResume)
    def _draw_anew(self) -> None:
        """The shell has written over the screen, and a resize to the same size draws nothing."""
        for screen in self.screen_stack:
            screen.refresh()

    def end_by(self, fault: Exception) -> None:
        """End, because this program has failed; whoever opened the console tells of it."""
        self._handle_exception(fault)

    def _handle_exception(self, error: Exception) -> None:
        super()._handle_exception(error)
        self.fault = self.fault or error
        # Textual would print trace-backs with the values of variables, prompts among them.
        self._exit_renderables.clear()

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    async def action_quit(self) -> None:
        """Leave by way of the table, whatever asked for it."""
        self.action_command("quit")
