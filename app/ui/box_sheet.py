"""Every figure of this box, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from app.box.gpus import Gpu
from app.box.vitals import Vitals
from app.core.vitals import STRETCH_S, STRETCHES, BoxHistory
from app.text.units import UNKNOWN, bytes_text
from app.ui.heading import heading
from app.ui.plain import plain_line
from app.ui.steady import Steady
from app.ui.widgets.bars import bar
from app.ui.widgets.sparks import sparks

_BAR = 20
_CORE_WIDTH = 36
_LABEL = 8
_STEP_PERCENT = 2.0
_FULL, _NEARLY = 90.0, 75.0
"""Percent from which a bar has the colour of an error, or of a warning."""


class BoxSheet:
    """Writes it; remembers what it has shown, so that a line changes only when its figure has moved."""

    def __init__(self, history: BoxHistory) -> None:
        self._history = history
        self._steady: dict[str, Steady] = {}

    def text(self, vitals: Vitals | None, width: int) -> Content:
        """All figures, for so many columns."""
        if vitals is None:
            return Content("This box is being read.")
        sections = (
            self._processor(vitals, width),
            self._memory(vitals, width),
            self._gpus(vitals.gpus, width),
        )
        return Content("\n\n").join(Content("\n").join(section) for section in sections)

    def _processor(self, vitals: Vitals, width: int) -> Iterator[Content]:
        minutes = f"{STRETCH_S * STRETCHES / 60:.0f} min"
        load = self._show("load", vitals.load_1m, 0.2)
        heat = self._show("heat", vitals.temperature_c, 1.0)
        yield heading(
            "Processor", f"load {_number(load, '.1f')}  {_number(heat, '.0f')} °C  bars: the last {minutes}"
        )
        yield self._bar("all", vitals.cpu_percent, self._past(self._history.cpu.values, width))
        yield from self._cores(vitals.per_core, width)

    def _cores(self, shares: Sequence[float | None] | None, width: int) -> Iterator[Content]:
        """Several in a line where there is room."""
        if shares is None:
            yield Content(f"cores {UNKNOWN}")
            return
        cells = [self._bar(f"core {index}", share) for index, share in enumerate(shares)]
        columns = max(1, width // _CORE_WIDTH)
        for at in range(0, len(cells), columns):
            yield Content("").join(
                cell.pad_right(_CORE_WIDTH - cell.cell_length) for cell in cells[at : at + columns]
            )

    def _memory(self, vitals: Vitals, width: int) -> Iterator[Content]:
        yield heading("Memory")
        used = 100 * vitals.memory_used_bytes / vitals.memory_total_bytes
        past = self._past(self._history.memory.values, width)
        yield self._bar("memory", used, past, _of(used, vitals.memory_total_bytes))
        if vitals.swap_total_bytes:
            swap = 100 * vitals.swap_used_bytes / vitals.swap_total_bytes
            yield self._bar("swap", swap, "", _of(swap, vitals.swap_total_bytes))
        else:
            yield Content("swap".ljust(_LABEL) + "none")

    def _gpus(self, gpus: Sequence[Gpu] | None, width: int) -> Iterator[Content]:
        yield heading("GPUs", "" if gpus else UNKNOWN if gpus is None else "none that can be read")
        for gpu in gpus or ():
            heat = self._show(f"heat {gpu.index}", gpu.temperature_c, 1.0)
            yield Content(plain_line(f"{gpu.index} {gpu.name}  {_number(heat, '.0f')} °C"))
            past = self._past(self._history.gpus[gpu.index].values, width)
            yield self._bar(f"busy {gpu.index}", gpu.busy_percent, past)
            share = None
            if gpu.memory_used_bytes is not None and gpu.memory_total_bytes:
                share = 100 * gpu.memory_used_bytes / gpu.memory_total_bytes
            yield self._bar(f"vram {gpu.index}", share, "", _of(share, gpu.memory_total_bytes))

    def _bar(self, label: str, percent: float | None, past: str = "", remark: str = "") -> Content:
        shown = self._show(label, percent, _STEP_PERCENT)
        full, rest = bar((shown or 0) / 100, _BAR)
        return Content.assemble(
            label.ljust(_LABEL),
            (full, _tone(shown)),
            (rest, "$text-muted"),
            f" {_number(shown, '.0f'):>3} %",
            f"  {remark}" if remark else "",
            (f"  {past}", "$text-accent") if past else "",
        )

    def _past(self, values: Sequence[float | None], width: int) -> str:
        """What is left of a line beside a bar, up to ten minutes."""
        room = width - _LABEL - _BAR - 32
        return sparks(values, min(STRETCHES, room), top=100) if room >= 6 else ""

    def _show(self, name: str, reading: float | None, step: float) -> float | None:
        return self._steady.setdefault(name, Steady(step)).show(reading)


def _of(percent: float | None, total_bytes: int | None) -> str:
    if percent is None or total_bytes is None:
        return UNKNOWN
    return f"{bytes_text(round(percent / 100 * total_bytes))} of {bytes_text(total_bytes)}"


def _tone(percent: float | None) -> str:
    if percent is None:
        return "$text-muted"
    return "$text-error" if percent >= _FULL else "$text-warning" if percent >= _NEARLY else "$text-success"


def _number(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)
