"""What the core tells the world, and the bus that carries it.

Two kinds of event, because a slow reader may lose the one but never the other. A *change* says what
something is now; a newer one about the same thing replaces it, so the mailbox never holds more changes than
there are things. A *line* says what happened; of those the oldest are lost first, and counted.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import Self

from app.llama.failure import Failure


@dataclass(frozen=True, slots=True)
class Change:
    """Something is now as this event says."""

    @property
    def thing(self) -> Hashable:
        """What the event is about: a newer event about the same thing makes this one needless."""
        return type(self).__qualname__


@dataclass(frozen=True, slots=True)
class CoordinatorChange(Change):
    """Something about one of our coordinators is now as this event says."""

    of: str = field(default="", kw_only=True)
    """The model that it serves; its Voice fills it in."""

    @property
    def thing(self) -> Hashable:
        """What one kind of event says of one coordinator."""
        return type(self).__qualname__, self.of


class Severity(StrEnum):
    """How much a line matters to a person."""

    INFO = "info"
    GOOD = "good"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LifecycleLine:
    """One line of the coordinator pane: `12:01:10 coordinator  ready in 71 s (3 backends)`."""

    at: datetime
    source: str
    """What the line is about: `coordinator`, `discovery`, a backend's address, a node."""
    text: str
    severity: Severity = Severity.INFO

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.source} {self.text}"


@dataclass(frozen=True, slots=True)
class Incident(LifecycleLine):
    """One failure, told in a line, with the evidence, the suspect and the remedy."""

    failure: Failure = field(kw_only=True)


Event = Change | LifecycleLine

_LOG = logging.getLogger(__name__)
# Where no log file is asked for, Python would write warnings on the screen.
logging.getLogger("app").addHandler(logging.NullHandler())
_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.GOOD: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
}

MAILBOX_LINES = 1_000
TOLD_LINES = 500
"""Lifecycle lines that a new subscriber is told of."""


class Mailbox:
    """What one subscriber has not read yet; bounded, and never in the way of who publishes."""

    def __init__(self, bus: Bus, lines: int) -> None:
        self._bus = bus
        self._changes: dict[Hashable, Change] = {}
        self._lines: deque[LifecycleLine] = deque(maxlen=lines)
        self._arrived = asyncio.Event()
        self.lost = 0
        """Lines lost because the reader fell behind."""

    def put(self, event: Event) -> None:
        """Take an event in; never blocks."""
        if isinstance(event, Change):
            self._changes.pop(event.thing, None)
            self._changes[event.thing] = event
        else:
            self.lost += len(self._lines) == self._lines.maxlen
            self._lines.append(event)
        self._arrived.set()

    def take(self) -> list[Event]:
        """All that has arrived: changes first, then lines, each in the order of arrival."""
        events: list[Event] = [*self._changes.values(), *self._lines]
        self._changes.clear()
        self._lines.clear()
        self._arrived.clear()
        return events

    async def batches(self, at_most_hz: float) -> AsyncGenerator[list[Event]]:
        """Yield what has arrived, at most so many times a second; waits while there is nothing."""
        while True:
            await self._arrived.wait()
            yield self.take()
            await asyncio.sleep(1 / at_most_hz)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bus.leave(self)


class Teller(ABC):
    """Takes what is told; where it goes from there is its business."""

    @abstractmethod
    def publish(self, event: Event) -> None:
        """Pass an event on; never blocks."""

    def say(self, source: str, text: str, severity: Severity = Severity.INFO) -> None:
        """Publish a lifecycle line, stamped with this box's wall clock."""
        self.publish(LifecycleLine(datetime.now().astimezone(), source, text, severity))

    def report(self, source: str, text: str, failure: Failure) -> None:
        """Publish an incident, stamped with this box's wall clock."""
        now = datetime.now().astimezone()
        self.publish(Incident(now, source, text, Severity.ERROR, failure=failure))


class Bus(Teller):
    """Carries every event to every subscriber."""

    def __init__(self) -> None:
        self._mailboxes: list[Mailbox] = []
        self._told: deque[LifecycleLine] = deque(maxlen=TOLD_LINES)

    @property
    def told(self) -> tuple[LifecycleLine, ...]:
        """The newest lines of all, oldest first."""
        return tuple(self._told)

    def subscribe(self, lines: int = MAILBOX_LINES) -> Mailbox:
        """A mailbox that holds at most `lines` unread lines; leave its `with` block to unsubscribe.

        It begins with the lifecycle lines of before, so that nobody misses what happened at the start.
        """
        mailbox = Mailbox(self, lines)
        for line in self._told:
            mailbox.put(line)
        self._mailboxes.append(mailbox)
        return mailbox

    def leave(self, mailbox: Mailbox) -> None:
        """Stop delivering to `mailbox`."""
        self._mailboxes.remove(mailbox)

    def publish(self, event: Event) -> None:
        """Deliver `event` to every subscriber; never blocks."""
        if isinstance(event, LifecycleLine):
            self._told.append(event)
            _LOG.log(_LEVELS[event.severity], "%s: %s", event.source, event.text)
        for mailbox in self._mailboxes:
            mailbox.put(event)
