"""One tenant per worker: where a further model goes beside those that run, and who makes way for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from app.core.coordinator_status import CoordinatorState, CoordinatorStatus
from app.core.memory import THIS_BOX, box_of
from app.core.placement import share_of
from app.core.plan import Plan, Taken
from app.core.planning import Planned
from app.text.address import Address
from app.text.problem import Problem

CHANCES = 3
"""So often it is decided anew where others were faster, before that is a Problem."""


class Overtaken(Problem):
    """What runs here has changed since it was decided who makes way."""

    def __init__(self) -> None:
        super().__init__("Another model was started, stopped or asked meanwhile.", "Try it again.")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A coordinator that runs, and what it has."""

    model: str
    backends: tuple[Address, ...]
    """Empty: it has this box for itself."""
    held: Mapping[Address, int]
    """Bytes on each backend, as its placement says, or its plan until it is loaded; without those of which
    neither says anything."""
    here_bytes: int = 0
    """Of this box's memory, as far as known."""
    is_loading: bool = False
    """Whether it has yet to take what it is to hold."""

    @classmethod
    def of(cls, status: CoordinatorStatus) -> Self:
        """What a coordinator in this state has."""
        is_loading = status.state is not CoordinatorState.READY
        if status.placement:
            shares = {address: share_of(address, status.placement) for address in status.backends}
            held = {address: share.held_bytes if share else 0 for address, share in shares.items()}
            here = sum(placed.held_bytes for placed in status.placement if placed.is_here)
            return cls(status.model, status.backends, held, here, is_loading)
        if status.planned is None:
            return cls(status.model, status.backends, {}, is_loading=is_loading)
        held = dict.fromkeys(status.backends, 0)
        for row in status.planned.rows:
            held[row.backend] += row.held_bytes
        here = status.planned.host_bytes
        here += sum(size for address, size in held.items() if box_of(address.host) == THIS_BOX)
        return cls(status.model, status.backends, held, here, is_loading)

    @property
    def name(self) -> str:
        """With what it holds, as a part of a sentence."""
        if not self.backends:
            return f"{self.model}, which runs on this box alone,"
        return f"{self.model}, which holds {', '.join(map(str, self.backends))},"

    @property
    def taken(self) -> tuple[Taken, ...]:
        """Its backends, for a plan beside it."""
        return tuple(Taken(address, self.model, self.held.get(address)) for address in self.backends)


@dataclass(frozen=True, slots=True)
class Way:
    """Who makes way for a model."""

    stops: tuple[Tenant, ...] = ()
    refusals: tuple[str, ...] = ()
    """Why some of them cannot be stopped now, a sentence each; empty where the way is free."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """What there is to say of it, line by line."""
        if self.refusals:
            return self.refusals
        return tuple(f"Stops {tenant.name.removesuffix(',')}." for tenant in self.stops)


FREE_WAY = Way()

PlanBeside = Callable[[Sequence[Tenant]], Awaitable[Planned]]
"""Where the layers of the new model would go if these stayed and all others were gone."""
Objection = Callable[[Tenant], Awaitable[str | None]]
"""Why a tenant must not be stopped now, in a sentence; None where it may be."""


async def find_place(
    tenants: Sequence[Tenant], plan_beside: PlanBeside, objection: Objection
) -> tuple[Planned, Way]:
    """Where a further model goes: beside all that run, else in place of as few of them as can be.

    `tenants` are in the order in which they were started: the newest are spared first. Where it fits only in
    place of some that must not be stopped, the way says why; where it does not fit even then, nobody is to
    be stopped for it.
    """
    placed = await plan_beside(tenants)
    if isinstance(placed, Plan) or not tenants:
        return placed, FREE_WAY
    objections = {tenant.model: await objection(tenant) for tenant in tenants}
    willing = [tenant for tenant in tenants if objections[tenant.model] is None]
    for going in filter(None, (willing, list(tenants))):
        placed = await plan_beside(_without(tenants, going))
        if isinstance(placed, Plan):
            break
    else:
        return placed, FREE_WAY
    for tenant in reversed(tenants):
        if tenant in going:
            fewer = _without(going, [tenant])
            spared = await plan_beside(_without(tenants, fewer))
            if isinstance(spared, Plan):
                placed, going = spared, fewer
    refusals = [said for tenant in going if (said := objections[tenant.model]) is not None]
    return placed, Way(tuple(going), tuple(refusals))


async def clear(tenants: Sequence[Tenant], objection: Objection) -> Way:
    """The way for a model that needs what all of these have."""
    said = [await objection(tenant) for tenant in tenants]
    return Way(tuple(tenants), tuple(each for each in said if each is not None))


def collide(one: Sequence[Address], other: Sequence[Address]) -> bool:
    """Whether no two coordinators can have these at once; no backends at all: this box alone."""
    return bool(set(one) & set(other)) or not (one or other)


def _without(tenants: Sequence[Tenant], going: Sequence[Tenant]) -> list[Tenant]:
    return [tenant for tenant in tenants if tenant not in going]
