"""Plans that prefer the placement which was measured to be the fastest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.core.backends import USABLE, Backend
from app.core.engines import Engines
from app.core.plan import Misfit, Plan, Taken
from app.core.planning import AS_SET, Change, Planned, Planning
from app.core.winners import Contest, Winner, Winners, contest
from app.llama.engine import EngineProblem
from app.text.problem import Problem


class MeasuredPlans:
    """Plans as `Planning` does, but as was measured where that is known and still fits."""

    def __init__(self, planning: Planning, winners: Winners, engines: Engines) -> None:
        self.planning = planning
        """Plans as if nothing had been measured."""
        self.winners = winners
        self._engines = engines

    async def plan(
        self,
        path: Path,
        backends: Sequence[Backend],
        change: Change = AS_SET,
        *,
        freed_bytes: int = 0,
        taken: tuple[Taken, ...] = (),
    ) -> Planned:
        """Where the layers of the model at `path` would go; a what-if is planned without what was measured.

        Raises:
            Problem: what Planning.plan raises.
        """
        planned = await self.planning.plan(path, backends, change, freed_bytes=freed_bytes, taken=taken)
        if change != AS_SET or isinstance(planned, Misfit):
            return planned
        try:
            winner = await self._winner(path, planned, backends)
        except Problem as problem:
            return replace(planned, reasons=(*planned.reasons, str(problem)))
        if winner is None:
            return planned
        as_measured = Change(context=planned.context, split=winner.split)
        again = await self.planning.plan(path, backends, as_measured, freed_bytes=freed_bytes, taken=taken)
        if isinstance(again, Misfit) or again.split != winner.split:
            return planned
        return replace(again, reasons=(*again.reasons, str(winner)))

    async def contest(self, path: Path, plan: Plan, backends: Sequence[Backend]) -> Contest | None:
        """What a measurement would hold for now; None where the engine does not say which build it is.

        Raises:
            Problem: the file is gone.
        """
        try:
            engine = await self._engines.current()
        except EngineProblem:
            return None
        if engine.version is None:
            return None
        workers = frozenset(each.address for each in backends if each.enabled and each.state in USABLE)
        return await asyncio.to_thread(contest, path, plan, workers, engine.version)

    async def _winner(self, path: Path, planned: Plan, backends: Sequence[Backend]) -> Winner | None:
        here = await self.contest(path, planned, backends)
        return None if here is None else await asyncio.to_thread(self.winners.of, here)
