"""Ends a coordinator that nobody asks anything, where that is wanted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from app.core.coordinator import Coordinator
from app.core.coordinators import Coordinators
from app.core.events import Bus
from app.text.units import duration_text

LOOK_S = 5.0
"""How often each is looked at; a limit that is shorter is looked at as often as it lasts."""


class Idleness:
    """Watches how long each coordinator has had nothing to do, whoever asks it."""

    def __init__(self, bus: Bus, coordinators: Coordinators, limit: Callable[[], float | None]) -> None:
        self._bus = bus
        self._coordinators = coordinators
        self._limit = limit
        """Seconds after which one is stopped; None: never."""
        self._seen: dict[Coordinator, tuple[object, float]] = {}
        """Of each, its slots while they are idle, and since when they are as they are."""

    async def watch(self) -> None:
        """Look again and again, and stop what has been idle for too long; ends only by cancellation."""
        while True:
            limit = self._limit()
            await asyncio.sleep(LOOK_S if limit is None else min(LOOK_S, limit))
            present = self._coordinators.present
            self._seen = {each: seen for each, seen in self._seen.items() if each in present}
            for coordinator in present:
                if limit is None or not await self._is_idle(coordinator):
                    self._seen.pop(coordinator, None)
                elif (waited := time.monotonic() - self._seen[coordinator][1]) >= limit:
                    await self._stop(coordinator.status.model, waited)

    async def _is_idle(self, coordinator: Coordinator) -> bool:
        """Whether it does nothing now; since when it has been as it is, is in what was seen."""
        slots = await coordinator.slots()
        if slots is None or any(slot.is_busy for slot in slots):
            return False
        if coordinator not in self._seen or self._seen[coordinator][0] != slots:
            self._seen[coordinator] = slots, time.monotonic()
        return True

    async def _stop(self, model: str, waited_s: float) -> None:
        self._bus.say("coordinator", f"{model} was asked nothing for {duration_text(waited_s)}: stopping it")
        await self._coordinators.stop(model)
