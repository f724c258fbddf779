"""How far a pull is, told on standard error while it runs; in a terminal on one line that changes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from app.cli.output import say
from app.core.events import Bus, Mailbox
from app.core.pulls import Pull, PullSeen

_HZ = 4
_CLEAR = "\r\x1b[K"
_PERCENTS = 10
"""So many percent are one more line, where lines cannot change."""


@asynccontextmanager
async def told_progress(bus: Bus) -> AsyncIterator[None]:
    """Tell of the pulls of `bus` as they go on."""
    with bus.subscribe() as mailbox:
        tell = _on_one_line if sys.stderr.isatty() else _line_by_line
        telling = asyncio.create_task(tell(mailbox), name="progress")
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            if sys.stderr.isatty():
                click.echo(_CLEAR, nl=False, err=True)


async def _on_one_line(mailbox: Mailbox) -> None:
    async for pull in _pulls(mailbox):
        click.echo(f"{_CLEAR}{pull}", nl=False, err=True)


async def _line_by_line(mailbox: Mailbox) -> None:
    told: tuple[str, int] | None = None
    async for pull in _pulls(mailbox):
        step = (pull.status, (pull.percent or 0) // _PERCENTS)
        if step != told:
            say(str(pull))
            told = step


async def _pulls(mailbox: Mailbox) -> AsyncIterator[Pull]:
    async for events in mailbox.batches(_HZ):
        for event in events:
            if isinstance(event, PullSeen):
                yield event.pull
