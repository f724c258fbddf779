"""The four panes, by name: where keys work and where focus goes."""

from __future__ import annotations

from enum import StrEnum


class Place(StrEnum):
    """One of the panes, in the order of their numbers."""

    CHAT = "chat"
    BACKENDS = "backends"
    NODES = "nodes"
    COORDINATOR = "coordinator"

    @property
    def number(self) -> int:
        """The digit that focuses it."""
        return list(Place).index(self) + 1

    @property
    def heading(self) -> str:
        """What stands over it."""
        return _TITLES[self]


_TITLES = {
    Place.CHAT: "Chat",
    Place.BACKENDS: "RPC backends",
    Place.NODES: "Node health",
    Place.COORDINATOR: "Coordinator",
}

SIDE = (Place.BACKENDS, Place.NODES, Place.COORDINATOR)
"""The panes of the side column, as they stand where nobody has moved them."""

EVERYWHERE = frozenset(Place)
