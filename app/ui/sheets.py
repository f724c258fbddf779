"""What the sheets say: help, a route with its reasons, the cluster at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.config.logfile import log_file
from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorStatus
from app.core.memory import memory_together
from app.core.reload import Counts, Difference
from app.core.routing import Route
from app.text.units import UNKNOWN, plural
from app.ui.command import Command
from app.ui.keys import key_text
from app.ui.notices import Notice
from app.ui.places import EVERYWHERE, Place

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Rows under a title; cells of all rows are in line with each other."""

    rows: tuple[Row, ...]
    title: str = ""


IN_THE_PROMPT = (
    ("enter", "send"),
    ("shift+enter ctrl+j", "a new line"),
    ("up down", "what was sent before"),
    ("/", "at the start: a command, which tab completes; with a space before it: text"),
    ("using MODEL", "at the end: that model answers this one prompt"),
)
WAYS_TO_COMMANDS = (
    (":", "a line for commands, with completion and history"),
    ("/", "at the start of the prompt, the same"),
    ("ctrl+p", "the palette: every command, and the themes"),
)


def help_sheet(table: Iterable[Command], place: Place) -> tuple[Section, ...]:
    """Every command and key: what works in `place` first, then what works everywhere, then the rest."""
    commands = list(table)
    here = [c for c in commands if place in c.where and c.where != EVERYWHERE]
    everywhere = [c for c in commands if c.where == EVERYWHERE]
    elsewhere = [c for c in commands if place not in c.where]
    return (
        Section(_command_rows(here), f"Here: {place.heading}"),
        Section(_command_rows(everywhere), "Everywhere"),
        Section(_command_rows(elsewhere), "By name, and by key in other panes"),
        Section(IN_THE_PROMPT, "In the prompt"),
        Section(WAYS_TO_COMMANDS, "Ways to every command"),
    )


def route_sheet(route: Route) -> tuple[Section, ...]:
    """A route, its backends, its reasons, and what goes wrong with the model there, line by line."""
    return (
        Section(
            (
                ("goes to", route.summary),
                *_listed("backends", [str(address) for address in route.backends]),
                *_listed("because", route.reasons),
                *_listed("careful", route.cautions),
            )
        ),
    )


def notices_sheet(notices: Sequence[Notice]) -> tuple[Section, ...]:
    """What was told in passing, the newest first."""
    if not notices:
        return (Section((("Nothing was told yet.",),)),)
    return (Section(tuple((f"{n.at:%H:%M:%S}", str(n)) for n in reversed(notices))),)


def reload_sheet(changed: Sequence[Difference], file: Path) -> tuple[Section, ...]:
    """What the last change of the configuration file has changed."""
    if not changed:
        return (Section((("Nothing has changed since the start in", str(file)),)),)
    return tuple(
        Section(tuple((one.key, f"{one.old} → {one.new}") for one in changed if one.counts is counts), counts)
        for counts in Counts
        if any(one.counts is counts for one in changed)
    )


async def status_sheet(cluster: Cluster) -> tuple[Section, ...]:
    """Mode, model, coordinator, backends, nodes, models, engine and settings."""
    chosen, present = cluster.choices.now, cluster.coordinators.present
    nodes, config = cluster.pool.nodes, cluster.resolved.config_file
    known = plural(len(cluster.models()), "model")
    return (
        Section(
            (
                ("mode", chosen.mode),
                ("distributed", "on" if chosen.distributed else "off"),
                ("model", chosen.model or UNKNOWN),
                *(row for each in present for row in _listed("coordinator", _coordinator_lines(each.status))),
                *(() if present else (("coordinator", "none is running"),)),
                ("backends", _backends_text(cluster)),
                ("nodes", f"{sum(node.up is True for node in nodes)} of {len(nodes)} up"),
                *_listed("models", (f"{known} known", *cluster.catalogue.problems)),
                ("engine", await _engine_text(cluster)),
                ("settings", str(config) if config else "no file; every value is the default"),
                ("state", str(cluster.places.state)),
                ("log", f"{log_file(cluster.places.lasting)}, {cluster.settings.console.log_level}"),
            )
        ),
    )


def _command_rows(commands: Iterable[Command]) -> tuple[Row, ...]:
    return tuple((" ".join(map(key_text, c.keys)), c.usage, _with_aliases(c)) for c in commands)


def _with_aliases(command: Command) -> str:
    return f"{command.help} (also {', '.join(command.aliases)})" if command.aliases else command.help


def _listed(name: str, lines: Sequence[str]) -> tuple[Row, ...]:
    """One row for each line, only the first of them named."""
    return tuple(("" if i else name, line) for i, line in enumerate(lines))


def _coordinator_lines(status: CoordinatorStatus) -> tuple[str, ...]:
    where = ", ".join(str(address) for address in status.backends) or "this box alone"
    return (
        f"{status.state}, serves {status.model}",
        f"over {where}",
        f"pid {status.pid or UNKNOWN}, port {status.port or UNKNOWN}",
        f"log {status.log or UNKNOWN}",
    )


def _backends_text(cluster: Cluster) -> str:
    known = cluster.backends.known
    states = Counter(backend.word or "not probed yet" for backend in known)
    memory = memory_together(known)
    said = (f"{len(known)} known", *(f"{count} {state}" for state, count in states.items()))
    return ", ".join((*said, str(memory)) if memory else said)


async def _engine_text(cluster: Cluster) -> str:
    problem = await cluster.engines.problem()
    if problem is not None:
        return problem
    engine = await cluster.engines.current()
    protocol = f", RPC {engine.protocol}" if engine.protocol else ""
    return f"{engine.server} ({engine.origin}), {engine.version or UNKNOWN}{protocol}"
