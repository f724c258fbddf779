"""How fast a model was when it was last placed as it is planned now."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.placement_history import PastPlacement
from app.core.plan import Plan


def past_rate(past: Iterable[PastPlacement], model: str, plan: Plan) -> float | None:
    """Tokens generated per second in the newest of these loads, which come newest first; None: none tells.

    Only loads with the same layers on the same devices count, in the same order.
    """
    planned = [(str(row.backend), row.device, row.layers) for row in plan.rows]
    return next(
        (
            load.generation_rate
            for load in past
            if load.model == model
            and load.generation_rate is not None
            and [(held.backend, held.device, held.planned.layers) for held in load.devices] == planned
        ),
        None,
    )
