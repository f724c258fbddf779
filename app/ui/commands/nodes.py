"""The commands of the node pane."""

from __future__ import annotations

from app.ui.command import Argument, Command
from app.ui.commands import hindrances, offers
from app.ui.deeds import nodes as deeds
from app.ui.model_order import parse_model_order, parse_without_time
from app.ui.places import Place

_HERE = frozenset({Place.NODES})
_WHERE = "MODEL [on NODE]"

NODES = (
    Command(
        "node",
        "All about the node under the cursor, or this box: its models, to load, pull and delete",
        deeds.open_node,
        Argument("URL", required=False, choices=offers.node_urls, check=offers.check_member),
        keys=("enter",),
        where=_HERE,
        label="open",
    ),
    Command("box", "All about this box: cores, memory, GPUs", deeds.open_box, where=_HERE),
    Command(
        "add",
        "Add an Ollama node by its URL, or a backend by HOST[:PORT]",
        deeds.add_member,
        Argument("URL", check=offers.check_member, first=lambda _screen: "http://"),
        aliases=("nodes add",),
        keys=("a",),
        where=_HERE,
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
        where=_HERE,
        why_not=hindrances.without_member,
        label="remove",
    ),
    Command(
        "copy url",
        "Copy the URL of the node under the cursor",
        deeds.copy_url,
        keys=("y",),
        where=_HERE,
        why_not=hindrances.without_selected_node,
        label="copy",
    ),
    Command(
        "load",
        "Load a model on a node; 'for 2h' or 'for ever' says how long it stays",
        deeds.load_model,
        Argument(f"{_WHERE} [for TIME]", choices=offers.loadable, check=parse_model_order),
        where=_HERE,
        why_not=hindrances.without_node,
    ),
    Command(
        "unload",
        "Free a node's memory of a model",
        deeds.unload_model,
        Argument(_WHERE, choices=offers.loaded, check=parse_without_time),
        where=_HERE,
        why_not=hindrances.without_loaded,
    ),
    Command(
        "pull",
        "Bring a model from the registry to a node",
        deeds.pull_model,
        Argument(_WHERE, choices=offers.pullable, check=parse_without_time),
        keys=("p",),
        where=_HERE,
        why_not=hindrances.without_node,
        label="pull",
    ),
    Command(
        "stop pull",
        "Stop a pull; what has arrived stays, and pulling again goes on",
        deeds.stop_pull,
        Argument(_WHERE, choices=offers.on_their_way, check=parse_without_time),
        where=_HERE,
        why_not=hindrances.without_pull,
    ),
    Command(
        "delete",
        "Delete a model from a node's disk; asks first",
        deeds.delete_model,
        Argument(_WHERE, choices=offers.kept, check=parse_without_time),
        where=_HERE,
        why_not=hindrances.without_node,
    ),
)
