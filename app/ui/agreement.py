"""Before a large model is loaded for the first time, a person sees where its layers would go, and agrees."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from app.core.chat import ChatPart, Conversation, Routed, RouteTaken, Turn
from app.core.cluster import Cluster
from app.core.plan import Plan
from app.core.routing import Route
from app.text.problem import Problem
from app.ui.screens.plan import PlanScreen

if TYPE_CHECKING:
    from textual.app import App

_BECAUSE = "It is loaded for the first time: enter loads it by this plan, esc does not load it."


async def agreed_plan(app: App[None], cluster: Cluster, route: Route) -> Plan | None:
    """The plan by which a person wants the model of a planned route loaded; None where not at all."""
    assert route.placement is not None, "only a plan can be agreed to"
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
            if isinstance(part, Routed) and await cluster.dispatcher.is_first_load(part.route):
                plan = await agreed_plan(app, cluster, part.route)
                if plan is None:
                    return
                await _start(cluster, conversation.turns[-1], plan)
            yield part


async def _start(cluster: Cluster, turn: Turn, plan: Plan) -> None:
    try:
        turn.route = RouteTaken.of(await cluster.dispatcher.route_of_start(turn.model, plan))
        await cluster.dispatcher.start(turn.model, plan)
    except Problem as problem:
        turn.ending = str(problem)
        raise
