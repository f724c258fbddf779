"""A conversation, and the stream of one answer to it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from app.core.routing import Route
from app.text.answer import AnswerPart, Delta, Finish, Message, Thinking, Timings

_USING = re.compile(r"^(?P<prompt>.*\S)\s+using\s+(?P<model>\S+)\s*$", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of one answer, as measured; None where nothing was."""

    ttft_s: float | None
    """From sending the prompt to the first piece of the answer."""
    tokens: int | None
    tokens_per_s: float | None
    prompt_tokens: int | None = None
    prompt_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """First part of every answer: where the prompt goes, and why."""

    route: Route


@dataclass(frozen=True, slots=True)
class Answered:
    """Last part of every whole answer."""

    measured: Measured
    finish: Finish


ChatPart = Routed | AnswerPart | Answered


@dataclass(slots=True)
class Turn:
    """One prompt and its answer, which may still be growing, cut short or missing."""

    prompt: str
    model: str
    route: Route | None = None
    answer: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    measured: Measured | None = None
    ending: str = ""
    """Why the answer is not whole: `cancelled`, or what broke it; empty where it is whole."""

    @property
    def text(self) -> str:
        """The answer as far as it has come."""
        return "".join(self.answer)


class Conversation:
    """The turns so far."""

    def __init__(self, system: str | None = None) -> None:
        self._system = system
        self.turns: list[Turn] = []

    def begin(self, prompt: str, model: str) -> Turn:
        """Add a turn that has no answer yet."""
        turn = Turn(prompt, model)
        self.turns.append(turn)
        return turn

    def messages(self, system: str | None = None) -> tuple[Message, ...]:
        """What a program is sent: the system prompt, every turn that got an answer, and the newest prompt.

        `system` is the model's own system prompt, used where the person has set none.
        """
        first = self._system or system
        said = [Message("system", first)] if first else []
        for turn in self.turns[:-1]:
            if turn.text:
                said += [Message("user", turn.prompt), Message("assistant", turn.text)]
        return (*said, Message("user", self.turns[-1].prompt))

    def clear(self) -> None:
        """Forget every turn."""
        self.turns.clear()


class Stopwatch:
    """Measures an answer as its parts pass by."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent = clock()
        self._first: float | None = None

    def sent(self) -> None:
        """The prompt is being sent now."""
        self._sent = self._clock()

    def passes(self, part: AnswerPart) -> None:
        """Note the time of the first piece of the answer."""
        if self._first is None and isinstance(part, Delta | Thinking):
            self._first = self._clock() - self._sent

    def measured(self, timings: Timings) -> Measured:
        """The numbers, once the answer is whole."""
        return Measured(
            self._first,
            timings.tokens,
            _rate(timings.tokens, timings.generation_s),
            timings.prompt_tokens,
            _rate(timings.prompt_tokens, timings.prompt_s),
        )


def split_using(prompt: str, known: Iterable[str]) -> tuple[str, str | None]:
    """Take a trailing `using MODEL` off a prompt, where MODEL is a known name; else the prompt as it is."""
    match = _USING.match(prompt)
    if match is None or match["model"] not in set(known):
        return prompt, None
    return match["prompt"], match["model"]


def _rate(count: int | None, seconds: float | None) -> float | None:
    return count / seconds if count is not None and seconds else None
