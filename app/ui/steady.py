"""A figure that is read again and again, and shown anew only when it has moved noticeably."""

from __future__ import annotations


class Steady:
    """Keeps what is shown until a reading differs from it by `step`, and by `share` of it."""

    def __init__(self, step: float, share: float = 0.0) -> None:
        self._step = step
        self._share = share
        self._shown: float | None = None

    @property
    def shown(self) -> float | None:
        """What is shown now; None before the first reading too."""
        return self._shown

    def show(self, reading: float | None) -> float | None:
        """What to show, given a new reading; that a figure is known, or not, always shows."""
        if reading is None or self._shown is None or self._moved(reading, self._shown):
            self._shown = reading
        return self._shown

    def _moved(self, reading: float, shown: float) -> bool:
        return abs(reading - shown) >= max(self._step, self._share * shown)
