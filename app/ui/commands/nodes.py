"""The commands of the node pane."""

from __future__ import annotations

from app.ui.command import Argument, Command
from app.ui.commands import hindrances, offers
from app.ui.deeds import nodes as deeds
from app.ui.places import Place

NODES = (
    Command(
        "add",
        "Add an Ollama node by its URL, or a backend by HOST[:PORT]",
        deeds.add_member,
        Argument("URL", check=offers.check_member, first=lambda _screen: "http://"),
        aliases=("nodes add",),
        keys=("a",),
        where=frozenset({Place.NODES}),
        label="add",
    ),
    Command(
        "remove",
        "Forget an Ollama node or a backend",
        deeds.remove_member,
        Argument(
            "URL",
            choices=offers.members,
            check=offers.check_member,
            first=lambda screen: screen.selected_node or "",
        ),
        aliases=("nodes remove",),
        keys=("x",),
        where=frozenset({Place.NODES}),
        why_not=hindrances.without_member,
        label="remove",
    ),
)
