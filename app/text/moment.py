"""Moments of a log, as people type them: a time of day, or so long after the start."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from app.text.problem import Problem

_AFTER_START = re.compile(r"\+(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s?)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def parse_moment(text: str) -> time | timedelta:
    """`12:01`, `12:01:10`, or after the start: `+90`, `+12s`, `+1m30s`, `+2h`.

    Raises:
        Problem: it is neither.
    """
    if (after := _AFTER_START.fullmatch(text)) and any(after.groups()):
        hours, minutes, seconds = (int(part or 0) for part in after.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if clock := _CLOCK.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in clock.groups())
        if hour < 24 and minute < 60 and second < 60:
            return time(hour, minute, second)
    raise Problem(f"'{text}' is no moment.", "Type a time such as '12:01:10', or '+90s' after the start.")


def seconds_after(started: datetime, moment: time | timedelta) -> float:
    """How long after `started` a moment is; a time of day is the first such one from then on, here."""
    if isinstance(moment, timedelta):
        return moment.total_seconds()
    local = started.astimezone()
    # To the second, as it was typed: the second in which it started is not over.
    at = datetime.combine(local.date(), moment, local.tzinfo)
    if at < local.replace(microsecond=0):
        at += timedelta(days=1)
    return max(0.0, (at - local).total_seconds())
