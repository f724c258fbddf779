"""Moments as they are typed, and where they are in a log."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from app.text.moment import parse_moment, seconds_after
from app.text.problem import Problem


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12:01", time(12, 1)),
        ("9:01:10", time(9, 1, 10)),
        ("+12", timedelta(seconds=12)),
        ("+12s", timedelta(seconds=12)),
        ("+1m30s", timedelta(seconds=90)),
        ("+2h", timedelta(hours=2)),
    ],
)
def test_moments(text: str, moment: time | timedelta) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize("text", ["", "+", "noon", "24:00", "12:60", "12:00:60", "12", "-5s", "+5x"])
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Problem, match="is no moment") as refused:
        parse_moment(text)
    assert "12:01:10" in refused.value.remedy


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (timedelta(seconds=5), 5.0),
        (time(23, 59, 0), 29.5),
        (time(23, 58, 30), 0.0),
        (time(0, 1), 149.5),
        (time(23, 58), 86_370 - 0.5),
    ],
)
def test_a_time_of_day_is_the_next_such_one(moment: time | timedelta, seconds: float) -> None:
    started = datetime(2026, 1, 2, 23, 58, 30, 500_000).astimezone()
    assert seconds_after(started, moment) == pytest.approx(seconds)
