"""What happens, told line by line on standard error while a command works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.cli.output import say
from app.core.events import Bus, LifecycleLine, Mailbox

LINES_HZ = 20


@asynccontextmanager
async def narrated(bus: Bus) -> AsyncIterator[None]:
    """Print the lifecycle lines of `bus` as they come, and the last ones before leaving."""
    with bus.subscribe() as mailbox:
        telling = asyncio.create_task(_tell(mailbox), name="narration")
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            _print(mailbox)


async def _tell(mailbox: Mailbox) -> None:
    async for events in mailbox.batches(LINES_HZ):
        for event in events:
            if isinstance(event, LifecycleLine):
                say(str(event))


def _print(mailbox: Mailbox) -> None:
    for event in mailbox.take():
        if isinstance(event, LifecycleLine):
            say(str(event))
