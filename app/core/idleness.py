"""Ends a coordinator that nobody asks anything, where that is wanted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from app.core.coordinators import Coordinators
from app.core.events import Bus
from app.text.units import duration_text

LOOK_S = 5.0
"""How often it is looked at; a limit that is shorter is looked at as often as it lasts."""


class Idleness:
    """Watches how long the coordinator has had nothing to do, whoever asks it."""

    def __init__(self, bus: Bus, coordinators: Coordinators, limit: Callable[[], float | None]) -> None:
        self._bus = bus
        self._coordinators = coordinators
        self._limit = limit
        """Seconds after which it is stopped; None: never."""

    async def watch(self) -> None:
        """Look again and again, and stop what has been idle for too long; ends only by cancellation."""
        seen: object = None
        since = time.monotonic()
        while True:
            limit = self._limit()
            await asyncio.sleep(LOOK_S if limit is None else min(LOOK_S, limit))
            running = self._coordinators.running
            slots = await running.slots() if running and limit is not None else None
            if running is None or limit is None or slots is None:
                seen = None
                continue
            now = (running.status.pid, slots)
            if now != seen or any(slot.is_busy for slot in slots):
                seen, since = now, time.monotonic()
            elif time.monotonic() - since >= limit:
                model, waited = running.status.model, duration_text(time.monotonic() - since)
                self._bus.say("coordinator", f"{model} was asked nothing for {waited}: stopping it")
                await self._coordinators.stop()
