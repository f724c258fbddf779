"""The commands of the coordinator pane."""

from __future__ import annotations

from app.ui.command import Command
from app.ui.commands import hindrances, offers
from app.ui.deeds import coordinator as deeds
from app.ui.places import Place

COORDINATOR = (
    Command(
        "start",
        "Load a model with a coordinator now, instead of with the first prompt",
        deeds.start,
        offers.A_MODEL,
        keys=("S",),
        where=frozenset({Place.COORDINATOR}),
        label="start",
    ),
    Command(
        "stop",
        "Stop the coordinator; its backends are free again",
        deeds.stop,
        keys=("x",),
        where=frozenset({Place.COORDINATOR}),
        why_not=hindrances.without_coordinator,
        label="stop",
    ),
    Command(
        "log",
        "Show the coordinator's own log, or what happened",
        deeds.toggle_log,
        keys=("l",),
        where=frozenset({Place.COORDINATOR}),
        label="log",
    ),
    Command(
        "follow",
        "Go to the newest line and stay there",
        deeds.follow,
        keys=("f",),
        where=frozenset({Place.COORDINATOR}),
        label="follow",
    ),
)
