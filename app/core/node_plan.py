"""Where the layers of a model would go that only an Ollama node has, if it were on this box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.core.backends import Backend
from app.core.models import Model
from app.core.planning import Change, Planned, Planning
from app.core.pool import Pool
from app.gguf.memory import needs_of_metadata
from app.text.problem import Problem


async def plan_of_node(
    model: Model, pool: Pool, planning: Planning, backends: Sequence[Backend], change: Change
) -> Planned:
    """A plan by what the first node that has the model tells of it, which is less than its file would.

    Raises:
        Problem: the node does not answer or does not tell enough, or nothing can be planned.
    """
    url = model.nodes[0]
    with pool.tending(url) as client:
        told = await client.show(model.name)
    if model.facts.size is None or not told.model_info:
        raise Problem(
            f"{url} does not tell what {model.name} needs.",
            f"Pull it on this box with 'ollama pull {model.name}' to have it planned.",
        )
    planned = await planning.plan_for(needs_of_metadata(told.model_info, model.facts.size), backends, change)
    told_by = (
        f"Estimated from what {url} tells, its weights taken to be spread evenly.",
        f"To be loaded it has to be on this box: 'ollama pull {model.name}'.",
    )
    return replace(planned, reasons=(*planned.reasons, *told_by))
