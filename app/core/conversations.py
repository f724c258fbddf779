"""The conversations that are kept, each in a private file of its own, and the one that is open."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.config.disk import locked, move_aside, read_small, write_private
from app.core.chat import Conversation, Turn
from app.core.conversation_file import NewerConversation, NoConversation, decode, encode
from app.core.events import Bus, Change, Severity
from app.text.problem import Problem

SOURCE = "conversations"
LIMIT = 64 << 20
"""A larger file is no conversation that anybody has held, in bytes."""

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class ConversationKept(Change):
    """The open conversation is on disk as it is now."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list shows of a conversation."""

    key: str
    heading: str
    turns: int
    model: str
    """That was asked last."""
    asked: datetime
    """When something was asked last."""


class Conversations:
    """Keeps them. One task writes, and the newest state of a conversation is all that it writes.

    Two consoles may have one conversation open: whoever finds that the file is not what it was goes on under
    another key, so that nothing of either is lost.
    """

    def __init__(self, bus: Bus, folder: Path, wanted: Callable[[], bool]) -> None:
        self._bus = bus
        self._folder = folder
        self._wanted = wanted
        self._stamps: dict[str, _Stamp] = {}
        """What the files were when this process last read or wrote them."""
        self._seen: dict[str, tuple[_Stamp, Listed]] = {}
        self._waiting: dict[str, Conversation] = {}
        self._writer: asyncio.Task[None] | None = None
        self.current = Conversation(_new_key())
        """The one that is open."""

    def begin(self) -> Conversation:
        """Open a new one; it is kept once something was asked in it."""
        self.current = Conversation(_new_key())
        return self.current

    async def listed(self) -> tuple[Listed, ...]:
        """Every one that is kept, the one that was asked last at the front."""
        await self.flush()
        listed, problems = await asyncio.to_thread(self._list)
        for problem in problems:
            self._bus.say(SOURCE, str(problem), Severity.WARNING)
        return listed

    async def containing(self, text: str) -> frozenset[str]:
        """The keys of those in which a prompt or an answer has `text`, in whatever case."""
        await self.flush()
        return await asyncio.to_thread(self._search, text.casefold())

    async def reopen(self) -> Conversation:
        """Open the one that was written last; a new one where none is kept."""
        newest = await asyncio.to_thread(self._newest) if self._wanted() else None
        if newest is not None:
            try:
                conversation = await self.read(newest)
            except Problem as problem:
                self._bus.say(SOURCE, str(problem), Severity.WARNING)
            else:
                # A person may have asked something meanwhile.
                self.current = self.current if self.current.turns else conversation
        return self.current

    async def open(self, key: str) -> Conversation:
        """Open one that is kept.

        Raises:
            Problem: it cannot be read; a damaged file is moved aside.
        """
        if key != self.current.key:
            self.current = await self.read(key)
        return self.current

    async def read(self, key: str) -> Conversation:
        """One that is kept, without opening it.

        Raises:
            Problem: it cannot be read; a damaged file is moved aside.
        """
        if key == self.current.key:
            return self.current
        await self.flush()
        stamp, conversation = await asyncio.to_thread(self._read, key)
        self._stamps[key] = stamp
        return conversation

    def keep(self, conversation: Conversation) -> None:
        """Write it soon; one without a key or a turn is nothing to keep."""
        if not (conversation.key and conversation.turns and self._wanted()):
            return
        self._waiting[conversation.key] = conversation
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all(), name="keep conversations")

    async def flush(self) -> None:
        """Wait until all that is to be kept is on disk."""
        if self._writer is not None:
            await asyncio.shield(self._writer)

    async def rename(self, key: str, title: str) -> None:
        """Give one a title.

        Raises:
            Problem: it cannot be read.
        """
        conversation = await self.read(key)
        conversation.title = " ".join(title.split())
        self.keep(conversation)

    async def remove(self, key: str) -> Callable[[], Awaitable[None]]:
        """Take one away; returns the way to bring it back. Where it was open, a new one is.

        Raises:
            Problem: it cannot be removed.
        """
        conversation = await self.read(key)
        await self.flush()
        await asyncio.to_thread(self._remove, key)
        if key == self.current.key:
            self.begin()

        async def bring_back() -> None:
            self.keep(conversation)
            await self.flush()

        return bring_back

    async def _write_all(self) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            conversation = self._waiting.pop(key)
            try:
                await self._write(conversation)
            except Problem as problem:
                self._bus.say(SOURCE, f"not kept: {problem}", Severity.ERROR)
            else:
                self._bus.publish(ConversationKept())

    async def _write(self, conversation: Conversation) -> None:
        content = encode(conversation)
        if await asyncio.to_thread(self._write_file, conversation.key, content):
            return
        heading = conversation.heading
        conversation.key, conversation.title = _new_key(), f"{heading} (2)"
        self._bus.say(
            SOURCE,
            f"'{heading}' was changed by another console; here it goes on as '{conversation.title}'",
            Severity.WARNING,
        )
        await asyncio.to_thread(self._write_file, conversation.key, encode(conversation))

    def _write_file(self, key: str, content: bytes) -> bool:
        """Whether it was written: not where another process has changed the file since we saw it."""
        path = self._path(key)
        with locked(self._folder / "all"):
            stamp = _stamp(path)
            if stamp is not None and stamp != self._stamps.get(key):
                return False
            write_private(path, content)
            self._remember(key)
        return True

    def _read(self, key: str) -> tuple[_Stamp, Conversation]:
        path = self._path(key)
        stamp = _stamp(path)
        if stamp is None:
            raise Problem("That conversation is not there any more.", "Another console has removed it.")
        try:
            return stamp, decode(read_small(path, LIMIT), key)
        except OSError as error:
            raise Problem(f"The conversation {path} cannot be read: {error.strerror}.") from None
        except NewerConversation:
            raise Problem(
                f"The conversation {path} was written by a newer version of this program.",
                "Use that version.",
            ) from None
        except NoConversation as why:
            raise _set_aside(path, why) from None

    def _remove(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise Problem(f"{self._path(key)} cannot be removed: {error.strerror}.") from None
        self._stamps.pop(key, None)

    def _list(self) -> tuple[tuple[Listed, ...], list[Problem]]:
        listed, problems = [], []
        for path in self._paths():
            try:
                listed.append(self._look_at(path))
            except Problem as problem:
                problems.append(problem)
        return tuple(sorted(listed, key=lambda each: each.asked, reverse=True)), problems

    def _look_at(self, path: Path) -> Listed:
        seen = self._seen.get(path.stem)
        if seen is None or seen[0] != _stamp(path):
            stamp, conversation = self._read(path.stem)
            seen = self._seen[path.stem] = (stamp, _listed(conversation))
        return seen[1]

    def _search(self, folded: str) -> frozenset[str]:
        found = set()
        for path in self._paths():
            with suppress(Problem):
                if _has(self._read(path.stem)[1], folded):
                    found.add(path.stem)
        return frozenset(found)

    def _newest(self) -> str | None:
        stamps = ((_stamp(path), path.stem) for path in self._paths())
        return max(((stamp[1], key) for stamp, key in stamps if stamp is not None), default=(0, None))[1]

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _remember(self, key: str) -> None:
        stamp = _stamp(self._path(key))
        if stamp is not None:
            self._stamps[key] = stamp


def _set_aside(path: Path, why: NoConversation) -> Problem:
    try:
        aside = move_aside(path)
    except OSError as error:
        return Problem(f"The conversation {path} is damaged ({why}), and cannot be moved: {error.strerror}.")
    return Problem(f"The conversation {path} was damaged ({why}).", f"It is now {aside}.")


def _has(conversation: Conversation, folded: str) -> bool:
    said = (text for turn in conversation.turns for text in (turn.prompt, turn.text))
    return any(folded in text.casefold() for text in (conversation.title, *said))


def _listed(conversation: Conversation) -> Listed:
    turns = conversation.turns
    last = turns[-1] if turns else Turn("", "", asked=datetime.min.replace(tzinfo=UTC))
    return Listed(conversation.key, conversation.heading, len(turns), last.model, last.asked)


def _stamp(path: Path) -> _Stamp | None:
    """What changes whenever a file is replaced; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _new_key() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
