"""What the plan view says, line by line: each device as a bar, what stays here, who is left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from app.core.placement import Placement
from app.core.plan import Excluded, Plan, PlannedDevice
from app.core.planning import AS_SET, Change, Planned
from app.core.proof import Proof, prove
from app.text.address import Address
from app.text.units import UNKNOWN, bytes_text, milliseconds_text, plural
from app.ui.heading import heading
from app.ui.plain import plain_line
from app.ui.widgets.bars import divided
from app.ui.widgets.folding import fold

PARTS = (
    ("weights", "█", "$text-primary"),
    ("cache", "▓", "$text-accent"),
    ("compute", "▒", "$text-success"),
    ("free", "░", "$text-muted"),
)
"""Of each device: what fills it, how that is drawn, and in which colour."""

_NAME = 22
_LEAST_BAR = 10
_WIDTHS = {"layers": 8, "weights": 10, "cache": 10, "compute": 10, "free": 10, "ms": 8}
_LEAST_USED = ("compute", "cache", "weights", "ms", "free", "layers")
_ASKED_FOR, _LEFT_OUT, _AS_PLANNED = "+ ", "- ", "  "


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to be seen."""

    planned: Planned
    change: Change = AS_SET
    placement: tuple[Placement, ...] = ()
    """The actual one, where the model is loaded by this very plan."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One line of the view."""

    text: Content
    backend: Address | None = None
    """What is toggled there."""
    details: str = ""
    """What there is no room for."""
    is_heading: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What kind of line it is, whatever it says."""
        return self.backend, self.is_heading, self.text.plain.count("\n")


@dataclass(frozen=True, slots=True)
class _Figures:
    """What one device holds, or is to hold."""

    layers: int | None
    weights: int
    cache: int
    compute: int
    free: int

    @classmethod
    def planned(cls, row: PlannedDevice) -> _Figures:
        return cls(row.layers, row.weights_bytes, row.cache_bytes, row.compute_bytes, row.free_after)

    @classmethod
    def actual(cls, proof: Proof) -> _Figures:
        before, held = proof.planned.free_before, proof.actual
        if held is None:
            return cls(0, 0, 0, 0, before)
        free = max(0, before - held.held_bytes)
        return cls(held.layers, held.model_bytes, held.kv_bytes, held.compute_bytes, free)

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        return self.weights, self.cache, self.compute, max(0, self.free)


def columns(width: int) -> tuple[str, ...]:
    """The figures that there is room for beside the name and the bar."""
    shown = list(_WIDTHS)
    for column in _LEAST_USED:
        if _bar_width(width, shown) >= _LEAST_BAR:
            break
        shown.remove(column)
    return tuple(shown)


def column_heads(width: int) -> str:
    """What stands over the columns."""
    shown = columns(width)
    cells = {column: f"{column:>{_WIDTHS[column]}}" for column in shown}
    bar = " " * max(0, _bar_width(width, shown))
    return f"{_AS_PLANNED}{'backend':<{_NAME}}{cells.pop('layers', '')}  {bar}{''.join(cells.values())}"


def legend() -> Content:
    """What the parts of a bar are."""
    return Content("  ").join(Content.assemble((sign, tone), f" {part}") for part, sign, tone in PARTS)


def plan_lines(shown: Shown, width: int) -> tuple[PlanLine, ...]:
    """All of it, for so many columns."""
    return (
        *_devices(shown, width),
        _this_box(shown, width),
        *_left_out(shown, width),
        *_why(shown.planned.reasons, width),
    )


def _devices(shown: Shown, width: int) -> Iterator[PlanLine]:
    planned = shown.planned
    devices = Counter(row.backend for row in planned.rows)
    if isinstance(planned, Plan) and shown.placement:
        for proof in prove(planned, shown.placement):
            row, actual = proof.planned, _Figures.actual(proof)
            texts = (
                _row(_name(row, shown.change, devices), _Figures.planned(row), _ms(row), width),
                _row("    holds", actual, _off_by(proof), width),
            )
            details = f"{_details(row)}\nholds {_sum_text(actual)}"
            yield PlanLine(Content("\n").join(texts), row.backend, details)
        return
    for row in planned.rows:
        text = _row(_name(row, shown.change, devices), _Figures.planned(row), _ms(row), width)
        yield PlanLine(text, row.backend, _details(row))


def _row(name: str, figures: _Figures, last: str, width: int) -> Content:
    """One device: its name, its layers, the bar, and as many figures as there is room for."""
    shown = columns(width)
    texts = {
        "layers": UNKNOWN if figures.layers is None else str(figures.layers),
        "weights": bytes_text(figures.weights),
        "cache": bytes_text(figures.cache),
        "compute": bytes_text(figures.compute),
        "free": bytes_text(figures.free),
        "ms": last,
    }
    cells = {column: f"{texts[column]:>{_WIDTHS[column]}}" for column in shown}
    layers = cells.pop("layers", "")
    return Content.assemble(
        f"{_fit(name, len(_AS_PLANNED) + _NAME)}{layers}  ",
        *_bar(figures, _bar_width(width, shown)),
        "".join(cells.values()),
    )


def _bar(figures: _Figures, width: int) -> Iterator[tuple[str, str]]:
    if width < len(PARTS):
        return
    for (_, sign, tone), cells in zip(PARTS, divided(figures.sizes, width), strict=True):
        yield sign * cells, tone


def _bar_width(width: int, shown: Sequence[str]) -> int:
    """With a gap before it; the columns have theirs."""
    return width - len(_AS_PLANNED) - _NAME - 2 - sum(_WIDTHS[column] for column in shown)


def _name(row: PlannedDevice, change: Change, devices: Counter[Address]) -> str:
    which = f" /{row.device}" if devices[row.backend] > 1 else ""
    mark = _ASKED_FOR if row.backend in change.forced else _AS_PLANNED
    return f"{mark}{_fit(str(row.backend), _NAME - len(which)).rstrip()}{which}"


def _ms(row: PlannedDevice) -> str:
    return f"{milliseconds_text(row.latency_ms)} ms"


def _off_by(proof: Proof) -> str:
    return UNKNOWN if proof.off_by is None else f"{proof.off_by:+.1%}".replace("%", " %")


def _details(row: PlannedDevice) -> str:
    """All of a device in words."""
    last = row.first_layer + row.layers - 1
    which = f"layers {row.first_layer} to {last}" if row.layers > 1 else f"layer {last}"
    return (
        f"{row.backend} device {row.device}, {bytes_text(row.free_before)}: "
        f"{which if row.layers else 'no layer'}, {_ms(row)} away\n{_sum_text(_Figures.planned(row))}"
    )


def _sum_text(figures: _Figures) -> str:
    parts = (f"{bytes_text(size)} {part}" for size, (part, _, _) in zip(figures.sizes, PARTS, strict=True))
    return " + ".join(parts)


def _this_box(shown: Shown, width: int) -> PlanLine:
    stays = f"{bytes_text(shown.planned.host_bytes)} of weights stay here"
    here = [placed for placed in shown.placement if placed.backend is None]
    if here:
        stays += f"; it holds {bytes_text(sum(placed.held_bytes for placed in here))}, buffers included"
    return PlanLine(_folded(f"{_AS_PLANNED}{'this box':<{_NAME}}", stays, width))


def _left_out(shown: Shown, width: int) -> Iterator[PlanLine]:
    excluded = shown.planned.excluded
    if excluded:
        yield PlanLine(heading("Left out", plural(len(excluded), "backend")), is_heading=True)
    for each in excluded:
        mark = _mark(each, shown.change)
        name = f"{mark}{_fit(str(each.address), _NAME)}"
        text = _folded(name, plain_line(each.reason), width)
        yield PlanLine(text, each.address, f"{each.address}: {_what_space_does(each, shown.change)}")


def _mark(excluded: Excluded, change: Change) -> str:
    if excluded.address in change.left_out:
        return _LEFT_OUT
    return _ASKED_FOR if excluded.address in change.forced else _AS_PLANNED


def _what_space_does(excluded: Excluded, change: Change) -> str:
    if excluded.address in change.left_out:
        return "you left it out; space takes it back"
    if excluded.address in change.forced:
        return "you asked for it; space does no more"
    return "space has it used too" if excluded.usable else "it cannot be used now"


def _why(reasons: Sequence[str], width: int) -> Iterator[PlanLine]:
    if reasons:
        yield PlanLine(heading("Why"), is_heading=True)
    for reason in reasons:
        yield PlanLine(
            Content("\n".join(fold(f"{_AS_PLANNED}{plain_line(reason)}", width, len(_AS_PLANNED))))
        )


def _folded(name: str, said: str, width: int) -> Content:
    """What is said of a backend, in a column of its own."""
    lead = f"{name}  "
    return Content("\n".join(fold(f"{lead}{said}", width, len(lead))))


def _fit(text: str, width: int) -> str:
    """Exactly so wide, cut with an ellipsis where it is longer."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return f"{set_cell_size(text, max(0, width - 1))}…"
