"""What the commands of the coordinator pane do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.deeds.everywhere import chosen
from app.ui.places import Place

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


async def start(screen: MainScreen, name: str) -> None:
    """Have a model loaded, and wait until it is ready."""
    await screen.cluster.start(name or chosen(screen))


async def stop(screen: MainScreen, _argument: str) -> None:
    """End the coordinator."""
    await screen.cluster.coordinators.stop()


def toggle_log(screen: MainScreen, _argument: str) -> None:
    """Show the raw log or the lifecycle."""
    screen.go(Place.COORDINATOR)
    screen.coordinator.toggle_log()


def follow(screen: MainScreen, _argument: str) -> None:
    """Go to the newest line and stay there."""
    screen.coordinator.follow()
