"""What a figure was over the last minutes, in memory that does not grow."""

from __future__ import annotations

from collections import deque


class History:
    """One value for each stretch of time that is over: the mean of what was read in it.

    A reading counts for the time since the reading before too, so that reading seldom leaves no gap.
    """

    def __init__(self, stretch_s: float, stretches: int) -> None:
        self._stretch_s = stretch_s
        self._over: deque[float | None] = deque(maxlen=stretches)
        self._current: int | None = None
        self._readings: list[float] = []

    @property
    def values(self) -> tuple[float | None, ...]:
        """Of each stretch that is over, the newest at the end; None where nothing was known."""
        return tuple(self._over)

    def put(self, at_s: float, value: float | None) -> None:
        """Take in a reading; `at_s` is of any clock that never goes back."""
        stretch = int(at_s // self._stretch_s)
        if self._current is None:
            self._current = stretch
        if stretch > self._current:
            self._over.append(_mean(self._readings))
            missed = min(stretch - self._current - 1, self._over.maxlen or 0)
            self._over.extend([value] * missed)
            self._current, self._readings = stretch, []
        if value is not None:
            self._readings.append(value)


def _mean(readings: list[float]) -> float | None:
    return sum(readings) / len(readings) if readings else None
