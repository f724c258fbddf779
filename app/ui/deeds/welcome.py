"""What the command for the welcome page does, and the start by itself."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from app.core.welcome import is_looking, is_missing_something, needs
from app.ui.deeds.everywhere import obey_or_report
from app.ui.screens.welcome import WelcomeScreen

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen

_HZ = 5


async def welcome(screen: MainScreen, word: str) -> None:
    """Show the welcome page; with `never`, show it by itself no more."""
    if word:
        await screen.cluster.appearance.skip_welcome()
        screen.tell("The welcome page comes up by itself no more; 'welcome' shows it.")
    else:
        await screen.app.push_screen(WelcomeScreen(screen.cluster, partial(obey_or_report, screen)))


async def welcome_if_needed(screen: MainScreen) -> None:
    """Show the page by itself as soon as something is known to be missing, where nobody has begun yet."""
    cluster = screen.cluster
    if not cluster.appearance.welcomes:
        return
    with cluster.bus.subscribe() as mailbox:
        async with aclosing(mailbox.batches(_HZ)) as changes:
            while is_looking(found := needs(cluster)) and not is_missing_something(found):
                await anext(changes)
    if is_missing_something(found) and _is_untouched(screen):
        await welcome(screen, "")


def _is_untouched(screen: MainScreen) -> bool:
    prompt = screen.chat.prompt
    return (
        screen.app.screen is screen
        and screen.focused is prompt
        and not prompt.text
        # Also where the conversation of an earlier start is there again: who has had an answer has begun.
        and screen.chat.transcript.newest is None
    )
