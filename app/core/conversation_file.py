"""The form in which a conversation is kept and exported. Keys may be added, never renamed or removed."""

from __future__ import annotations

from datetime import datetime

import msgspec

from app.config.sampling import SamplingSettings
from app.core.chat import Attachment, Conversation, Measured, RouteTaken, Turn
from app.core.sampling import spoken
from app.text.answer import Finish

VERSION = 1


class NoConversation(ValueError):  # noqa: N818  what the sentences call it
    """Bytes that are no conversation, and why."""


class NewerConversation(ValueError):  # noqa: N818  what the sentences call it
    """A conversation that only a newer version of this program understands."""


class _Head(msgspec.Struct):
    version: int


class _Turn(msgspec.Struct, omit_defaults=True):
    prompt: str
    model: str
    asked: datetime
    attachments: tuple[Attachment, ...] = ()
    route: RouteTaken | None = None
    thinking: str = ""
    answer: str = ""
    measured: Measured | None = None
    finish: Finish | None = None
    ending: str = ""


class _File(msgspec.Struct, omit_defaults=True):
    version: int
    title: str = ""
    system: str | None = None
    options: SamplingSettings = SamplingSettings()
    turns: list[_Turn] = []


def encode(conversation: Conversation) -> bytes:
    """The conversation, in JSON that people can read."""
    turns = [
        _Turn(
            turn.prompt,
            turn.model,
            turn.asked,
            turn.attachments,
            turn.route,
            "".join(turn.thinking),
            turn.text,
            turn.measured,
            turn.finish,
            turn.ending,
        )
        for turn in conversation.turns
    ]
    file = _File(VERSION, conversation.title, conversation.system, turns=turns)
    content = {**msgspec.to_builtins(file), "options": spoken(conversation.options)}
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"


def decode(content: bytes, key: str) -> Conversation:
    """The conversation that is kept by `key`.

    Raises:
        NoConversation: the bytes are none.
        NewerConversation: they are one of a newer version.
    """
    try:
        if msgspec.json.decode(content, type=_Head).version > VERSION:
            raise NewerConversation
        file = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoConversation(str(error)) from None
    return Conversation(key, file.title, file.system, file.options, [_turn(kept) for kept in file.turns])


def _turn(kept: _Turn) -> Turn:
    return Turn(
        kept.prompt,
        kept.model,
        kept.attachments,
        kept.asked,
        kept.route,
        [kept.answer] if kept.answer else [],
        [kept.thinking] if kept.thinking else [],
        kept.measured,
        kept.finish,
        kept.ending,
    )
