"""How fast a coordinator answers, from its requests: kept when it ends or is left, and now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from statistics import median

from app.core.events import Severity, Teller
from app.core.log_watch import LogWatch
from app.core.placement_history import Speed
from app.core.requests import Request
from app.text.problem import Problem

LEAST_TOKENS = 8
"""The rate of fewer tells more of the clock than of the placement."""
KEEP_S = 600.0
"""How often it is kept while it changes. A crash loses nothing: whoever adopts the coordinator reads its log
again."""


def speed_of(coordinator: str, requests: Iterable[Request]) -> Speed | None:
    """The medians of those that are long enough; None where none is."""
    generation: list[float] = []
    prompt: list[float] = []
    measured = 0
    for request in requests:
        rates = len(generation) + len(prompt)
        if request.generation_rate is not None and (request.generated or 0) >= LEAST_TOKENS:
            generation.append(request.generation_rate)
        if request.prompt_rate is not None and (request.prompt_tokens or 0) >= LEAST_TOKENS:
            prompt.append(request.prompt_rate)
        measured += len(generation) + len(prompt) > rates
    if not measured:
        return None
    return Speed(
        coordinator, measured, median(generation) if generation else None, median(prompt) if prompt else None
    )


class SpeedKeeper:
    """Keeps what the log of one coordinator tells of its speed."""

    def __init__(self, bus: Teller, log: LogWatch, keep: Callable[[Speed], None]) -> None:
        self._bus = bus
        self._log = log
        self._keep = keep
        """Blocks on the disk."""

    async def watch(self) -> None:
        """Keep it again and again; ends only by cancellation."""
        while True:
            await asyncio.sleep(KEEP_S)
            await self.keep()

    async def keep(self) -> None:
        """Keep it as it is now; not where the log of before is not read yet, as half of it is no speed."""
        speed = speed_of(self._log.book.path.stem, self._log.requests.latest)
        if speed is None or not self._log.is_abreast:
            return
        try:
            await asyncio.to_thread(self._keep, speed)
        except Problem as problem:
            self._bus.say("coordinator", str(problem), Severity.WARNING)
