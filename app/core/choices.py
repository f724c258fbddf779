"""What a person has chosen while the program runs: mode, distribution, model; saved on every change."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from app.config.settings import Mode
from app.config.state import StateFile
from app.core.events import Bus, Change


@dataclass(frozen=True, slots=True)
class Chosen(Change):
    """The choices as they are now."""

    mode: Mode
    """`standard`: this box alone; `distributed`: the whole pool."""
    distributed: bool
    """Whether llama.cpp distribution is on; only ever in distributed mode."""
    model: str | None


class Choices:
    """Holds the choices, publishes and saves every change."""

    def __init__(self, bus: Bus, state: StateFile, first: Chosen) -> None:
        self._bus = bus
        self._state = state
        self.now = first

    async def set_distributed(self, *, on: bool) -> None:
        """Switch llama.cpp distribution; on implies distributed mode, off leaves the mode as it is."""
        mode: Mode = "distributed" if on else self.now.mode
        self._show(replace(self.now, distributed=on, mode=mode))
        await asyncio.to_thread(
            self._state.update, lambda state: replace(state, distributed_inference=on, mode=mode)
        )
        self._bus.say("distribution", "on" if on else "off")

    async def set_model(self, name: str) -> None:
        """Choose the model that prompts go to."""
        self._show(replace(self.now, model=name))
        await asyncio.to_thread(self._state.update, lambda state: replace(state, model=name))

    def take(self, chosen: Chosen) -> None:
        """Take over what the settings say now; nothing is saved, for it was not chosen here."""
        if chosen != self.now:
            self._show(chosen)

    def _show(self, chosen: Chosen) -> None:
        self.now = chosen
        self._bus.publish(chosen)
