"""What is told in passing of things outside of the focused pane: never a flood, and to be read again."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.discovery import SweepGoing
from app.core.events import Event, Incident, LifecycleLine, Severity
from app.text.units import duration_text, plural
from app.ui.places import Place

KEPT = 200
BURST = 2
"""So many are told one by one within WINDOW_S; what comes on top is told together when it is over."""
WINDOW_S = 5.0
CONSOLE = "console"
"""Source of the lines that repeat what the console has told already."""
DISCOVERY = "discovery"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that was told."""

    at: datetime
    source: str
    text: str
    severity: Severity

    @property
    def place(self) -> Place:
        """The pane in which it can be seen."""
        if self.source == "chat":
            return Place.CHAT
        if "://" in self.source:
            return Place.NODES
        return Place.BACKENDS if ":" in self.source or self.source == DISCOVERY else Place.COORDINATOR

    def __str__(self) -> str:
        return f"{self.source}: {self.text}"


Show = Callable[[str, Severity], None]


class Notices:
    """Decides what is worth telling, tells it, and keeps it.

    `sees` says whether a person looks at a pane now, `later` calls back after so many seconds.
    """

    def __init__(
        self, show: Show, sees: Callable[[Place], bool], later: Callable[[float, Callable[[], None]], object]
    ) -> None:
        self._show = show
        self._sees = sees
        self._later = later
        self._since = _now()
        self._shown = 0
        self._held: list[Notice] = []
        self._waits = False
        self._failures: set[str] = set()
        self.kept: deque[Notice] = deque(maxlen=KEPT)
        """The newest, oldest first."""

    def take(self, events: Iterable[Event]) -> None:
        """Tell what of this a person should know and does not see."""
        found = [notice for event in events if (notice := _notice(event)) is not None]
        self.kept.extend(found)
        self._tell([n for n in found if n.at >= self._since and n.source != CONSOLE and self._is_new(n)])

    def add(self, source: str, text: str, severity: Severity) -> None:
        """Tell something that is no event of the core."""
        notice = Notice(_now(), source, text, severity)
        self.kept.append(notice)
        self._tell([notice])

    def first_to_tell(self, cause: str) -> bool:
        """Whether a failure was not told yet in this while: the core and a command may both tell of it."""
        new = cause not in self._failures
        self._failures.add(cause)
        self._begin_window()
        return new

    def _is_new(self, notice: Notice) -> bool:
        return notice.severity is not Severity.ERROR or self.first_to_tell(notice.text)

    def _tell(self, notices: Sequence[Notice]) -> None:
        unseen = [notice for notice in notices if not self._sees(notice.place)]
        if self._waits and self._shown + len(unseen) > BURST:
            self._held += unseen
        elif unseen:
            self._shown += min(len(unseen), BURST)
            self._tell_now(unseen)
        if unseen:
            self._begin_window()

    def _begin_window(self) -> None:
        if not self._waits:
            self._waits = True
            self._later(WINDOW_S, self._window_ends)

    def _window_ends(self) -> None:
        held, self._held, self._shown, self._waits = self._held, [], 0, False
        self._failures.clear()
        self._tell(held)

    def _tell_now(self, notices: Sequence[Notice]) -> None:
        if len(notices) <= BURST:
            for notice in notices:
                self._show(str(notice), notice.severity)
        else:
            self._show(folded(notices), max((n.severity for n in notices), key=list(Severity).index))


def folded(notices: Sequence[Notice]) -> str:
    """Many notices in one: how many there are of each pane."""
    counts = Counter(notice.place.heading for notice in notices)
    where = ", ".join(f"{count} in {heading}" for heading, count in counts.items())
    return f"{plural(len(notices), 'thing')} happened: {where}. 'notices' lists them."


def _now() -> datetime:
    return datetime.now().astimezone()


def _notice(event: Event) -> Notice | None:
    if isinstance(event, SweepGoing):
        if not event.ended:
            return None
        found = f"found {plural(event.found, 'backend')} in {duration_text(event.elapsed_s)}"
        return Notice(_now(), DISCOVERY, found, Severity.GOOD if event.found else Severity.INFO)
    if not isinstance(event, LifecycleLine) or event.severity is Severity.INFO or event.source == DISCOVERY:
        return None
    text = event.failure.cause if isinstance(event, Incident) else event.text
    return Notice(event.at, event.source, text, event.severity)
