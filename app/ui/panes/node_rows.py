"""The rows of the node table: what stands in them, and which columns there is room for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from app.core.pool import Node
from app.ollama.client import LoadedModel
from app.text.units import UNKNOWN, bytes_text, milliseconds_text, plural
from app.ui.expiry import expiry_text
from app.ui.plain import plain_line
from app.ui.steady import Steady
from app.ui.widgets.ledger import Cell, Column, Row
from app.ui.widgets.sparks import sparks

_NODE = Column("node", "node", 12)
_WIDEST_NODE = 30
_STATE = Column("state", "state", 6)
_MS = Column("ms", "ms", 5, right=True)
_HISTORY = Column("history", " latency", 10)
_VERSION = Column("version", " version", 9)
_REQUESTS = Column("requests", "reqs", 5, right=True)
_LOADED = Column("loaded", " loaded", 18)
_ERROR = Column("error", " last error", 40)
_ALL = (_NODE, _STATE, _MS, _HISTORY, _VERSION, _REQUESTS, _LOADED, _ERROR)
_SPARE = (_VERSION, _HISTORY, _ERROR)
"""Those that are left out where there is no room, the last one first."""
_MOST_LOADED = 60
_SCALE_MS = (10.0, 100.0, 1000.0, 10_000.0)
"""Steps, so that the bars of the past keep their height while a latency wavers."""
STATES = {True: Cell("up", "good"), False: Cell("down", "error"), None: Cell(UNKNOWN, "muted")}


def columns(width: int, nodes: Iterable[Node]) -> tuple[Column, ...]:
    """Those that `width` holds, beside the names of these nodes; the loaded models have what is left."""
    longest = max((len(_name(node)) + 2 for node in nodes), default=0)
    node = replace(_NODE, width=min(_WIDEST_NODE, max(_NODE.width, longest)))
    shown = [column for column in _ALL if column not in _SPARE]
    left = width - sum(column.width for column in shown) - (node.width - _NODE.width)
    for column in _SPARE:
        if left >= column.width:
            shown.append(column)
            left -= column.width
    loaded = replace(_LOADED, width=min(_MOST_LOADED, _LOADED.width + left))
    return tuple({_NODE: node, _LOADED: loaded}.get(column, column) for column in _ALL if column in shown)


def steady_latency() -> Steady:
    """A latency, to be shown anew when it has moved by half, and by a millisecond."""
    return Steady(1.0, 0.5)


def node_row(node: Node, latency: Steady, now: datetime) -> Row:
    """One node; `latency` is that which is shown of it so far."""
    loaded = ", ".join(_loaded_text(model, now) for model in node.loaded)
    return {
        "node": Cell(_name(node)),
        "state": STATES[node.up],
        "ms": Cell(milliseconds_text(latency.show(node.latency_ms))),
        "history": Cell(f" {latency_sparks(node, _HISTORY.width - 2)}", "muted"),
        "version": Cell(f" {node.version or UNKNOWN}"),
        "requests": Cell(str(node.in_flight)),
        "loaded": Cell(f" {loaded or UNKNOWN}"),
        "error": Cell(f" {node.last_error}", "muted"),
    }


def latency_sparks(node: Node, width: int) -> str:
    """How fast it answered of late, a gap for each time that it did not."""
    slowest = max((ms for ms in node.latencies_ms[-width:] if ms is not None), default=0.0)
    top = next((step for step in _SCALE_MS if slowest <= step), slowest)
    return sparks(node.latencies_ms, width, top=top)


def node_details(node: Node, now: datetime) -> str:
    """All that the row has no room for, in one line."""
    said = [f"from {node.origin}"]
    if node.up:
        said.append(plural(len(node.models), "model"))
        said += [f"{m.name} {vram_text(m)} {expiry_text(m.expires, now)}" for m in node.loaded]
    elif node.detail:
        said.append(node.detail)
    if node.up and node.last_error:
        said.append(last_error(node))
    return plain_line("  ".join(said))


def last_error(node: Node) -> str:
    """What went wrong with a node last, and when; empty where nothing did."""
    if node.last_error_at is None:
        return ""
    return f"{node.last_error_at.astimezone():%H:%M:%S} {node.last_error}"


def vram_text(model: LoadedModel) -> str:
    """Where a loaded model lies: `5.1 GiB VRAM`, `5.1 GiB 40 % VRAM`, `5.1 GiB CPU`."""
    if model.vram_bytes is None:
        return UNKNOWN
    if not model.vram_bytes:
        return f"{bytes_text(model.size)} CPU"
    if model.size is None or model.vram_bytes >= model.size:
        return f"{bytes_text(model.vram_bytes)} VRAM"
    return f"{bytes_text(model.size)} {100 * model.vram_bytes / model.size:.0f} % VRAM"


def _name(node: Node) -> str:
    return node.url.removeprefix("http://")


def _loaded_text(model: LoadedModel, now: datetime) -> str:
    return f"{model.name} {bytes_text(model.vram_bytes)} {expiry_text(model.expires, now)}"
