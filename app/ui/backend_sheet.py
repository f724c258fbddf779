"""All about one backend, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from textual.content import Content

from app.core.backends import HELD, Backend, Look
from app.core.events import LifecycleLine, Severity
from app.core.placement import Placement, share_of
from app.llama.command import worker_command_text
from app.rpc.probe import BackendState, Device
from app.text.units import UNKNOWN, bytes_text, milliseconds_text, plural
from app.ui.heading import heading
from app.ui.panes.backend_rows import share_text, tone_of, trend
from app.ui.plain import plain_line
from app.ui.widgets.bars import bar

_BAR = 20
_RUNS = 20
_TROUBLES = 10
_COLOURS = {"good": "$text-success", "warning": "$text-warning", "error": "$text-error"}


@dataclass(frozen=True, slots=True)
class KnownOfBackend:
    """What there is to be said of one backend."""

    backend: Backend
    looks: Sequence[Look]
    troubles: Sequence[LifecycleLine]
    """Oldest first."""
    placement: Sequence[Placement] = ()
    """Of the model that is loaded."""
    model: str = ""


def backend_sheet(known: KnownOfBackend, width: int) -> Content:
    """How it is, what to run on its host, its devices, what it holds, what went wrong, what probes saw."""
    backend = known.backend
    sections = (
        _state(backend),
        _worker(backend),
        _devices(backend),
        _holdings(known),
        _troubles(known.troubles),
        _probes(known, width),
    )
    return Content("\n\n").join(Content("\n").join(section) for section in map(tuple, sections) if section)


def _state(backend: Backend) -> Iterator[Content]:
    said = [
        f"protocol {backend.protocol or UNKNOWN}",
        f"{milliseconds_text(backend.latency_ms)} ms",
        f"from {backend.origin}",
    ]
    word = (backend.word or "not probed yet", _colour(backend))
    yield Content.assemble(word, f"  {plain_line('  '.join(said))}")
    if backend.detail:
        yield Content(plain_line(backend.detail))
    for what, text in (("name", backend.remark.name), ("note", backend.remark.note)):
        if text:
            yield Content.assemble((f"{what}  ", "$text-muted"), plain_line(text))


def _worker(backend: Backend) -> Iterator[Content]:
    address = backend.address
    yield heading("Run there", f"on {address.host}")
    yield Content(f"  {worker_command_text(address.host, address.port)}")


def _devices(backend: Backend) -> Iterator[Content]:
    is_free = backend.state is BackendState.FREE
    yield heading(
        "Devices", "" if is_free or not backend.devices else "what is free is seen only while nobody holds it"
    )
    for device in backend.devices:
        yield _device(device, is_free=is_free)
    if not backend.devices:
        yield Content("  No probe has seen them.")


def _device(device: Device, *, is_free: bool) -> Content:
    used = 1 - device.free_bytes / device.total_bytes if is_free and device.total_bytes else 0.0
    full, rest = bar(used, _BAR)
    free = bytes_text(device.free_bytes if is_free else None)
    return Content.assemble(
        f"  device {device.index}  ",
        (full, "$text-success"),
        (rest, "$text-muted"),
        f"  {free} free of {bytes_text(device.total_bytes)}",
    )


def _holdings(known: KnownOfBackend) -> Iterator[Content]:
    share = share_of(known.backend.address, known.placement)
    if share is None:
        return
    yield heading("Holds", plain_line(share_text(share, known.model)))
    for placed in known.placement:
        if placed.backend == known.backend.address:
            layers = plural(placed.layers, "layer") if placed.layers is not None else f"{UNKNOWN} layers"
            parts = (
                f"weights {bytes_text(placed.model_bytes)}",
                f"KV {bytes_text(placed.kv_bytes)}",
                f"compute {bytes_text(placed.compute_bytes)}",
            )
            yield Content(plain_line(f"  {placed.device}  {layers}  {'  '.join(parts)}"))


def _troubles(troubles: Sequence[LifecycleLine]) -> Iterator[Content]:
    if not troubles:
        return
    yield heading("What went wrong", "the newest first")
    for line in list(reversed(troubles))[:_TROUBLES]:
        tone = "$text-error" if line.severity is Severity.ERROR else "$text-warning"
        yield Content.assemble(f"  {line.at.astimezone():%H:%M:%S}  ", (plain_line(line.text), tone))


def _probes(known: KnownOfBackend, width: int) -> Iterator[Content]:
    looks = known.looks
    yield heading("Probes", _spread(looks))
    if known.backend.state in HELD:
        yield Content("  None while our coordinator holds it.")
    elif not known.backend.enabled:
        yield Content("  None while it is disabled.")
    elif not looks:
        yield Content("  None yet.")
    if looks:
        yield Content.assemble("  ", (trend(looks, min(len(looks), max(1, width - 2))), "$text-accent"))
    runs = [tuple(run) for _, run in groupby(reversed(looks), key=lambda look: (look.state, look.detail))]
    yield from (_run(run) for run in runs[:_RUNS])


def _spread(looks: Sequence[Look]) -> str:
    """How many there are, and how fast they were answered."""
    count = f"the last {len(looks)}" if len(looks) > 1 else ""
    known = sorted(look.latency_ms for look in looks if look.latency_ms is not None)
    if len(known) < 2:
        return count
    lowest, median, highest = (milliseconds_text(known[at]) for at in (0, len(known) // 2, -1))
    return f"{count}, median {median} ms, {lowest} to {highest} ms"


def _run(run: Sequence[Look]) -> Content:
    """Probes in a row that saw the same, the newest first."""
    newest, oldest = run[0], run[-1]
    times = f"{oldest.at.astimezone():%H:%M:%S}"
    until = f" to {newest.at.astimezone():%H:%M:%S}" if len(run) > 1 else ""
    count = f"  {len(run)} times" if len(run) > 1 else ""
    detail = f"  {newest.detail}" if newest.detail else ""
    tone = _COLOURS.get(tone_of(newest.state), "$text-muted")
    return Content.assemble(
        f"  {times}{until:12}  ", (f"{newest.state}", tone), plain_line(f"{count}{detail}")
    )


def _colour(backend: Backend) -> str:
    return _COLOURS.get(tone_of(backend.state if backend.enabled else None), "$text-muted")
