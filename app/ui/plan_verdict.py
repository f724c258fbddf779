"""What stands over a plan: the model, its context, whether it fits, and what the links add to each token."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from app.core.coordinator_status import CoordinatorStatus
from app.core.models import Model
from app.core.plan import Misfit, Plan
from app.core.planning import Change, Planned
from app.core.what_if import taken
from app.text.units import (
    UNKNOWN,
    bytes_text,
    count_text,
    duration_text,
    milliseconds_text,
    plural,
    rate_text,
)
from app.ui.plain import plain_line


def facts(model: Model, planned: Planned) -> str:
    """The size of the model, and the context that it is planned for."""
    of_model = model.facts
    trained = UNKNOWN if of_model.context is None else f"{of_model.context:,}"
    cache = planned.k if planned.k == planned.v else f"K {planned.k}, V {planned.v}"
    said = (
        count_text(of_model.parameters),
        bytes_text(of_model.size),
        of_model.quantization or UNKNOWN,
        f" context {planned.context:,} (trained {trained})",
        f" cache {cache}",
    )
    return plain_line("  ".join(said))


def verdict(planned: Planned, change: Change, loaded: CoordinatorStatus | None) -> Content:
    """Whether it fits, or runs; where it does not, what would help, with the keys that try that."""
    if isinstance(planned, Misfit):
        short = f"does not fit: {bytes_text(planned.short_by)} of it have no place"
        lines = [Content.styled(short, "$text-error"), *_nearest(planned, change)]
        return Content("\n").join(lines)
    if planned.short_by:
        short = f"does not fit by {bytes_text(planned.short_by)}, and is placed all the same"
        return Content.assemble((short, "$text-error"), f" · {_links(planned)}")
    fits = f"fits on {plural(len(planned.backends), 'backend')}"
    if loaded is not None:
        took = "" if loaded.ready_in_s is None else f", ready in {duration_text(loaded.ready_in_s)}"
        fits = f"● runs by this plan{took}"
    rate = "" if planned.past_rate is None else f" · {rate_text(planned.past_rate)} last time"
    return Content.assemble((fits, "$text-success"), f" · {_links(planned)}{rate}")


def _links(plan: Plan) -> str:
    added = plan.round_trips_ms
    if added is None:
        return f"links add {UNKNOWN} a token: one was not measured"
    return f"links add ≥ {milliseconds_text(added)} ms a token"


def _nearest(misfit: Misfit, change: Change) -> Iterator[Content]:
    key = 0
    for suggestion in misfit.nearest:
        takable = taken(change, suggestion) is not None
        key += takable
        yield Content.assemble((f"{key if takable else ' '} ", "$text-accent"), plain_line(str(suggestion)))
