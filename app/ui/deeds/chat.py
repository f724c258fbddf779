"""What the commands of the chat do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.widgets.turn_drawing import Fold

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


def toggle_reasons(screen: MainScreen, _argument: str) -> None:
    """Fold or unfold the reasons of the newest route."""
    screen.chat.toggle(Fold.WHY)


def toggle_thinking(screen: MainScreen, _argument: str) -> None:
    """Fold or unfold the newest thinking."""
    screen.chat.toggle(Fold.THINKING)


async def clear(screen: MainScreen, _argument: str) -> None:
    """Begin a new conversation."""
    await screen.chat.clear()
