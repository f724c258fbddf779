"""The console: draws first, then opens the cluster and puts the main screen on it.

What is imported here is imported before anything can be seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar

from rich.console import RenderableType
from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.driver import Driver
from textual.events import Key, Paste, Resize
from textual.geometry import Size
from textual.message import Message
from textual.notifications import Notify
from textual.screen import Screen
from textual.worker import WorkerFailed

from app.text.problem import Problem
from app.ui.screens.opening import OpeningScreen
from app.ui.styles import STYLESHEETS, styles_folder
from app.ui.terminal import TerminalDriver
from app.ui.themes import register_ours, theme_or_usual
from app.ui.typed_ahead import TypedAhead
from app.ui.widgets.prompt import Prompt
from app.ui.widgets.too_small import TooSmall, is_too_small

if TYPE_CHECKING:
    from app.core.cluster import Cluster
    from app.ui.screens.main import MainScreen

OF_TEXTUAL = ("Theme", "Screenshot")
"""What the palette offers of Textual's own commands; the others have a counterpart in our table."""

IN_EVERY_SCREEN = {"ctrl+c": "interrupt", "ctrl+z": "suspend", "ctrl+q": "quit"}
"""Keys that go before whatever a field or a screen would make of them, and their commands."""

TOASTS = 2
"""So many at once; the list of notices has what they tell of failures and events."""

WIDTHS = [(0, "-narrow"), (100, "-wide")]
HEIGHTS = [(0, "-flat"), (18, "-short"), (30, "-tall")]
"""Four panes at once need both: wide and tall."""


def _commands_of_table() -> type[Provider]:
    from app.ui.palette import CommandsOfTable

    return CommandsOfTable


class ConsoleApp(App[None], inherit_bindings=False):
    """The full-screen console on the cluster that `opening` brings; until then in the colours of `theme`."""

    TITLE = "synaptic-tui"
    CSS_PATH: ClassVar[list[str | PurePath]] = [styles_folder() / name for name in STYLESHEETS]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands_of_table}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"command('{name}')", show=False, priority=True) for key, name in IN_EVERY_SCREEN.items()
    ]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(self, opening: Callable[[], Awaitable[Cluster]], theme: str | None = None) -> None:
        super().__init__(driver_class=TerminalDriver)
        register_ours(self)
        self.theme = theme_or_usual(self, theme)
        self.typed_ahead = TypedAhead(self)
        self._opening = opening
        self._is_undrawn = False
        self.animation_level = "none"  # each frame on the way would be sent over a slow line
        self.main: MainScreen | None = None
        """None until the cluster is open."""
        self.problem: Problem | None = None
        """Why the cluster could not be opened."""
        self.fault: Exception | None = None
        """The fault of this program that has ended the console."""

    def on_mount(self) -> None:
        """A screen that comes while there is too little room is covered too."""
        self.screen_change_signal.subscribe(self, lambda screen: self._cover(screen, self.size))
        self.screen_change_signal.subscribe(self, self.typed_ahead.see_screen)

    def get_default_screen(self) -> Screen[None]:
        """What is seen while the cluster is being opened."""
        return OpeningScreen()

    @on(OpeningScreen.Drawn)
    @work(name="opening", exit_on_error=True)
    async def open(self) -> None:
        """Open the cluster, and put the main screen on it; what was typed meanwhile is not lost."""
        opening = self.screen
        assert isinstance(opening, OpeningScreen)
        # In a thread: what is imported takes longer than a key may wait.
        screens = await asyncio.to_thread(import_module, "app.ui.screens.main")
        try:
            cluster = await self._opening()
        except Problem as problem:
            self.problem = problem
            self.exit()
            return
        self.main = screens.MainScreen(cluster)
        await self.push_screen(self.main)
        prompt = self.main.chat.prompt
        prompt.show_line(opening.query_one(Prompt).text)
        for text in opening.sent:
            prompt.post_message(Prompt.Sent(text))
        await opening.remove_children()

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Leave, as soon as every screen is complete.

        From here on Textual gives no widget its children any more, and yet tells it that it is mounted.
        """
        for screen in self.screen_stack:
            if not screen.is_mounted:
                screen.call_later(self.exit, result, return_code, message)
                return
        super().exit(result, return_code, message)

    async def _post_message(self, message: Message) -> bool:
        """Drivers give what is typed here; everybody else posts as ever."""
        if isinstance(message, Key | Paste):
            self.typed_ahead.take(message)
            return True
        return await super()._post_message(message)

    async def _shutdown(self) -> None:
        await self.typed_ahead.end()
        try:
            await super()._shutdown()
        finally:
            # Textual leaves this out where a widget that was just coming is cancelled: then the thread that
            # writes ends with the program, and what restores the terminal is never written.
            if self._driver is not None:
                self._driver.close()

    def on_resize(self, event: Resize) -> None:
        """Cover every screen where there is too little room for it."""
        for screen in self.screen_stack:
            self._cover(screen, event.size)

    def _cover(self, screen: Screen[object], size: Size) -> None:
        covers = screen.query(TooSmall)
        if is_too_small(size) and not covers:
            screen.mount(TooSmall())
        elif covers and not is_too_small(size):
            covers.remove()
        covers.refresh()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Those of Textual's own commands that are of use here."""
        return (command for command in super().get_system_commands(screen) if command.title in OF_TEXTUAL)

    @on(Notify)
    def _make_room(self) -> None:
        """A toast comes: of those before it only the newest stay."""
        for older in list(self._notifications)[: 1 - TOASTS]:
            self._unnotify(older)

    def action_command(self, name: str) -> None:
        """Carry out a command of every screen; before there is any, all that can be done is to leave."""
        if self.main is not None:
            self.main.action_command(name)
        elif name != "suspend":
            self.exit()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        # Textual drops what it would draw during a batch, such as the whole screen at its new size.
        self._is_undrawn = self._is_undrawn or self._batch_count > 0
        super()._display(screen, renderable)

    def _end_batch(self) -> None:
        super()._end_batch()
        if self._is_undrawn and not self._batch_count:
            self._is_undrawn = False
            self._draw_anew()

    @on(Driver.SignalResume)
    def _draw_anew(self) -> None:
        """The shell has written over the screen, and a resize to the same size draws nothing."""
        for screen in self.screen_stack:
            screen.refresh()

    def end_by(self, fault: Exception) -> None:
        """End, because this program has failed; whoever opened the console tells of it."""
        self._handle_exception(fault)

    def _handle_exception(self, error: Exception) -> None:
        if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
            # What has failed in the worker has the trace-back; that a worker has failed has none.
            error = error.error
        super()._handle_exception(error)
        self.fault = self.fault or error
        # Textual would print trace-backs with the values of variables, prompts among them.
        self._exit_renderables.clear()

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The palette's key is free for screens over the main one."""
        return action != "command_palette" or not self.screen.is_modal

    def action_command_palette(self) -> None:
        """Offer commands, once there is a screen that has them."""
        if self.main is not None:
            super().action_command_palette()

    async def action_quit(self) -> None:
        """Leave by way of the table, whatever asked for it."""
        self.action_command("quit")
