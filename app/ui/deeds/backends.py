"""What the commands of the backends pane do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


async def add_backend(screen: MainScreen, address: str) -> None:
    """Add a backend and say how it is."""
    backend = await screen.cluster.members.add_backend(address)
    detail = f": {backend.detail}" if backend.detail else ""
    screen.tell(f"{backend.address} is {backend.state}{detail}.")


async def remove_backend(screen: MainScreen, address: str) -> None:
    """Forget a backend."""
    await screen.cluster.members.remove_backend(address)
