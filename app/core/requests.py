"""The last requests of a coordinator, as its log tells of them, whoever asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.core.events import CoordinatorChange
from app.llama.log import LogLine
from app.llama.log_facts import (
    GenerationTiming,
    LogFact,
    PromptTiming,
    RequestCancelled,
    RequestReleased,
    RequestStarted,
)

REQUESTS_KEPT = 100


class RequestState(StrEnum):
    """How far a request is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; times are seconds, and None for what the log did not tell."""

    task: int
    """Its number at the coordinator."""
    slot: int
    state: RequestState = RequestState.RUNNING
    began_s: float | None = None
    """Since the coordinator started."""
    took_s: float | None = None
    prompt_tokens: int | None = None
    """Those that were read; what was in the cache does not count."""
    prompt_s: float | None = None
    generated: int | None = None
    generation_s: float | None = None
    context: int | None = None
    """Tokens of context in use at its end."""

    @property
    def prompt_rate(self) -> float | None:
        """Tokens of the prompt per second."""
        return _rate(self.prompt_tokens, self.prompt_s)

    @property
    def generation_rate(self) -> float | None:
        """Generated tokens per second."""
        return _rate(self.generated, self.generation_s)


@dataclass(frozen=True, slots=True)
class RequestsChanged(CoordinatorChange):
    """The last requests are these, the newest at the end."""

    requests: tuple[Request, ...]


class Requests:
    """Puts what single lines say together."""

    def __init__(self) -> None:
        self._by_task: dict[int, Request] = {}
        self._cancelled: set[int] = set()

    @property
    def latest(self) -> tuple[Request, ...]:
        """The newest at the end."""
        return tuple(self._by_task.values())

    def take(self, line: LogLine, fact: LogFact) -> bool:
        """Learn from a line; whether it was about a request."""
        match fact:
            case RequestStarted(slot, task):
                self._by_task[task] = Request(task, slot, began_s=line.time_s)
                for old in list(self._by_task)[:-REQUESTS_KEPT]:
                    del self._by_task[old]
                self._cancelled &= self._by_task.keys()
            case PromptTiming(_, task, tokens, seconds):
                self._change(task, prompt_tokens=tokens, prompt_s=seconds)
            case GenerationTiming(_, task, tokens, seconds):
                self._change(task, generated=tokens, generation_s=seconds)
            case RequestCancelled(task):
                self._cancelled.add(task)
            case RequestReleased(_, task, tokens):
                self._end(task, tokens, line.time_s)
            case _:
                return False
        return True

    def break_off(self) -> bool:
        """The coordinator has ended, so nothing runs any more; whether anything did."""
        running = [r.task for r in self._by_task.values() if r.state is RequestState.RUNNING]
        for task in running:
            self._change(task, state=RequestState.CANCELLED)
        return bool(running)

    def _end(self, task: int, context: int, at: float | None) -> None:
        request = self._by_task.get(task)
        if request is not None:
            took = None if at is None or request.began_s is None else at - request.began_s
            state = RequestState.CANCELLED if task in self._cancelled else RequestState.DONE
            self._change(task, state=state, took_s=took, context=context)

    def _change(self, task: int, **changed: object) -> None:
        if task in self._by_task:
            self._by_task[task] = replace(self._by_task[task], **changed)  # type: ignore[arg-type]  # by name


def _rate(tokens: int | None, seconds: float | None) -> float | None:
    return tokens / seconds if tokens and seconds else None
