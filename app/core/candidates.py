"""Which placements of a model are worth trying: the planned one, and others that may be faster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

from app.core.backends import USABLE, Backend
from app.core.plan import Misfit, Plan, Split
from app.core.planning import AS_SET, Change, Planned
from app.text.problem import Problem
from app.text.units import bytes_text


@dataclass(frozen=True, slots=True)
class Candidate:
    """One placement to try."""

    name: str
    """What sets it apart, in a few words."""
    plan: Plan

    @property
    def where(self) -> str:
        """Its backends in their order, each with its layers: `10.0.0.2:50052 (40), 10.0.0.3:50052 (41)`."""
        return ", ".join(f"{backend} ({'+'.join(map(str, layers))})" for backend, layers in self.plan.split)


PlanWith = Callable[[Change], Awaitable[Planned]]
"""Plans the model with a change."""


async def candidates(planned: PlanWith, backends: Sequence[Backend], count: int) -> tuple[Candidate, ...]:
    """At most `count` placements, no two alike, the likeliest to be fast first; the first is the one as set.

    Each has the context of the first, so that they can be compared.

    Raises:
        Problem: the model fits nowhere, or what planning raises.
    """
    first = await planned(AS_SET)
    if isinstance(first, Misfit):
        raise Problem(
            f"The model does not fit: {bytes_text(first.short_by)} of it have no place.",
            "'plan MODEL' tells what would help.",
        )
    found = {first.split: Candidate("as planned", first)}
    for name, change in _changes(first, backends):
        if len(found) >= count:
            break
        other = await planned(change)
        if isinstance(other, Plan):
            found.setdefault(other.split, Candidate(name, other))
    return tuple(found.values())


def _changes(first: Plan, backends: Iterable[Backend]) -> Iterator[tuple[str, Change]]:
    """What could be otherwise; some of it may not fit, or be the same as something before."""
    usable = sorted((b for b in backends if b.enabled and b.state in USABLE), key=lambda b: b.address)
    alike = Change(context=first.context)
    yield "all backends", replace(alike, every=True)
    yield "fewest backends", replace(alike, only=frozenset(backend.address for backend in usable))
    if usable:
        largest = max(usable, key=lambda backend: (backend.free_bytes or 0, -_link(backend)))
        yield "largest backend alone", replace(alike, only=frozenset({largest.address}))
    used = [backend for backend in usable if backend.address in first.backends]
    for backend in sorted(used, key=_link, reverse=True):
        yield f"without {backend.address}", replace(alike, left_out=frozenset({backend.address}))
    yield "equal parts", replace(alike, split=_equal_parts(first))
    yield "other order", replace(alike, split=tuple(reversed(first.split)))


def _link(backend: Backend) -> float:
    """Milliseconds; one that was not measured counts as the slowest."""
    return inf if backend.latency_ms is None else backend.latency_ms


def _equal_parts(plan: Plan) -> Split:
    """As many layers on each device that has any."""
    used = sum(layers > 0 for layers in plan.tensor_split)
    each, rest = divmod(sum(plan.tensor_split), used)
    parts = iter(each + (place < rest) for place in range(used))
    return tuple(
        (backend, tuple(next(parts) if count else 0 for count in layers)) for backend, layers in plan.split
    )
