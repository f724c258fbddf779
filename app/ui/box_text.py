"""How this box is, in one line: the figures that matter most first, as many as there is room for."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from app.box.gpus import Gpu
from app.box.vitals import Vitals
from app.core.vitals import MINUTES, BoxHistory
from app.text.units import GIB, UNKNOWN
from app.ui.steady import Steady
from app.ui.widgets.sparks import sparks

_LABEL = "this box"
_PERCENT, _LOAD, _DEGREES = 10.0, 0.5, 2.0
"""What must have changed before it is drawn anew."""
_LOAD_SHARE = 0.25
"""Of what was shown: the busier it is, the less a small change says."""
_MEMORY_SHARE = 0.01
"""Of all that there is."""


class BoxLine:
    """Writes the line; remembers what it has shown, so that it changes no more often than it must."""

    def __init__(self, history: BoxHistory) -> None:
        self._history = history
        self._cpu = Steady(_PERCENT)
        self._memory = Steady(_MEMORY_SHARE)
        self._swap = Steady(_MEMORY_SHARE)
        self._load = Steady(_LOAD, _LOAD_SHARE)
        self._heat = Steady(_DEGREES)
        self._gpus: dict[int, tuple[Steady, Steady]] = {}

    def text(self, vitals: Vitals | None, width: int) -> Content:
        """The line, at most `width` columns wide."""
        line = Content.styled(_LABEL, "bold")
        for figure in self._figures(vitals):
            longer = Content.assemble(line, "  ", figure)
            if longer.cell_length > width:
                break
            line = longer
        return line

    def _figures(self, vitals: Vitals | None) -> Iterator[Content]:
        if vitals is None:
            yield from (Content(f"{name} {UNKNOWN}") for name in ("cpu", "mem", "load"))
            return
        bars = sparks(self._history.cpu_by_minute.values, MINUTES, top=100)
        yield Content.assemble(
            "cpu ", (bars, "$text-accent"), f" {_percent(self._cpu.show(vitals.cpu_percent)):>5}"
        )
        used = self._memory.show(vitals.memory_used_bytes / vitals.memory_total_bytes)
        yield Content(f"mem {_part(used, vitals.memory_total_bytes)}")
        for gpu in vitals.gpus or ():
            yield Content(f"gpu{gpu.index} {self._gpu(gpu)}")
        load = self._load.show(vitals.load_1m)
        yield Content(f"load {UNKNOWN if load is None else f'{load:.1f}'}")
        heat = self._heat.show(vitals.temperature_c)
        if heat is not None:
            yield Content(f"{heat:.0f} °C")
        if vitals.swap_total_bytes:
            swap = self._swap.show(vitals.swap_used_bytes / vitals.swap_total_bytes)
            yield Content(f"swap {_part(swap, vitals.swap_total_bytes)}")

    def _gpu(self, gpu: Gpu) -> str:
        busy, memory = self._gpus.setdefault(gpu.index, (Steady(_PERCENT), Steady(_MEMORY_SHARE)))
        share = None
        if gpu.memory_used_bytes is not None and gpu.memory_total_bytes:
            share = memory.show(gpu.memory_used_bytes / gpu.memory_total_bytes)
        said = (_percent(busy.show(gpu.busy_percent)), _part(share, gpu.memory_total_bytes))
        return " ".join(text for text in said if text != UNKNOWN) or UNKNOWN


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f} %"


def _part(share: float | None, total_bytes: int | None) -> str:
    if share is None or total_bytes is None:
        return UNKNOWN
    return f"{share * total_bytes / GIB:.1f}/{total_bytes / GIB:.1f} G"
