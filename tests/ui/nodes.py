"""A console with real nodes: stand-ins that have models, and can pull one more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.console import WIDE, Console, OpenConsole
from tests.support.ollama.models import FakeModel
from tests.support.ollama_server import OllamaStandIn

SMALL = FakeModel("small:1b", parameters="1.2B", quantization="Q8_0", size=1_300_000_000)
LARGE = FakeModel("large:8b", parameters="8.0B", size=4_900_000_000)
NEW = FakeModel("new:8b", size=4_000_000_485)


@asynccontextmanager
async def console_on(
    open_console: OpenConsole, *nodes: OllamaStandIn, size: tuple[int, int] = WIDE
) -> AsyncIterator[Console]:
    """The node pane of a console that has asked these nodes once."""
    urls = ", ".join(f"'{node.url}'" for node in nodes)
    async with open_console(f"nodes: [{urls}]", size=size) as console:
        await console.cluster.pool.refresh()
        await console.press("escape", "3")
        yield console
