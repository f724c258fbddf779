"""A conversation as a file for people and programs: Markdown, or JSON in the form in which it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from app.config.disk import write_new
from app.core.chat import Conversation, Turn
from app.core.conversation_file import encode
from app.text.problem import Problem


async def export(conversation: Conversation, path: Path) -> None:
    """Write it to a new file; whether as Markdown or JSON, its suffix says.

    Raises:
        Problem: the suffix is another one, the file exists already, or cannot be written.
    """
    match path.suffix:
        case ".md":
            content = as_markdown(conversation).encode()
        case ".json":
            content = encode(conversation)
        case other:
            what = f"with '{other}'" if other else "without a suffix"
            raise Problem(f"{path} is a name {what}.", "End it in .md for Markdown, in .json for JSON.")
    await asyncio.to_thread(write_new, path, content)


def as_markdown(conversation: Conversation) -> str:
    """The turns under their headings; the answers as they came, for they are Markdown themselves."""
    return "\n".join(_lines(conversation))


def _lines(conversation: Conversation) -> Iterator[str]:
    yield f"# {conversation.heading}\n"
    if conversation.system:
        yield f"## System\n\n{conversation.system}\n"
    for turn in conversation.turns:
        yield f"## You, {turn.asked:%Y-%m-%d %H:%M} UTC\n\n{turn.question}\n"
        yield f"## {turn.model}\n"
        if about := ", ".join(_about(turn)):
            yield f"*{about}*\n"
        if turn.text:
            yield f"{turn.text}\n"
        if turn.ending:
            yield f"*Ended early: {turn.ending}*\n"


def _about(turn: Turn) -> Iterator[str]:
    if turn.route is not None:
        yield turn.route.summary
    if turn.measured is not None:
        yield from turn.measured.words
