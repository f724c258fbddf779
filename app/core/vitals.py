"""How this box itself is doing, read again and again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.box.vitals import Vitals, read_vitals
from app.core.events import Bus, Change

INTERVAL_S = 2.0


@dataclass(frozen=True, slots=True)
class VitalsRead(Change):
    """This box is now as `vitals` says."""

    vitals: Vitals


class BoxWatch:
    """Reads the vitals of this box and publishes them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.latest: Vitals | None = None

    async def watch(self) -> None:
        """Read again and again, for ever."""
        while True:
            self.latest = await asyncio.to_thread(read_vitals, self.latest)
            self._bus.publish(VitalsRead(self.latest))
            await asyncio.sleep(INTERVAL_S)
