from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.history import History


def test_one_value_for_each_stretch_that_is_over() -> None:
    history = History(10, 4)
    for at_s, value in ((3, 10.0), (8, 20.0), (12, 50.0)):
        history.put(at_s, value)
    assert list(history.values) == [15.0]
    history.put(21, 7.0)
    assert list(history.values) == [15.0, 50.0]


def test_a_reading_counts_for_the_time_before() -> None:
    history = History(10, 4)
    history.put(0, 1.0)
    history.put(35, 9.0)
    assert history.values == (1.0, 9.0, 9.0)


def test_what_is_not_known_is_no_zero() -> None:
    history = History(10, 4)
    history.put(0, None)
    history.put(10, 4.0)
    history.put(20, None)
    history.put(30, None)
    assert history.values == (None, 4.0, None)


@given(st.lists(st.tuples(st.floats(0, 1e7), st.none() | st.floats(0, 100)), max_size=50))
def test_it_never_grows_and_never_invents(readings: list[tuple[float, float | None]]) -> None:
    history = History(10, 4)
    clock = 0.0
    for later_s, value in readings:
        clock += later_s
        history.put(clock, value)
    known = [value for _, value in readings if value is not None]
    assert len(history.values) <= 4
    assert all(v is None or min(known) - 1e-6 <= v <= max(known) + 1e-6 for v in history.values)
