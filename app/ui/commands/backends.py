"""The commands of the backends pane."""

from __future__ import annotations

from app.text.address import parse_address
from app.ui.command import Argument, Command
from app.ui.commands import hindrances, offers
from app.ui.deeds import backends as deeds
from app.ui.places import Place

BACKENDS = (
    Command(
        "rpc add",
        "Add a backend, and probe it at once",
        deeds.add_backend,
        Argument("HOST[:PORT]", check=parse_address),
        aliases=("backends add",),
        keys=("a",),
        where=frozenset({Place.CHAT, Place.BACKENDS}),
        label="add",
    ),
    Command(
        "rpc remove",
        "Forget a backend",
        deeds.remove_backend,
        Argument(
            "HOST[:PORT]",
            choices=offers.backend_addresses,
            check=parse_address,
            first=lambda screen: screen.selected_backend or "",
        ),
        aliases=("backends remove",),
        keys=("x",),
        where=frozenset({Place.BACKENDS}),
        why_not=hindrances.without_backend,
        label="remove",
    ),
)
