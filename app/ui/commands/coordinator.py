"""The commands of the coordinator pane."""

from __future__ import annotations

from app.llama.log import Level
from app.text.moment import parse_moment
from app.text.problem import Problem
from app.ui.command import Argument, Command, PathArgument
from app.ui.commands import hindrances, offers
from app.ui.deeds import coordinator as deeds
from app.ui.places import Place

HERE = frozenset({Place.COORDINATOR})


def _check_level(text: str) -> object:
    if text not in list(Level):
        raise Problem(f"There is no level '{text}'.", f"Type one of {', '.join(Level)}.")
    return text


LIFE = (
    Command(
        "start",
        "Load a model with a coordinator now, instead of with the first prompt",
        deeds.start,
        offers.A_MODEL,
        keys=("S",),
        where=HERE,
        label="start",
    ),
    Command(
        "stop",
        "Stop the coordinator that is shown, that of a model, or 'all'; its backends are free again",
        deeds.stop,
        Argument("MODEL", required=False, choices=offers.served_models),
        keys=("x",),
        where=HERE,
        why_not=hindrances.without_coordinator,
        label="stop",
    ),
)

VIEWS = (
    Command(
        "incident",
        "Open the incident under the cursor, or fold it",
        deeds.open_incident,
        keys=("enter",),
        where=HERE,
        why_not=hindrances.without_incident,
        label="open",
    ),
    Command(
        "log",
        "Show the coordinator's own log, or what happened",
        deeds.toggle_log,
        keys=("l",),
        where=HERE,
        label="log",
    ),
    Command(
        "follow",
        "Go to the newest line and stay there",
        deeds.follow,
        keys=("f",),
        where=HERE,
        label="follow",
    ),
    Command(
        "log mark",
        "In the log: mark from here on, or no more; in what happened: open or fold the incident",
        deeds.mark,
        keys=("space",),
        where=HERE,
    ),
)

LOG = (
    Command(
        "log search",
        "Search the log for a text or regular expression; without one, ask for it",
        deeds.search,
        Argument("TEXT", required=False),
        keys=("slash",),
        where=HERE,
        why_not=hindrances.without_log,
        label="search",
    ),
    Command(
        "log next",
        "Go to the next match",
        deeds.next_match,
        keys=("n",),
        where=HERE,
        why_not=hindrances.without_match,
        label="next",
    ),
    Command(
        "log previous",
        "Go to the match before",
        deeds.previous_match,
        keys=("N",),
        where=HERE,
        why_not=hindrances.without_match,
    ),
    Command(
        "log level",
        "Show the log from a level on; without one, leave out one level more",
        deeds.choose_level,
        Argument("LEVEL", required=False, choices=lambda _screen: Level, check=_check_level),
        keys=("L",),
        where=HERE,
        why_not=hindrances.without_log,
    ),
    Command(
        "log filter",
        "Show the log of one component, or the lines with a text; without either, all of it",
        deeds.choose_lines,
        Argument("TEXT", required=False, choices=offers.log_components),
        where=HERE,
        why_not=hindrances.without_log,
    ),
    Command(
        "log wrap",
        "Fold long lines of the log, or cut them off",
        deeds.toggle_wrap,
        keys=("w",),
        where=HERE,
        why_not=hindrances.without_log,
    ),
    Command(
        "at",
        "Go to a moment of the log: a time of day, or so long after the start",
        deeds.go_to_time,
        Argument("HH:MM[:SS]|+12s", check=parse_moment),
        where=HERE,
        why_not=hindrances.without_log,
    ),
    Command(
        "log view",
        "Copy the lines of the log that are in view",
        deeds.copy_view,
        keys=("Y",),
        where=HERE,
        why_not=hindrances.without_log,
    ),
    Command(
        "log export",
        "Write the lines of the log that are shown to a new file",
        deeds.export,
        PathArgument("PATH"),
        keys=("e",),
        where=HERE,
        why_not=hindrances.without_log,
    ),
)

SELDOM = (
    Command(
        "requests",
        "Show the last requests with their rates, or what happened",
        deeds.toggle_requests,
        keys=("t",),
        where=HERE,
        label="requests",
    ),
    Command(
        "log copy",
        "Copy the line, the marked lines, the request, or the incident as a whole",
        deeds.copy,
        keys=("y",),
        where=HERE,
        label="copy",
    ),
    Command(
        "coordinator next",
        "Show the next coordinator, where several run",
        deeds.go_by(1),
        keys=("right_square_bracket",),
        where=HERE,
        why_not=hindrances.without_another_coordinator,
    ),
    Command(
        "coordinator previous",
        "Show the coordinator before, where several run",
        deeds.go_by(-1),
        keys=("left_square_bracket",),
        where=HERE,
        why_not=hindrances.without_another_coordinator,
    ),
    Command(
        "restart",
        "Load the same model again, on backends that are chosen anew",
        deeds.restart,
        keys=("R",),
        where=HERE,
        why_not=hindrances.without_past_coordinator,
        label="restart",
    ),
    Command(
        "command line",
        "The exact command that the coordinator was started with",
        deeds.show_command,
        keys=("c",),
        where=HERE,
        why_not=hindrances.without_command,
        label="command line",
    ),
)

COORDINATOR = (*LIFE, *VIEWS, *LOG, *SELDOM)
"""In the order of the bottom line, which has room for the first few only."""
