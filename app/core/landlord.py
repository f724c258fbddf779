"""Finds a further model its place beside the coordinators that run, or in place of some of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from app.config.settings import Swap
from app.core.backends import Backends
from app.core.coordinators import Coordinators
from app.core.measured_plans import MeasuredPlans
from app.core.planning import Change, Planned
from app.core.tenancy import Objection, Tenant, Way, clear, collide, find_place
from app.text.address import Address


class Landlord:
    """Knows who holds what now.

    `swap` says whom a model may put out; None: as the settings say.
    """

    def __init__(self, coordinators: Coordinators, backends: Backends, plans: MeasuredPlans) -> None:
        self._coordinators = coordinators
        self._backends = backends
        self._plans = plans

    def swap(self, wanted: Swap | None) -> Swap:
        """Whom a model may put out."""
        return wanted or self._plans.planning.placement.swap

    async def place(self, model: str, path: Path, change: Change, swap: Swap | None) -> tuple[Planned, Way]:
        """Where the layers of the model at `path` go, and who makes way for it.

        Raises:
            Problem: what Planning.plan raises.
        """
        everybody = await self._tenants()

        async def beside(staying: Sequence[Tenant]) -> Planned:
            leaving = [tenant for tenant in everybody if tenant not in staying]
            freed = sum(tenant.here_bytes for tenant in leaving if not tenant.is_loading)
            wanted = sum(tenant.here_bytes for tenant in staying if tenant.is_loading)
            return await self._plans.plan(
                path,
                self._backends.at_their_best,
                change,
                freed_bytes=freed - wanted,
                taken=tuple(taken for tenant in staying for taken in tenant.taken),
            )

        others = [tenant for tenant in everybody if tenant.model != model]
        return await find_place(others, beside, self._objection(swap))

    async def clear(self, model: str, backends: Sequence[Address], swap: Swap | None) -> Way:
        """The way for a model that is put on these, whatever it needs; none: on this box alone."""
        others = [tenant for tenant in await self._tenants() if tenant.model != model]
        holders = [tenant for tenant in others if collide(tenant.backends, backends)]
        return await clear(holders, self._objection(swap))

    async def _tenants(self) -> list[Tenant]:
        """Those that run; what one holds is known as soon as it is launched."""
        present = self._coordinators.present
        await asyncio.gather(*(coordinator.until_launched() for coordinator in present))
        return [Tenant.of(coordinator.status) for coordinator in present if coordinator.running]

    def _objection(self, wanted: Swap | None) -> Objection:
        swap = self.swap(wanted)

        async def objection(tenant: Tenant) -> str | None:
            remedy = f"stop it with 'stop {tenant.model}'"
            if swap == "never":
                return f"{tenant.name} stays, as placement.swap is 'never': {remedy}."
            coordinator = self._coordinators.of(tenant.model)
            if swap == "always" or coordinator is None:
                return None
            doing = await coordinator.occupation()
            return f"{tenant.name} is {doing}: wait, or {remedy}." if doing else None

        return objection
