"""What the commands of the node pane do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.text.address import DEFAULT_NODE_PORT
from app.ui.deeds.backends import add_backend, remove_backend

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


def names_a_node(text: str) -> bool:
    """Whether an address is an Ollama node's: a URL, or with Ollama's port."""
    return text.startswith(("http://", "https://")) or text.endswith(f":{DEFAULT_NODE_PORT}")


async def add_member(screen: MainScreen, text: str) -> None:
    """Add a node, or a backend where the address is none of a node's."""
    if not names_a_node(text):
        await add_backend(screen, text)
        return
    node = await screen.cluster.members.add_node(text)
    screen.tell(f"{node.url} is {'up' if node.up else f'down: {node.detail}'}")


async def remove_member(screen: MainScreen, text: str) -> None:
    """Forget a node, or a backend where the address is none of a node's."""
    if names_a_node(text):
        await screen.cluster.members.remove_node(text)
    else:
        await remove_backend(screen, text)
