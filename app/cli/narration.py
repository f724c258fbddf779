"""What happens, told on standard error while a command works: line by line, and a load with its bars."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from app.cli.load_told import LoadBars, LoadSteps
from app.cli.output import say
from app.core.cluster import Cluster
from app.core.coordinator_status import LOADS, CoordinatorChanged
from app.core.events import Event, LifecycleLine, Mailbox
from app.core.loading import LoadProgress
from app.ui.ascii import draws_only_ascii

LINES_HZ = 20


class Narration:
    """Tells what arrives in a mailbox."""

    def __init__(self, mailbox: Mailbox, load: LoadBars | LoadSteps) -> None:
        self._mailbox = mailbox
        self._load = load

    async def tell(self) -> None:
        """Go on until cancelled."""
        async for events in self._mailbox.batches(LINES_HZ):
            self._print(events)

    def give_way(self) -> None:
        """Tell what has not been told yet, and draw no bars any more: what comes now is the answer."""
        self._print(self._mailbox.take())
        self._load.clear()
        self._load = LoadSteps()

    def _print(self, events: Iterable[Event]) -> None:
        """Changes come before lines, so the bars stand under the lines that came with them."""
        progress: LoadProgress | None = None
        for event in events:
            match event:
                case LoadProgress():
                    progress = event
                case CoordinatorChanged(status) if status.state not in LOADS:
                    progress = None
                    self._load.clear()
                case LifecycleLine():
                    self._load.clear()
                    say(str(event))
        if progress is not None:
            self._load.show(progress)


@asynccontextmanager
async def narrated(cluster: Cluster) -> AsyncIterator[Narration]:
    """Tell the lifecycle lines and the loads of a cluster as they come, and the last ones before leaving."""
    only_ascii = draws_only_ascii(cluster.settings.console.signs, os.environ)
    with cluster.bus.subscribe() as mailbox:
        load = LoadBars(only_ascii=only_ascii) if sys.stderr.isatty() else LoadSteps()
        narration = Narration(mailbox, load)
        telling = asyncio.create_task(narration.tell(), name="narration")
        try:
            yield narration
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            narration.give_way()
