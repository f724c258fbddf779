"""`synaptic-tui` without a command: the console."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from app.cli.crash import tell_fault
from app.cli.options import ClusterOptions
from app.cli.running import run
from app.config.folders import cache_folder
from app.config.last_theme import last_theme

if TYPE_CHECKING:
    from app.core.cluster import Cluster

SETTLED_S = 2.0
"""After which a console is drawn, and everything made that stays as long as it does."""

FRAMES_PER_S = "120"
"""At most. What a key has changed is drawn with the next frame: of Textual's 60 it may be the one after."""

HANDS_OVER_S = 0.001
"""How long Python computes for one thread while another waits, such as the one that reads keys."""

_LOG = logging.getLogger(__name__)


def open_console(options: ClusterOptions) -> int:
    """Open the full-screen console; returns its exit code."""
    require_terminal()
    # What is made on the way to the first picture stays: to search it for garbage again and again is in vain.
    gc.disable()
    return run(_console(options))


def require_terminal() -> None:
    """Refuse where no terminal is there to draw on and to read keys from."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(
            "The console needs a terminal. 'synaptic-tui --help' lists the commands that do not."
        )


async def show(opening: Callable[[], Awaitable[Cluster]], theme: str | None = None) -> int:
    """Show the console until the person leaves it, first in the colours of `theme`; returns its exit code.

    Raises:
        Problem: the cluster could not be opened.
    """
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_PER_S)
    sys.setswitchinterval(HANDS_OVER_S)
    from app.ui.app import ConsoleApp

    opened: Cluster | None = None

    async def open_and_watch() -> Cluster:
        nonlocal opened
        _collect_only_what_is_new()
        opened = await opening()
        opened.watch(end_by)
        return opened

    def end_by(error: BaseException) -> None:
        console.end_by(error if isinstance(error, Exception) else RuntimeError(repr(error)))

    console = ConsoleApp(open_and_watch, theme)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_fault)
    settled = loop.call_later(SETTLED_S, _settle)
    await console.run_async()
    settled.cancel()
    if console.problem is not None:
        raise console.problem
    if console.fault is not None:
        if opened is None:
            raise console.fault
        return await tell_fault(opened, console.fault)
    return console.return_code or 0


def _collect_only_what_is_new() -> None:
    """A search for garbage in all that stays would hold every key up for 50 ms, again and again."""
    gc.freeze()
    gc.enable()


def _settle() -> None:
    gc.collect()
    _collect_only_what_is_new()


def _log_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Write down what no task was asked for, instead of printing it over the screen."""
    _LOG.error("%s", context.get("message"), exc_info=context.get("exception"))


async def _console(options: ClusterOptions) -> int:
    async with AsyncExitStack() as stack:

        async def opening() -> Cluster:
            session = await asyncio.to_thread(import_module, "app.cli.session")
            # On the screen the notes are lines of the coordinator pane.
            cluster: Cluster = await stack.enter_async_context(
                session.open_cluster(options, tell=lambda _: None)
            )
            return cluster

        return await show(opening, last_theme(cache_folder()))
