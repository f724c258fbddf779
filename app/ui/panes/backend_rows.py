"""How a backend looks in the table: columns, cells, what a filter finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.core.backends import WELL, Backend, Look
from app.core.placement import Share
from app.rpc.probe import BackendState
from app.text.units import GIB, UNKNOWN, bytes_text, milliseconds_text, plural
from app.ui.plain import plain_line
from app.ui.steady import Steady
from app.ui.widgets.ledger import Cell, Column, Row
from app.ui.widgets.sparks import sparks

_BASIC = (
    Column("mark", "", 1),
    Column("backend", "backend", 22),
    Column("state", "state", 10),
    Column("protocol", "proto", 6),
    Column("devices", "dev", 4, right=True),
    Column("memory", "free/total", 11, right=True),
    Column("ms", "ms", 4, right=True),
)
_SHARE = (Column("layers", "layers", 8, right=True), Column("holds", "holds", 10, right=True))
_TREND_WIDTH = 10
_TREND_TOP_MS = 10.0
"""Below it a line stays low: what differs by less is of no interest."""
_TREND = (Column("trend", "trend", _TREND_WIDTH + 1, right=True),)
_NAME = (Column("name", "name", 12),)
_ORIGIN = (Column("origin", "  from", 16),)
_TONES = {
    BackendState.FREE: "good",
    BackendState.OURS: "good",
    BackendState.UNUSED: "error",
    BackendState.BUSY: "warning",
    BackendState.MISMATCH: "error",
    BackendState.NOT_RPC: "error",
    BackendState.REFUSED: "error",
    BackendState.NO_ANSWER: "error",
}


def tone_of(state: BackendState | None) -> str:
    """The colour beside the word of a state; muted where there is none."""
    return _TONES[state] if state is not None else "muted"


def columns(width: int, *, named: bool) -> tuple[Column, ...]:
    """The columns that there is room for, the most useful first."""
    chosen = _BASIC
    for more in (_NAME if named else (), _SHARE, _TREND, _ORIGIN):
        if sum(column.width for column in (*chosen, *more)) > width:
            break
        chosen = (*chosen, *more)
    return chosen


def passes(backend: Backend, text: str) -> bool:
    """Whether what is said of a backend has `text` in it, in whatever case."""
    remark = backend.remark
    devices = "".join(f" device {device.index}" for device in backend.devices)
    said = f"{backend.address} {remark.name} {remark.note} {backend.word} {backend.origin} {backend.detail}"
    return text.casefold() in (said + devices).casefold()


def first_ports(backends: Iterable[Backend]) -> dict[str, int]:
    """The lowest port of each host: the others of the same host stand under it."""
    lowest: dict[str, int] = {}
    for address in (backend.address for backend in backends):
        lowest[address.host] = min(address.port, lowest.get(address.host, address.port))
    return lowest


def trend(looks: Sequence[Look], width: int = _TREND_WIDTH) -> str:
    """The round trips of the last probes; a gap where there was none."""
    latencies = [look.latency_ms for look in looks[-width:]]
    top = max((latency for latency in latencies if latency is not None), default=0.0)
    return sparks(latencies, width, top=max(top, _TREND_TOP_MS))


def backend_row(backend: Backend, share: Share | None, latency: Steady) -> Row:
    """All but what depends on its neighbours."""
    tone = tone_of(backend.state if backend.enabled else None)
    return {
        "name": Cell(backend.remark.name),
        "state": Cell(backend.word or UNKNOWN, tone),
        "protocol": Cell(str(backend.protocol or UNKNOWN)),
        "devices": Cell(str(len(backend.devices) or UNKNOWN)),
        "memory": Cell(_memory(backend)),
        "ms": Cell(milliseconds_text(latency.show(backend.latency_ms))),
        "layers": Cell(str(share.layers) if share is not None and share.layers is not None else UNKNOWN),
        "holds": Cell(bytes_text(share.held_bytes if share is not None else None)),
        "origin": Cell(f"  {backend.origin}", "muted"),
    }


def _memory(backend: Backend) -> str:
    """Free and total GiB; what is free on one that is held was seen before it was, so it is not known."""
    if backend.total_bytes is None:
        return UNKNOWN
    free = backend.free_bytes if backend.state is BackendState.FREE else None
    return f"{_gib(free)}/{_gib(backend.total_bytes)}"


def _gib(size: int | None) -> str:
    if size is None:
        return UNKNOWN
    return f"{size / GIB:.1f}" if size < 100 * GIB else f"{size / GIB:.0f}"


def details(backend: Backend, share: Share | None, model: str) -> str:
    """All that is known of one, in a line or two."""
    said = [backend.remark.name] if backend.remark.name else []
    said.append(f"from {backend.origin}")
    if share is not None:
        said.append(f"holds {share_text(share, model)}")
    if backend.detail and (share is None or backend.state not in WELL):
        said.append(backend.detail)
    if backend.remark.note:
        said.append(f"note: {backend.remark.note}")
    return plain_line("  ".join(said))


def share_text(share: Share, model: str) -> str:
    """What of the model that is: `42 layers, 77.5 GiB of llama3.1:405b`."""
    layers = f"{plural(share.layers, 'layer')}, " if share.layers is not None else ""
    return f"{layers}{bytes_text(share.held_bytes)} of {model}"
