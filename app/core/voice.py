"""How one of our coordinators is heard: what it tells is known as its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.core.events import CoordinatorChange, Event, LifecycleLine, Teller


class Voice(Teller):
    """Passes on what one coordinator tells; where it has company, its lines name its model."""

    def __init__(self, teller: Teller, model: str, has_company: Callable[[], bool]) -> None:
        self._teller = teller
        self._model = model
        self._has_company = has_company

    def publish(self, event: Event) -> None:
        """Pass an event on, with the model that it is about."""
        if isinstance(event, CoordinatorChange):
            event = replace(event, of=self._model)
        elif isinstance(event, LifecycleLine) and not self._is_named(event) and self._has_company():
            event = replace(event, text=f"{self._model}: {event.text}")
        self._teller.publish(event)

    def _is_named(self, line: LifecycleLine) -> bool:
        return self._model in {word.strip(",.:") for word in line.text.split()}
