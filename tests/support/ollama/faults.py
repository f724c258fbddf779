"""How a stand-in can be made to fail, and to wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, auto


class Ending(Enum):
    """How an answer ends."""

    DONE = auto()
    """As it should."""
    ERROR = auto()
    """With a line that reports an error; the status was 200 long ago."""
    SILENT = auto()
    """As if all were well, but without its last line: the guard against repetition."""
    RESET = auto()
    """With a connection that breaks."""
    HALF_A_LINE = auto()
    """In the middle of a line, as if all were well."""
    GARBAGE = auto()
    """With a line that is no JSON."""
    HUGE_LINE = auto()
    """With a line over 8 MB."""
    FLOOD = auto()
    """Never, and as fast as the client can read."""


class Delivery(Enum):
    """How the lines of an answer are cut into chunks."""

    LINES = auto()
    """One line in one chunk."""
    BYTES = auto()
    """Each byte in a chunk of its own, so that lines and characters are cut everywhere."""
    TOGETHER = auto()
    """All lines in one chunk."""


@dataclass(slots=True)
class Faults:
    """What goes wrong, until it is put right again."""

    hang: bool = False
    """Take every request, and answer none."""
    html: bool = False
    """Be another web server altogether."""
    token: str = ""
    """Refuse whoever does not show it, as a proxy in front of Ollama does."""
    busy: bool = False
    """The queue for loads is full."""
    load_error: str = ""
    """Fail every load, for this reason."""
    ending: Ending = Ending.DONE
    ending_after: int = 0
    """How many words come before any other ending than the right one."""
    delivery: Delivery = Delivery.LINES
    content_type: str = ""
    """Say this of every answer, in place of the truth."""
    pull_ending: Ending = Ending.DONE
    """How a pull ends."""
    pull_ending_after: int = 0
    """How many lines come before any other ending than the right one."""
    pull_error: str = "max retries exceeded: write /models/blobs/sha256-1-partial: no space left on device"
    """What a pull reports that ends with an error."""


class Gate:
    """Something waits here while it is shut."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._free = 0

    def shut(self, *, after: int = 0) -> None:
        """Hold back all but the first `after` of each series."""
        self._free = after
        self._open.clear()

    def open(self) -> None:
        """Let all pass."""
        self._open.set()

    async def passing(self, place: int = 0) -> None:
        """Wait, as the one at that place of its series."""
        if place >= self._free:
            await self._open.wait()
