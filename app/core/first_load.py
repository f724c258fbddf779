"""Whether a person is to see the plan before it is followed: a large model is loaded for the first time."""

from __future__ import annotations

from app.core.placement_history import PlacementHistory
from app.core.routing import Route


def is_of_a_large_model(route: Route, large_from: int) -> bool:
    """Whether the route has layers of a model put on backends that has more parameters than `large_from`."""
    parameters = route.model.facts.parameters
    return route.placement is not None and parameters is not None and parameters > large_from


def was_loaded_before(history: PlacementHistory, model: str) -> bool:
    """Whether a load of it is remembered; where nobody can tell, it is not. Blocks on the disk."""
    return any(each.model == model for each in history.known())
