"""What the coordinator pane knows of each coordinator, and which one it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.core.coordinator import Coordinator
from app.core.coordinator_status import CoordinatorChanged, CoordinatorForgotten, CoordinatorStatus
from app.core.events import Event
from app.core.loading import LoadProgress
from app.core.log_watch import LogGrew
from app.core.requests import Request, RequestsChanged
from app.llama.log_book import LogBook
from app.ollama.names import same_model


class Position(NamedTuple):
    """Which of how many, counted from 1."""

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number} of {self.total}" if self.total > 1 else ""


@dataclass(slots=True, eq=False)
class Seen:
    """What was last told of one."""

    status: CoordinatorStatus | None = None
    """None before there is one."""
    progress: LoadProgress | None = None
    book: LogBook | None = None
    requests: Sequence[Request] = ()


class CoordinatorsSeen:
    """Each by the model that it serves, in the order in which they were begun."""

    def __init__(self, known: Sequence[Coordinator]) -> None:
        """Begin with what an earlier process left behind."""
        self._seen: dict[str, Seen] = {}
        self._model = ""
        for coordinator in known:
            status, log = coordinator.status, coordinator.log
            seen = self._seen[status.model] = Seen(status)
            if log is not None:
                seen.book, seen.requests = log.book, log.requests.latest
            self._model = status.model

    @property
    def shown(self) -> Seen:
        """The one that is shown."""
        return self._seen.setdefault(self._model, Seen())

    def of(self, model: str) -> Seen:
        """The one of a model; where there is none, the one that is shown."""
        return next((seen for name, seen in self._seen.items() if same_model(name, model)), self.shown)

    def place(self, seen: Seen) -> Position:
        """Which of how many it is."""
        there = [each for each in self._seen.values() if each.status is not None]
        return Position(there.index(seen) + 1 if seen in there else 0, len(there))

    def go_by(self, step: int) -> None:
        """Show the one so many places further on."""
        models = list(self._seen)
        self._model = models[(models.index(self._model) + step) % len(models)]

    def take(self, events: Sequence[Event]) -> None:
        """Learn what has happened; one that was begun is shown."""
        for event in events:
            match event:
                case CoordinatorChanged(status):
                    self._take_status(status)
                case CoordinatorForgotten():
                    self._seen.pop(event.of, None)
                    if self._model == event.of:
                        self._model = next(reversed(self._seen), "")
                case LoadProgress():
                    self._told(event.of).progress = event
                case LogGrew(book):
                    self._told(event.of).book = book
                case RequestsChanged(requests):
                    self._told(event.of).requests = requests

    def _take_status(self, status: CoordinatorStatus) -> None:
        seen = self._seen.setdefault(status.model, self._seen.pop("", Seen()))
        if seen.status is None or seen.status.since != status.since:
            self._model = status.model
        seen.status = status

    def _told(self, model: str) -> Seen:
        return self._seen.setdefault(model, Seen()) if model else self.shown
