"""A conversation, and the stream of one answer to it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from app.config.sampling import SamplingSettings
from app.core.routing import Route, Target
from app.text.answer import AnswerPart, Delta, Finish, Message, Thinking, Timings
from app.text.units import UNKNOWN, duration_text, rate_text

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
    context_used: int | None = None
    """Tokens of context that are in use once the answer is whole."""
    context: int | None = None
    """Tokens that there are."""

    @property
    def words(self) -> tuple[str, ...]:
        """Each number in a few words: `TTFT 0.4 s`, `11.4 t/s`, `prompt 120 t/s`, `context 512 of 8,192`."""
        words = [f"TTFT {duration_text(self.ttft_s)}", rate_text(self.tokens_per_s)]
        if self.prompt_per_s is not None:
            words.append(f"prompt {rate_text(self.prompt_per_s)}")
        if self.context_used is not None:
            total = UNKNOWN if self.context is None else f"{self.context:,}"
            words.append(f"context {self.context_used:,} of {total}")
        return tuple(words)


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


CANCELLED = "cancelled"
"""How a turn ends whose answer nobody waited for."""
HEADING_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file that goes with a prompt."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class RouteTaken:
    """What is kept of the route of a prompt: where it went, and why."""

    target: Target | None
    node: str | None
    summary: str
    reasons: tuple[str, ...]

    @classmethod
    def of(cls, route: Route) -> Self:
        """The part of a route that is still true when everything has changed."""
        return cls(route.target, route.node, route.summary, route.reasons)


@dataclass(slots=True)
class Turn:
    """One prompt and its answer, which may still be growing, cut short or missing."""

    prompt: str
    model: str
    attachments: tuple[Attachment, ...] = ()
    asked: datetime = field(default_factory=lambda: datetime.now(UTC))
    route: RouteTaken | None = None
    answer: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    measured: Measured | None = None
    finish: Finish | None = None
    """Why the answer ended, where it is whole."""
    ending: str = ""
    """Why the answer is not whole: CANCELLED, or what broke it; empty where it is whole."""

    @property
    def text(self) -> str:
        """The answer as far as it has come."""
        return "".join(self.answer)

    @property
    def question(self) -> str:
        """The prompt as a model gets it: after the files that go with it."""
        files = [f"File {each.name}:\n\n{_fenced(each.text)}\n" for each in self.attachments]
        return "\n".join((*files, self.prompt))


@dataclass(slots=True)
class Conversation:
    """The turns so far, and what was said for all of them."""

    key: str = ""
    """What it is kept by; empty for one that nobody keeps."""
    title: str = ""
    """As a person has named it."""
    system: str | None = None
    """Its own system prompt."""
    options: SamplingSettings = field(default_factory=SamplingSettings)
    """What was said for it alone about how models choose their words."""
    turns: list[Turn] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """Its title, else how it began; nothing in it that a terminal would obey."""
        began = " ".join(self.turns[0].prompt[: 4 * HEADING_LENGTH].split()) if self.turns else ""
        short = began if len(began) <= HEADING_LENGTH else f"{began[: HEADING_LENGTH - 1]}…"
        return "".join(char for char in self.title or short if char.isprintable())

    def begin(self, prompt: str, model: str, attachments: tuple[Attachment, ...] = ()) -> Turn:
        """Add a turn that has no answer yet."""
        # A lone surrogate, which a terminal can send, could be neither kept nor sent.
        sendable = prompt.encode("utf-8", "replace").decode()
        turn = Turn(sendable, model, attachments, ending=CANCELLED)
        self.turns.append(turn)
        return turn

    def messages(self, system: str | None = None) -> tuple[Message, ...]:
        """What a program is sent: the system prompt, every turn that got an answer, and the newest one.

        What the newest turn has of an answer is sent too, and the model goes on from there. `system` is used
        where the conversation has no system prompt of its own.
        """
        first = self.system or system
        said = [Message("system", first)] if first else []
        *earlier, newest = self.turns
        for turn in earlier:
            if turn.text:
                said += [Message("user", turn.question), Message("assistant", turn.text)]
        said.append(Message("user", newest.question))
        if newest.text:
            said.append(Message("assistant", newest.text))
        return tuple(said)


class Stopwatch:
    """Measures an answer as its parts pass by."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent = clock()
        self._first: float | None = None
        self._context: Callable[[], int | None] = lambda: None

    def sent(self, context: Callable[[], int | None] = lambda: None) -> None:
        """The prompt is being sent now, to a program that has `context` tokens once it has answered."""
        self._sent = self._clock()
        self._context = context

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
            _used(timings),
            self._context(),
        )


def split_using(prompt: str, known: Iterable[str]) -> tuple[str, str | None]:
    """Take a trailing `using MODEL` off a prompt, where MODEL is a known name; else the prompt as it is."""
    match = _USING.match(prompt)
    if match is None or match["model"] not in set(known):
        return prompt, None
    return match["prompt"], match["model"]


def _used(timings: Timings) -> int | None:
    if timings.prompt_tokens is None or timings.tokens is None:
        return None
    return (timings.cached_tokens or 0) + timings.prompt_tokens + timings.tokens


def _fenced(text: str) -> str:
    """A block of code that no fence in the text itself can end."""
    longest = max((len(run) for run in re.findall(r"^\s*(`{3,})", text, re.MULTILINE)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.rstrip(chr(10))}\n{fence}"


def _rate(count: int | None, seconds: float | None) -> float | None:
    return count / seconds if count is not None and seconds else None
