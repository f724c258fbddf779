"""The one form of a streamed answer, whichever program it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.text.problem import Problem

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A further piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A further piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """How much of the prompt has been read, in tokens."""

    processed: int
    total: int


@dataclass(frozen=True, slots=True)
class Timings:
    """What the program that answered measured; None where it did not say."""

    prompt_tokens: int | None
    prompt_s: float | None
    tokens: int | None
    """Tokens generated."""
    generation_s: float | None
    load_s: float | None = None
    """Time that the model took to load for this answer."""
    cached_tokens: int | None = None
    """Tokens of the prompt that were in memory already; `prompt_tokens` are the others."""


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    """The model was done."""
    LENGTH = "length"
    """The context or the token limit was reached."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The last part of every whole answer."""

    finish: Finish
    timings: Timings


AnswerPart = Delta | Thinking | PromptProgress | Finished


class Stage(StrEnum):
    """How far an answer had come when it broke."""

    BEFORE = "before"
    """Nothing of it had arrived: another node may be asked."""
    DURING = "during"
    """The program reported an error, or the connection broke, in the middle of it."""
    CUT_SHORT = "cut-short"
    """The stream ended as if all were well, but without its last part."""


class AnswerBroken(Problem):
    """An answer that did not end as it should."""

    def __init__(self, stage: Stage, sentence: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(sentence, remedy)
        self.stage = stage
        self.status = status
        """HTTP status where the program sent one."""
