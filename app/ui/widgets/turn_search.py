"""A text in a conversation: where it stands, and which of those places one is at."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from app.ui.widgets.turn import TurnView

_SAID = "  "
"""Lines of prompt and answer begin with it; names and folds do not."""


class Match(NamedTuple):
    """One place: the so-manieth of a turn, both by their numbers."""

    turn: int
    nth: int


class TurnSearch:
    """Looks through prompts and answers as they came, so that no turn is drawn for it."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.found: list[Match] = []
        self._at: Match | None = None

    @property
    def standing(self) -> str:
        """Where one is, such as `3 of 17`."""
        if not self.found:
            return "not found"
        place = bisect_left(self.found, self._at) + 1 if self._at in self.found else None
        return f"{place:,} of {len(self.found):,}" if place else f"{len(self.found):,} found"

    def look(self, turns: Sequence[TurnView]) -> None:
        """Look through these turns, which may have grown."""
        self.found = [Match(at, nth) for at, view in enumerate(turns) for nth in range(self._count(view))]

    def step(self, by: int, turn: int) -> Match | None:
        """The next match, or the one before, from where one is, at first from `turn`; round at the ends."""
        if not self.found:
            return None
        here = self._at or Match(turn, 0)
        place = bisect_left(self.found, here)
        place += by if by < 0 or here == self._at else 0
        self._at = self.found[place % len(self.found)]
        return self._at

    def line_of(self, match: Match, lines: Sequence[str]) -> int:
        """The line of a drawn turn that has it, or the nearest: drawing hides some signs and folds lines."""
        with_it = [at for at, line in enumerate(lines) if line.startswith(_SAID) for _ in self._in(line)]
        return with_it[min(match.nth, len(with_it) - 1)] if with_it else 0

    def _count(self, view: TurnView) -> int:
        turn = view.shown.turn
        return sum(len(self._in(text)) for text in (turn.prompt, turn.text))

    def _in(self, text: str) -> list[str]:
        return [found[0] for found in self.pattern.finditer(text) if found[0]]
