"""The commands of the backends pane."""

from __future__ import annotations

from app.text.address import parse_address
from app.ui.backend_words import parse_said
from app.ui.command import Argument, Command
from app.ui.commands import hindrances, offers
from app.ui.deeds import backends as deeds
from app.ui.places import Place

_HERE = frozenset({Place.BACKENDS})
_CHOSEN = Argument("HOST[:PORT]", required=False, choices=offers.backend_addresses, check=parse_address)
"""Without one: the marked backends, else the one under the cursor."""


MEMBERS = (
    Command(
        "rpc add",
        "Add a backend, and probe it at once",
        deeds.add_backend,
        Argument("HOST[:PORT]", check=parse_address, tells=lambda text: f"will probe {parse_address(text)}"),
        aliases=("backends add",),
        keys=("a",),
        where=frozenset({Place.CHAT, Place.BACKENDS}),
        label="add",
    ),
    Command(
        "rpc remove",
        "Forget a backend; without an address, those that are marked, or the one under the cursor",
        deeds.remove_backends,
        _CHOSEN,
        aliases=("backends remove",),
        keys=("x",),
        where=_HERE,
        why_not=hindrances.without_backend,
        label="remove",
    ),
    Command(
        "disable",
        "Neither probe nor use a backend, and keep it; without an address, as for 'rpc remove'",
        deeds.disable_backends,
        _CHOSEN,
        aliases=("backends disable",),
        keys=("X",),
        where=_HERE,
        why_not=hindrances.without_backend,
    ),
    Command(
        "enable",
        "Use a disabled backend again; without an address, as for 'rpc remove'",
        deeds.enable_backends,
        _CHOSEN,
        aliases=("backends enable",),
        keys=("E",),
        where=_HERE,
        why_not=hindrances.without_backend,
    ),
    Command(
        "probe",
        "Probe a backend now; without an address, as for 'rpc remove'",
        deeds.probe_backends,
        _CHOSEN,
        aliases=("backends probe",),
        keys=("p",),
        where=_HERE,
        why_not=hindrances.without_backend,
        label="probe",
    ),
    Command(
        "rename",
        "Give a backend a name; just its address takes the name away",
        deeds.rename_backend,
        Argument(
            "HOST[:PORT] [NAME]",
            choices=offers.backend_addresses,
            check=parse_said,
            first=lambda screen: f"{screen.selected_backend or ''} ",
        ),
        aliases=("backends rename",),
        keys=("e",),
        where=_HERE,
        why_not=hindrances.without_backend,
    ),
    Command(
        "note",
        "Keep a note on a backend; just its address takes the note away",
        deeds.note_backend,
        Argument(
            "HOST[:PORT] [TEXT]",
            choices=offers.backend_addresses,
            check=parse_said,
            first=lambda screen: f"{screen.selected_backend or ''} ",
        ),
        aliases=("backends note",),
        keys=("i",),
        where=_HERE,
        why_not=hindrances.without_backend,
    ),
)

TABLE = (
    Command(
        "backend",
        "All about a backend: what probes saw, devices, the command that makes it one",
        deeds.open_backend,
        _CHOSEN,
        keys=("enter",),
        where=_HERE,
        why_not=hindrances.without_backend,
        label="open",
    ),
    Command(
        "backends mark",
        "Mark the backend under the cursor, or no more",
        deeds.mark,
        keys=("space",),
        where=_HERE,
    ),
    Command(
        "backends all",
        "Mark every backend that is shown, or none",
        deeds.mark_all,
        keys=("asterisk",),
        where=_HERE,
    ),
    Command("backends sort", "Sort by the next column", deeds.sort, keys=("o",), where=_HERE, label="sort"),
    Command("backends reverse", "Sort the other way round", deeds.reverse, keys=("O",), where=_HERE),
    Command(
        "backends filter",
        "Show the backends with a text in what is said of them; without one, ask for it",
        deeds.filter_backends,
        Argument("TEXT", required=False),
        keys=("slash",),
        where=_HERE,
        label="filter",
    ),
    Command(
        "copy address",
        "Copy the address of the backend under the cursor",
        deeds.copy_address,
        keys=("y",),
        where=_HERE,
        why_not=hindrances.without_backend,
    ),
    Command(
        "copy rpc",
        "Copy the marked backends as llama-server's --rpc takes them",
        deeds.copy_rpc,
        keys=("Y",),
        where=_HERE,
        why_not=hindrances.without_backend,
    ),
    Command(
        "copy worker",
        "Copy the command that makes a host the backend under the cursor",
        deeds.copy_worker,
        keys=("c",),
        where=_HERE,
        why_not=hindrances.without_backend,
    ),
)

BACKENDS = (*MEMBERS, *TABLE)
