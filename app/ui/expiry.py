"""How long a model stays loaded, as it is shown: in minutes until the last one, which is counted down."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from app.text.units import UNKNOWN

_MINUTE, _HOUR, _YEAR = 60, 3600, 365 * 86_400
_HOURS_FROM = 2 * _HOUR


def expiry_text(expires: datetime | None, now: datetime) -> str:
    """`kept`, `3 h`, `4 min`, `45 s`, `now`."""
    if expires is None:
        return UNKNOWN
    left_s = (expires - now).total_seconds()
    if left_s >= _YEAR:
        return "kept"
    if left_s >= _HOURS_FROM:
        return f"{left_s // _HOUR:.0f} h"
    if left_s >= _MINUTE:
        return f"{left_s // _MINUTE:.0f} min"
    return f"{left_s // 1:.0f} s" if left_s >= 1 else "now"


def next_change_s(expiries: Iterable[datetime | None], now: datetime) -> float | None:
    """How long all these texts stay as they are; None where they never change by themselves."""
    left = ((expires - now).total_seconds() for expires in expiries if expires is not None)
    return min((_stays_s(left_s) for left_s in left if 0 < left_s < _YEAR), default=None)


def _stays_s(left_s: float) -> float:
    unit = _HOUR if left_s >= _HOURS_FROM else _MINUTE if left_s >= _MINUTE else 1
    # A little more, so as to be beyond the change and not just before it.
    return left_s % unit + 0.05
