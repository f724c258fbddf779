"""Before a large model is loaded for the first time, a person sees where its layers would go, and agrees."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from app.core.chat import ChatPart, Conversation, Routed
from app.core.cluster import Cluster
from app.core.planning import AS_SET, Change
from app.core.routing import Route
from app.text.problem import Problem
from app.ui.screens.plan import PlanScreen

if TYPE_CHECKING:
    from textual.app import App

_BECAUSE = "It is loaded for the first time: enter loads it by this plan, esc does not load it."


async def agreed(app: App[None], cluster: Cluster, route: Route) -> Change | None:
    """How the model of a route is to be loaded; None where a person does not want it."""
    if route.placement is None or not await cluster.is_first_load(route):
        return AS_SET
    return await app.push_screen_wait(PlanScreen(cluster, route.model, route.placement, _BECAUSE))


async def answer_if_agreed(
    app: App[None], cluster: Cluster, conversation: Conversation
) -> AsyncGenerator[ChatPart]:
    """Stream the answer to the newest turn; where a person does not agree, it is cancelled.

    Raises:
        Problem: what Cluster.answer and Cluster.start raise.
    """
    async with aclosing(cluster.answer(conversation)) as parts:
        async for part in parts:
            if isinstance(part, Routed):
                change = await agreed(app, cluster, part.route)
                if change is None:
                    return
                if change != AS_SET:
                    await _start(cluster, conversation, change)
            yield part


async def _start(cluster: Cluster, conversation: Conversation, change: Change) -> None:
    turn = conversation.turns[-1]
    try:
        await cluster.start(turn.model, change)
    except Problem as problem:
        turn.ending = str(problem)
        raise
