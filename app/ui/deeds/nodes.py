"""What the commands of the node pane do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.core.pulls import PullStopped
from app.text.address import DEFAULT_NODE_PORT, parse_node_url
from app.text.problem import Problem
from app.ui.deeds.backends import add_backend, remove_backends
from app.ui.deeds.everywhere import obey_or_report
from app.ui.model_order import parse_model_order
from app.ui.screens.box import BoxScreen
from app.ui.screens.confirm import ConfirmScreen
from app.ui.screens.node import NodeScreen

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


def names_a_node(text: str) -> bool:
    """Whether an address is an Ollama node's: a URL, or with Ollama's port."""
    return "://" in text or text.endswith(f":{DEFAULT_NODE_PORT}")


async def add_member(screen: MainScreen, text: str) -> None:
    """Add a node, or a backend where the address is none of a node's."""
    if not names_a_node(text):
        await add_backend(screen, text)
        return
    node = await screen.cluster.members.add_node(text)
    screen.tell(f"{node.url} is {'up' if node.up else f'down: {node.detail}'}")


async def remove_member(screen: MainScreen, text: str) -> None:
    """Forget a node, or a backend where the address is none of a node's."""
    if not names_a_node(text):
        await remove_backends(screen, text)
        return
    url = parse_node_url(text)
    await screen.cluster.members.remove_node(url)
    screen.undo.offer(f"the node {url}", partial(_bring_back, screen, url))


async def open_node(screen: MainScreen, text: str) -> None:
    """Show all about a node; without a URL, about the one under the cursor, or this box."""
    url = parse_node_url(text) if text else screen.selected_node
    if url is None:
        await open_box(screen, "")
    elif screen.cluster.pool.get(url) is None:
        raise Problem(f"No node {url} is known.", "'nodes list' shows them, 'nodes add URL' adds one.")
    else:
        await screen.app.push_screen(NodeScreen(screen.cluster, url, partial(obey_or_report, screen)))


async def open_box(screen: MainScreen, _argument: str) -> None:
    """Show all about this box."""
    await screen.app.push_screen(BoxScreen(screen.cluster))


def copy_url(screen: MainScreen, _argument: str) -> None:
    """Copy the URL of the node under the cursor."""
    screen.app.copy_to_clipboard(screen.selected_node or "")
    screen.tell(f"Copied {screen.selected_node}.")


async def load_model(screen: MainScreen, text: str) -> None:
    """Have a model in a node's memory."""
    order = parse_model_order(text)
    url = await screen.cluster.upkeep.load(order.model, order.url, order.keep_alive)
    screen.tell(f"{order.model} is loaded on {url}.")


async def unload_model(screen: MainScreen, text: str) -> None:
    """Have a model leave a node's memory."""
    order = parse_model_order(text)
    url = await screen.cluster.upkeep.unload(order.model, order.url)
    screen.tell(f"{order.model} leaves the memory of {url} as soon as nobody uses it.")


async def pull_model(screen: MainScreen, text: str) -> None:
    """Bring a model to a node, and say how it ended."""
    order = parse_model_order(text)
    try:
        url = await screen.cluster.upkeep.pull(order.model, order.url)
    except PullStopped as stopped:
        screen.tell(str(stopped))
    else:
        screen.tell(f"{order.model} is on {url} now.")


def stop_pull(screen: MainScreen, text: str) -> None:
    """Stop a pull that is under way."""
    order = parse_model_order(text)
    screen.cluster.upkeep.stop_pull(order.model, order.url)


async def delete_model(screen: MainScreen, text: str) -> None:
    """Delete a model from a node's disk, once that was confirmed."""
    order = parse_model_order(text)
    url = screen.cluster.upkeep.keeper(order.model, order.url).url
    question = f"Delete {order.model} from {url}? It can only be pulled again."
    if await screen.app.push_screen_wait(ConfirmScreen("Delete a model", question, "Delete it")):
        await screen.cluster.upkeep.delete(order.model, url)
        screen.tell(f"{order.model} is deleted from {url}.")


async def _bring_back(screen: MainScreen, url: str) -> None:
    await screen.cluster.members.add_node(url)
