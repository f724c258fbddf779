"""Numbers for people: bytes, counts, durations. What is not known is a dash."""

from __future__ import annotations

import re

UNKNOWN = "—"
"""Shown for every value that is not known; never zero."""

KIB = 1024
MIB = 1024**2
GIB = 1024**3

_COUNT_SCALES = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_COUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([KMBT]?)", re.IGNORECASE)


def bytes_text(size: int | None) -> str:
    """Bytes in binary units, three figures: `23.5 GiB`."""
    if size is None:
        return UNKNOWN
    if size < 0:
        return f"-{bytes_text(-size)}"
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if round(value) < KIB or unit == "TiB":
            break
        value /= KIB
    return f"{size} B" if unit == "B" else f"{_figures(value)} {unit}"


def count_text(count: int | None) -> str:
    """A parameter count the way models are named: `405B`, `8.0B`, `494M`."""
    if count is None:
        return UNKNOWN
    for unit in ("T", "B", "M", "K"):
        value = count / _COUNT_SCALES[unit]
        # Less is at most 999 of the unit below; more would be shown there as 1000.
        if value >= 0.9995:
            return f"{_figures(value)}{unit}"
    return str(count)


def parse_count(text: str) -> int | None:
    """The number that `13B`, `494.03M` or `70000000000` stands for; None where it is no count."""
    match = _COUNT.fullmatch(text.strip())
    if match is None:
        return None
    return round(float(match[1]) * _COUNT_SCALES[match[2].upper()])


def duration_text(seconds: float | None) -> str:
    """A duration with the precision that matters: `340 ms`, `1.2 s`, `71 s`, `5 min 3 s`, `2 h 10 min`."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def milliseconds_text(milliseconds: float | None) -> str:
    """A latency in milliseconds: `0.4`, `12`."""
    if milliseconds is None:
        return UNKNOWN
    return f"{milliseconds:.1f}" if milliseconds < 9.95 else f"{milliseconds:.0f}"


def rate_text(per_second: float | None) -> str:
    """Tokens per second, as measured: `11.4 t/s`."""
    if per_second is None:
        return UNKNOWN
    return f"{_figures(per_second)} t/s"


def plural(count: int, noun: str) -> str:
    """`1 backend`, `3 backends`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _figures(value: float) -> str:
    """At least two figures, and a decimal only below 100, also after rounding."""
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"
