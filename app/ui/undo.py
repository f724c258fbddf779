"""What was taken away, and how to bring it back."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from app.text.problem import Problem

KEPT = 20


class Undo:
    """The newest things that were taken away; `tell` says what has come back."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._ways: deque[tuple[str, Callable[[], Awaitable[None]]]] = deque(maxlen=KEPT)

    @property
    def what(self) -> str | None:
        """What would come back next: `the backend 10.0.0.1:50052`."""
        return self._ways[-1][0] if self._ways else None

    def offer(self, what: str, way: Callable[[], Awaitable[None]]) -> None:
        """From now on `way` brings back `what`, which was just taken away; says so."""
        self._ways.append((what, way))
        self._tell(f"{what[:1].upper()}{what[1:]} is removed. u brings it back.")

    async def back(self) -> None:
        """Bring back what was taken away last.

        Raises:
            Problem: there is nothing, or it cannot come back; then it is offered no more.
        """
        if not self._ways:
            raise Problem("Nothing was taken away that could be brought back.")
        what, way = self._ways.pop()
        await way()
        self._tell(f"{what[:1].upper()}{what[1:]} is back.")
