"""The one table of commands: keys, `:` line, `/` lines, palette and help are all made from it."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from app.ui.command import Command
from app.ui.commands.backends import BACKENDS
from app.ui.commands.chat import CHAT
from app.ui.commands.conversations import CONVERSATIONS
from app.ui.commands.coordinator import COORDINATOR
from app.ui.commands.everywhere import EVERY_PANE
from app.ui.commands.look import LOOK
from app.ui.commands.nodes import NODES
from app.ui.places import EVERYWHERE, Place

COMMANDS: tuple[Command, ...] = (*EVERY_PANE, *LOOK, *CHAT, *CONVERSATIONS, *BACKENDS, *NODES, *COORDINATOR)

BY_NAME = {name: command for command in COMMANDS for name in command.names}


def bindings_of(where: frozenset[Place]) -> list[BindingType]:
    """The keys of the commands that work in exactly these panes."""
    return [
        Binding(
            key, f"screen.command('{command.name}')", command.help, id=f"{command.name}:{key}", show=False
        )
        for command in COMMANDS
        if command.where == where
        for key in command.keys
    ]


def pane_bindings(place: Place) -> list[BindingType]:
    """The keys that work in this pane but not in every one."""
    return [
        binding
        for where in {command.where for command in COMMANDS if place in command.where} - {EVERYWHERE}
        for binding in bindings_of(where)
    ]
