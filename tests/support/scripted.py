"""Answers by a script: the core's own way of answering, with a coordinator that says what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import cast

from app.core.answering import Answering
from app.core.cluster import Cluster
from app.core.coordinator import Coordinator
from app.core.coordinator_status import CoordinatorState, CoordinatorStatus
from app.core.facts import ModelFacts
from app.core.models import Model, Source
from app.core.routing import Route, Target
from app.text.address import Address
from app.text.answer import AnswerPart, Delta, Finish, Finished, Message, Timings

REASONS = (
    "llama3.1:405b has 405B parameters (228 GiB, Q4_K_M), as its GGUF header says.",
    "Above 70B: distributed.",
)


class Script:
    """What the coordinator says: parts, a Problem to raise, or an event to wait for."""

    def __init__(self, *steps: AnswerPart | Exception | asyncio.Event) -> None:
        self.steps: Iterable[AnswerPart | Exception | asyncio.Event] = steps
        self.asked: list[tuple[Message, ...]] = []
        self.options: Mapping[str, object] = {}
        """What was asked for last."""
        self.closed = 0
        """How often a stream was closed, whether at its end or before."""
        self.status = CoordinatorStatus(CoordinatorState.READY, "llama3.1:405b", context=8192)

    async def answer(
        self, messages: Sequence[Message], options: Mapping[str, object], idle_s: float
    ) -> AsyncGenerator[AnswerPart]:
        """Follow the script."""
        self.asked.append(tuple(messages))
        self.options = options
        try:
            for step in self.steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
        finally:
            self.closed += 1

    async def settled(self) -> CoordinatorStatus:
        """It is still there."""
        return self.status


def answer_with(cluster: Cluster, *steps: AnswerPart | Exception | asyncio.Event) -> Script:
    """Let every prompt be answered by a script."""
    script = Script(*steps)

    async def route(name: str) -> Route:
        model = Model(name, Source.PATH, ModelFacts(parameters=405_000_000_000))
        backends = tuple(Address(f"127.0.1.{n}", 50052) for n in (11, 12, 13))
        return Route(model, Target.COORDINATOR, None, backends, REASONS)

    async def coordinator(_route: Route) -> Coordinator:
        return cast("Coordinator", script)

    cluster._answering = Answering(route, cluster.pool, coordinator, cluster.settings.chat)
    return script


def whole(text: str, tokens: int = 57, seconds: float = 5.0) -> list[AnswerPart]:
    """An answer that comes word by word and ends as it should."""
    words = [Delta(part) for part in text.splitlines(keepends=True)]
    return [*words, Finished(Finish.STOP, Timings(18, 0.1, tokens, seconds))]
