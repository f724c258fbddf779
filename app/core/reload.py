"""The configuration file, read again when it has changed, and put to use where that is possible at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.config.origins import Origin, Resolved, resolve
from app.config.state import StateFile
from app.core.events import Bus, Change, Severity
from app.text.problem import Problem
from app.text.secrets import masked
from app.text.units import plural

EVERY_S = 3.0
"""Between two looks at the time of the file."""
SOURCE = "settings"
TOLD = 3
"""So many differences are told one by one; the sheet has them all."""
LONGEST_TOLD = 40
"""A longer value is told by its beginning."""


Use = Callable[[Resolved, Collection[str]], Awaitable[None]]
"""Puts settings to use; the second says which have changed, by dotted key."""


class Counts(StrEnum):
    """From when on a new value counts."""

    AT_ONCE = "at once"
    NEXT_START = "from the next start of a coordinator on"
    RESTART = "needs a restart of this program"


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that is no longer what it was, in words without secrets."""

    key: str
    old: str
    new: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class SettingsUsed(Change):
    """Other settings are in use from now on."""


class Reload:
    """Reads the configuration again; an invalid one changes nothing."""

    def __init__(self, bus: Bus, first: Resolved, state: StateFile, use: Use) -> None:
        self._bus = bus
        self._state = state
        self._use = use
        self._now = first
        self._stamp: tuple[int, int] | None = None
        self.latest: tuple[Difference, ...] = ()
        """What the last change of the file has changed."""

    async def again(self) -> tuple[Difference, ...]:
        """Read the file now, use it, and return what has changed by that.

        Raises:
            Problem: it cannot be used; everything stays as it is.
        """
        self._stamp = await asyncio.to_thread(_stamp, self._now.sources.file)
        resolved = await asyncio.to_thread(self._read)
        found = tuple(differences(self._now, resolved))
        if found:
            self._now, self.latest = resolved, found
            await self._use(resolved, {one.key for one in found})
            self._bus.publish(SettingsUsed())
            self._bus.say(SOURCE, _told(found), Severity.GOOD)
        return found

    async def watch(self) -> None:
        """Read the file whenever it has changed, for ever; says so where it cannot be used."""
        self._stamp = await asyncio.to_thread(_stamp, self._now.sources.file)
        while True:
            await asyncio.sleep(EVERY_S)
            if await asyncio.to_thread(_stamp, self._now.sources.file) != self._stamp:
                try:
                    await self.again()
                except Problem as problem:
                    told = " ".join(str(problem).split())
                    self._bus.say(SOURCE, f"nothing changed, for {told}", Severity.ERROR)

    def _read(self) -> Resolved:
        sources = self._now.sources
        return resolve(
            command_line=sources.command_line,
            environment=sources.environment,
            state=self._state.peek(),
            config=sources.config,
        )


def differences(old: Resolved, new: Resolved) -> Iterator[Difference]:
    """The settings that the file changes; what was chosen in the program itself is no change of the file."""
    before = {key: value for key, value, _ in _in_words(old)}
    for key, value, origin in _in_words(new):
        if value != before[key] and origin is not Origin.STATE:
            yield Difference(key, masked(before[key]), masked(value), _counts(key))


def _told(found: Sequence[Difference]) -> str:
    """All that has changed in a line that can be read at a glance."""
    line = f"{plural(len(found), 'setting')} changed: "
    line += ", ".join(f"{one.key} {_brief(one.old)} → {_brief(one.new)}" for one in found[:TOLD])
    more = len(found) - TOLD
    return f"{line}, and {more} more; 'reload' lists them." if more > 0 else f"{line}."


def _brief(value: str) -> str:
    return value if len(value) <= LONGEST_TOLD else f"{value[: LONGEST_TOLD - 1]}…"


def _in_words(resolved: Resolved) -> Iterator[tuple[str, str, Origin]]:
    lists = {"backends": resolved.backends, "nodes": resolved.nodes}
    for key, value, _ in resolved.values():
        if key in lists:
            named = [str(one) for one, origin in lists[key] if origin is not Origin.STATE]
            yield key, ", ".join(named) or "none", Origin.CONFIG
        else:
            yield key, _shown(value), resolved.origins[key]


def _shown(value: object) -> str:
    if value is None or value == "" or value == {}:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {one}" for name, one in value.items())
    return str(value).lower() if isinstance(value, bool) else str(value)


def _counts(key: str) -> Counts:
    if key.startswith("engine.") or key == "console.log_level":
        return Counts.RESTART
    if key.startswith("coordinator.") and key != "coordinator.on_quit":
        return Counts.NEXT_START
    return Counts.AT_ONCE


def _stamp(file: Path) -> tuple[int, int] | None:
    """Time and size of the file; None where it is not there or cannot be reached."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
