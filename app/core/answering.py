"""One prompt on its way: routed, sent to the side that was chosen, streamed back."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial

from app.config.settings import ChatSettings
from app.core.chat import CANCELLED, Answered, ChatPart, Conversation, Routed, RouteTaken, Stopwatch
from app.core.coordinator import Coordinator
from app.core.coordinator_status import CoordinatorState
from app.core.pool import Pool
from app.core.routing import Route, Target
from app.core.sampling import for_llama, spoken
from app.core.tenancy import CHANCES, Overtaken
from app.text.answer import AnswerBroken, AnswerPart, Delta, Finished, Stage, Thinking
from app.text.problem import Problem

_LOG = logging.getLogger(__name__)
_CALLERS_FAULT = range(400, 500)
_NOT_FOUND = 404


class NoRoute(Problem):
    """Nothing here can answer for the model."""

    def __init__(self, route: Route) -> None:
        super().__init__(f"Nothing here can answer for {route.model.name}: {' '.join(route.reasons[2:])}")
        self.route = route


class Answering:
    """Answers prompts: asks for a route, then the pool or a coordinator."""

    def __init__(
        self,
        route: Callable[[str], Awaitable[Route]],
        pool: Pool,
        coordinator: Callable[[Route], Awaitable[Coordinator]],
        settings: ChatSettings,
    ) -> None:
        self._route = route
        self._pool = pool
        self._coordinator = coordinator
        self.settings = settings

    async def answer(self, conversation: Conversation) -> AsyncGenerator[ChatPart]:
        """Stream the answer to the newest turn; one that has begun goes on from there.

        What arrived stays in the turn, however the answer ends; closing the stream cancels it.

        Raises:
            Problem: no route, no coordinator, or a broken answer; the turn's `ending` says the same.
        """
        turn = conversation.turns[-1]
        turn.ending, turn.finish = CANCELLED, None
        try:
            for chances in reversed(range(CHANCES)):
                route = await self._route(turn.model)
                turn.route = RouteTaken.of(route)
                yield Routed(route)
                try:
                    async with aclosing(self._stream(route, conversation)) as parts:
                        async for part in parts:
                            yield part
                    return
                except Overtaken:
                    if not chances:
                        raise
        except Problem as problem:
            _LOG.info("no whole answer of %s: %s", turn.model, problem)
            turn.ending = str(problem)
            raise

    async def _stream(self, route: Route, conversation: Conversation) -> AsyncGenerator[ChatPart]:
        turn, stopwatch = conversation.turns[-1], Stopwatch()
        async with aclosing(self._parts(route, conversation, stopwatch)) as parts:
            async for part in parts:
                stopwatch.passes(part)
                match part:
                    case Delta(text):
                        turn.answer.append(text)
                    case Thinking(text):
                        turn.thinking.append(text)
                    case Finished(finish, timings):
                        turn.measured = stopwatch.measured(timings)
                        turn.ending, turn.finish = "", finish
                        yield Answered(turn.measured, finish)
                        return
                yield part
        raise AnswerBroken(Stage.CUT_SHORT, "The answer ended without its last part.", "Ask again.")

    async def _parts(
        self, route: Route, conversation: Conversation, stopwatch: Stopwatch
    ) -> AsyncGenerator[AnswerPart]:
        if route.target is Target.OLLAMA:
            parts = self._from_pool(route, conversation, stopwatch)
        elif route.target is Target.COORDINATOR:
            parts = self._from_coordinator(route, conversation, stopwatch)
        else:
            raise NoRoute(route)
        async with aclosing(parts):
            async for part in parts:
                yield part

    async def _from_coordinator(
        self, route: Route, conversation: Conversation, stopwatch: Stopwatch
    ) -> AsyncGenerator[AnswerPart]:
        coordinator = await self._coordinator(route)
        messages = conversation.messages(self.settings.system or route.model.system)
        options = for_llama({**route.model.options, **self._said(conversation)})
        stopwatch.sent(lambda: coordinator.status.context)
        try:
            async with aclosing(coordinator.answer(messages, options, self.settings.idle_timeout_s)) as parts:
                async for part in parts:
                    yield part
        except AnswerBroken as broken:
            raise await true_cause(coordinator, broken) from broken

    async def _from_pool(
        self, route: Route, conversation: Conversation, stopwatch: Stopwatch
    ) -> AsyncGenerator[AnswerPart]:
        """Ask the best node, and the next one only while nothing of the answer has arrived."""
        messages, options = conversation.messages(self.settings.system), self._said(conversation)
        broken: AnswerBroken | None = None
        for node in self._pool.candidates(route.model.name):
            named = node.model(route.model.name)
            assert named is not None, "candidates have the model"
            stopwatch.sent(partial(self._pool.context, node.url, named.name))
            try:
                with self._pool.asking(node.url) as client:
                    async with aclosing(client.chat(named.name, messages, options=options)) as parts:
                        async for part in parts:
                            yield part
                return
            except AnswerBroken as reason:
                if reason.stage is not Stage.BEFORE or _is_callers_fault(reason):
                    raise
                broken = reason
        raise broken or NoRoute(route)

    def _said(self, conversation: Conversation) -> Mapping[str, object]:
        """The options that a person has set: what the model itself has, its node adds by itself."""
        return {**spoken(self.settings.options), **spoken(conversation.options)}


def _is_callers_fault(broken: AnswerBroken) -> bool:
    """Whether another node would refuse too."""
    return broken.status in _CALLERS_FAULT and broken.status != _NOT_FOUND


async def true_cause(coordinator: Coordinator, broken: AnswerBroken) -> AnswerBroken:
    """What to tell of a stream that broke: where its coordinator has ended, why that was."""
    status = await coordinator.settled()
    if status.failure is not None:
        return AnswerBroken(broken.stage, status.failure.cause, status.failure.remedy)
    if status.state in (CoordinatorState.STOPPING, CoordinatorState.STOPPED):
        return AnswerBroken(broken.stage, "The coordinator was stopped.", "Ask again to start it anew.")
    return broken
