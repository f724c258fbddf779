"""What the commands for whole conversations do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.attachments import read_attachment
from app.core.conversation_export import export as export_conversation
from app.core.sampling import said_of, with_option, without_option
from app.text.problem import Problem
from app.text.units import bytes_text
from app.ui.conversation_sheet import SYSTEM, said_sheet
from app.ui.deeds.paths import named_path
from app.ui.screens.sheet import SheetScreen

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


async def choose(screen: MainScreen, _argument: str) -> None:
    """Open a conversation from the list."""
    from app.ui.screens.conversations import ConversationsScreen

    conversations = screen.cluster.conversations
    shown = conversations.current
    key = await screen.app.push_screen_wait(ConversationsScreen(conversations, screen.undo))
    if key:
        await conversations.open(key)
    if conversations.current is not shown:
        screen.chat.show_conversation()


def begin(screen: MainScreen, _argument: str) -> None:
    """Begin a new conversation."""
    screen.chat.cancel()
    screen.cluster.conversations.begin()
    screen.chat.show_conversation()


async def entitle(screen: MainScreen, title: str) -> None:
    """Give the open conversation a title."""
    current = screen.cluster.conversations.current
    await screen.cluster.conversations.rename(current.key, title)
    screen.chat.show_model()
    screen.tell(f"This conversation is '{current.title}' now.")


async def remove(screen: MainScreen, _argument: str) -> None:
    """Take the open conversation away."""
    screen.chat.cancel()
    current = screen.cluster.conversations.current
    way = await screen.cluster.conversations.remove(current.key)
    screen.chat.show_conversation()
    screen.undo.offer(f"the conversation '{current.heading}'", way)


async def export(screen: MainScreen, text: str) -> None:
    """Write the open conversation to a new file."""
    path = named_path(text)
    await export_conversation(screen.cluster.conversations.current, path)
    screen.tell(f"The conversation is written to {path}.")


async def attach(screen: MainScreen, text: str) -> None:
    """Have a text file go with the next prompt."""
    file = await read_attachment(named_path(text))
    screen.chat.attach(file)
    screen.tell(f"{file.name} ({bytes_text(len(file.text.encode()))}) goes with the next prompt.")


def detach(screen: MainScreen, _argument: str) -> None:
    """Have no file go with the next prompt."""
    screen.chat.attach()


def show_said(screen: MainScreen, _argument: str) -> None:
    """The system prompt and the sampling options that count here, and who has said them."""
    cluster = screen.cluster
    model = next((m for m in cluster.models() if m.name == cluster.choices.now.model), None)
    current, settings = cluster.conversations.current, cluster.settings.chat
    options = said_of(current.options, settings.options, model.options if model else {})
    sheet = said_sheet(options, current.system, settings.system, model.system if model else None)
    screen.app.push_screen(SheetScreen("How this conversation is answered", sheet))


def set_system(screen: MainScreen, text: str) -> None:
    """Give the open conversation a system prompt of its own."""
    conversations = screen.cluster.conversations
    conversations.current.system = text
    conversations.keep(conversations.current)
    screen.tell("The system prompt of this conversation counts from the next prompt on.")


def set_option(screen: MainScreen, text: str) -> None:
    """Set a sampling option of the open conversation."""
    conversations = screen.cluster.conversations
    name, value = option_and_value(text)
    conversations.current.options = with_option(conversations.current.options, name, value)
    conversations.keep(conversations.current)
    screen.tell(f"{name} is {value} in this conversation.")


def unset(screen: MainScreen, name: str) -> None:
    """Take back what the open conversation says, so that the configuration or the model counts again."""
    conversations = screen.cluster.conversations
    if name == SYSTEM:
        conversations.current.system = None
    else:
        conversations.current.options = without_option(conversations.current.options, name)
    conversations.keep(conversations.current)
    screen.tell(f"This conversation says nothing about {name} any more.")


def option_and_value(text: str) -> tuple[str, str]:
    """An option's name, and the value that follows it.

    Raises:
        Problem: no value follows.
    """
    name, _, value = text.partition(" ")
    if not value.strip():
        raise Problem(f"'{name}' needs a value.", "Type for instance 'set temperature 0.7'.")
    return name, value.strip()
