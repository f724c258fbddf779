"""The answer that is under way, brought to the screen as it grows."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from textual.timer import Timer

from app.core.chat import ChatPart, Turn
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.events import Event
from app.core.routing import Target
from app.text.answer import PromptProgress
from app.text.problem import Problem
from app.ui.widgets.turn import TurnView

GROW_HZ = 10
"""How often a growing answer is drawn: what arrives in between is drawn together."""

REST = 3
"""After drawing, the time it took is rested so many times over: keys come before a long block of code."""


class LiveAnswer:
    """Follows one answer at a time into its view; `pulse` beats only while there is one."""

    def __init__(self, pulse: Timer) -> None:
        self._pulse = pulse
        self._view: TurnView | None = None
        self._status: CoordinatorStatus | None = None
        self._progress: PromptProgress | None = None
        self._sent = 0.0
        self._changed = False
        self._rests_until = 0.0

    def take(self, events: Sequence[Event]) -> None:
        """Note what a prompt may be waiting for."""
        for event in events:
            if isinstance(event, CoordinatorChanged):
                self._status = event.status

    def begin(self, view: TurnView) -> None:
        """From now on `view` grows."""
        self._view = view
        self._sent, self._progress, self._changed = time.monotonic(), None, True
        view.shown.growing = True
        self._pulse.resume()

    async def follow(self, view: TurnView, answer: AsyncGenerator[ChatPart]) -> None:
        """Take the parts of an answer, which are in the turn of `view` already; how it ends is there too."""
        try:
            async with aclosing(answer) as parts:
                async for part in parts:
                    self._changed = True
                    if isinstance(part, PromptProgress):
                        self._progress = part
        except Problem as problem:
            view.shown.turn.ending = str(problem)
        finally:
            self._end(view)

    def grow(self) -> None:
        """Draw what has come, unless the last drawing took so long that keys come first."""
        view, now = self._view, time.monotonic()
        if view is None or now < self._rests_until:
            return
        waiting = self._waiting(view.shown.turn)
        if self._changed or view.behind or waiting != view.shown.waiting:
            self._changed, view.shown.waiting = False, waiting
            view.grow()
            self._rests_until = now + REST * (time.monotonic() - now)

    def _end(self, view: TurnView) -> None:
        view.shown.growing = False
        if view is self._view:
            self._view = None
            self._pulse.pause()
        view.grow()

    def _waiting(self, turn: Turn) -> str:
        """What is waited for while no token has come."""
        if turn.answer:
            return ""
        elapsed = int(time.monotonic() - self._sent)
        return f"{_awaited(turn, self._status, self._progress)} … {elapsed} s"


def _awaited(turn: Turn, status: CoordinatorStatus | None, progress: PromptProgress | None) -> str:
    if turn.route is None:
        return "finding a route"
    if progress is not None:
        return f"reading the prompt, {progress.processed} of {progress.total} tokens"
    if turn.thinking:
        return "thinking"
    if turn.route.target is Target.OLLAMA:
        return f"waiting for {turn.route.node}"
    if status is not None and status.state is not CoordinatorState.READY:
        return f"coordinator {status.state}"
    return "waiting for the coordinator"
