"""What completion offers for an argument."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.text.address import parse_address, parse_node_url
from app.ui.command import Argument
from app.ui.deeds.nodes import names_a_node

if TYPE_CHECKING:
    from app.ui.screens.main import MainScreen


def model_names(screen: MainScreen) -> Iterable[str]:
    """Every model that can be named."""
    return (model.name for model in screen.cluster.models())


def backend_addresses(screen: MainScreen) -> Iterable[str]:
    """Every backend."""
    return (str(backend.address) for backend in screen.cluster.backends.known)


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


def check_member(text: str) -> object:
    """Refuse what is neither a node's URL nor a backend's address."""
    return parse_node_url(text) if names_a_node(text) else parse_address(text)


A_MODEL = Argument("MODEL", required=False, choices=model_names)
"""The chosen one, where none is named."""
