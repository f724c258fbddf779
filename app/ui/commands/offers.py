"""What completion offers for an argument."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.core.pool import Node
from app.text.address import parse_address, parse_node_url
from app.ui.command import Argument
from app.ui.deeds.nodes import names_a_node
from app.ui.model_order import order_text

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


def model_names(screen: MainScreen) -> Iterable[str]:
    """Every model that can be named."""
    return (model.name for model in screen.cluster.models())


def served_models(screen: MainScreen) -> Iterable[str]:
    """Every model that a coordinator serves or loads; all of them, where there are several."""
    models = [coordinator.status.model for coordinator in screen.cluster.coordinators.present]
    return (*models, "all") if len(models) > 1 else models


def backend_addresses(screen: MainScreen) -> Iterable[str]:
    """Every backend."""
    return (str(backend.address) for backend in screen.cluster.backends.known)


def hidden_panes(screen: MainScreen) -> Iterable[str]:
    """Every pane that is hidden."""
    return screen.cluster.appearance.layout.hidden


def node_urls(screen: MainScreen) -> Iterable[str]:
    """Every node."""
    return (node.url for node in screen.cluster.pool.nodes)


def log_components(screen: MainScreen) -> Iterable[str]:
    """Every part of llama-server that has said something."""
    book = screen.coordinator.log_panel.book
    return book.components if book is not None else ()


def members(screen: MainScreen) -> Iterable[str]:
    """Every node and every backend."""
    return (*node_urls(screen), *backend_addresses(screen))


def loadable(screen: MainScreen) -> Iterable[str]:
    """Every model that a node has and has not loaded."""
    up = [node for node in screen.cluster.pool.nodes if node.up]
    return _orders((model.name, n) for n in up for model in n.local if not n.has_loaded(model.name))


def loaded(screen: MainScreen) -> Iterable[str]:
    """Every model that a node has loaded."""
    return _orders((model.name, node) for node in screen.cluster.pool.nodes for model in node.loaded)


def kept(screen: MainScreen) -> Iterable[str]:
    """Every model that a node has."""
    return _orders((model.name, node) for node in screen.cluster.pool.nodes for model in node.models)


def pullable(screen: MainScreen) -> Iterable[str]:
    """Every model that one node has and another has not: the registry cannot be asked for more."""
    nodes = screen.cluster.pool.nodes
    names = {model.name: None for node in nodes for model in node.local}
    return _orders((name, node) for name in names for node in nodes if node.up and not node.model(name))


def on_their_way(screen: MainScreen) -> Iterable[str]:
    """Every pull."""
    return (order_text(pull.model, pull.url) for pull in screen.cluster.pulls.now)


def _orders(pairs: Iterable[tuple[str, Node]]) -> Iterable[str]:
    return (order_text(model, node.url) for model, node in pairs)


def check_member(text: str) -> object:
    """Refuse what is neither a node's URL nor a backend's address."""
    return parse_node_url(text) if names_a_node(text) else parse_address(text)


A_MODEL = Argument("MODEL", required=False, choices=model_names)
"""The chosen one, where none is named."""
