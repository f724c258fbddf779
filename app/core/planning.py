"""Plans for the models of this box: by their headers, the settings, and the backends as last seen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import psutil

from app.config.settings import CoordinatorSettings, PlacementSettings
from app.core.backends import Backend
from app.core.lessons import NOTHING_LEARNT, Lessons, learn
from app.core.memory import Memory
from app.core.placement_history import PastPlacement, PlacementHistory
from app.core.plan import Misfit, Plan, Split, Taken, Wish
from app.core.planner import plan_placement, plan_split
from app.gguf.cache import CacheType
from app.gguf.header import read_model
from app.gguf.memory import Needs, needs_of
from app.text.address import Address
from app.text.problem import Problem
from app.text.units import GIB

LEAST_CONTEXT = 4096
"""For a model that does not say what it was trained for; llama-server falls back to it too (`--fit-ctx`)."""
_KEPT = 256
"""Needs of so many models are remembered: to read a header takes a tenth of a second, and the model picker
asks for the route of each."""
LOADS_READ = 200
"""Of the newest loads, to learn from."""
_BY_HAND = frozenset(
    {
        *("-ts", "--tensor-split", "-ngl", "--gpu-layers", "--n-gpu-layers", "-sm", "--split-mode"),
        *("-mg", "--main-gpu", "-dev", "--device", "-ot", "--override-tensor", "--rpc"),
        *("-cmoe", "--cpu-moe", "-ncmoe", "--n-cpu-moe", "-nkvo", "--no-kv-offload"),
        *("-c", "--ctx-size", "-ctk", "--cache-type-k", "-ctv", "--cache-type-v", "--swa-full"),
        *("-np", "--parallel", "-ub", "--ubatch-size"),
    }
)
"""Options that say where layers go or how large they are; whoever gives them has planned already."""


class NoPlan(Problem):
    """Nothing can be planned, and why."""


@dataclass(frozen=True, slots=True)
class Change:
    """A what-if: how a wish is to differ from what the settings say."""

    context: int | None = None
    cache: CacheType | None = None
    only: frozenset[Address] | None = None
    """The backends to choose from; None: all."""
    left_out: frozenset[Address] = frozenset()
    forced: frozenset[Address] = frozenset()
    every: bool | None = None
    """All backends, or the fewest; None: as the settings say."""
    anyway: bool = False
    """Place every layer also where they do not fit."""
    split: Split = ()
    """The layers of each device, where they have a place as they are; else it is planned as without."""


AS_SET = Change()
Planned = Plan | Misfit
"""What came of planning."""


class Planning:
    """Plans with the settings of this box; put others in place of them when they change."""

    def __init__(
        self,
        placement: PlacementSettings,
        coordinator: CoordinatorSettings,
        history: PlacementHistory | None = None,
    ) -> None:
        self.placement = placement
        self.coordinator = coordinator
        self._history = history
        """The loads to learn from; None: nothing is learnt."""
        self._learnt: tuple[tuple[PastPlacement, ...], Lessons] = (), NOTHING_LEARNT
        """Of which loads, and what: the model picker asks for the plan of each model."""

    async def plan(
        self,
        path: Path,
        backends: Sequence[Backend],
        change: Change = AS_SET,
        *,
        freed_bytes: int = 0,
        taken: tuple[Taken, ...] = (),
    ) -> Planned:
        """Where the layers of the model at `path` would go.

        `freed_bytes` and `taken` are those of `plan_for`.

        Raises:
            NoPlan: the settings say by hand where layers go.
            NeedsUnknown: what the model needs is not known.
            HeaderProblem: it cannot be read.
        """
        needs = await asyncio.to_thread(_needs, path)
        return await self.plan_for(needs, backends, change, freed_bytes=freed_bytes, taken=taken)

    async def plan_for(
        self,
        needs: Needs,
        backends: Sequence[Backend],
        change: Change = AS_SET,
        *,
        freed_bytes: int = 0,
        taken: tuple[Taken, ...] = (),
    ) -> Planned:
        """Where the layers of a model that needs so much would go.

        `freed_bytes` is what coordinators that have to make way for it hold of this box's memory, less what
        those that stay will still take of it; `taken` are the backends of those that stay.

        Raises:
            NoPlan: the settings say by hand where layers go, or the caches cannot be stored as wished.
        """
        by_hand = next((word for word in self.coordinator.extra_arguments if word in _BY_HAND), None)
        if by_hand is not None:
            raise NoPlan(
                f"Nothing is planned, as coordinator.extra_arguments has '{by_hand}'.",
                "Take it out to have llama-server's layers planned.",
            )
        host, lessons = await asyncio.gather(
            asyncio.to_thread(_memory_of_this_box, freed_bytes), asyncio.to_thread(self._lessons)
        )
        wish = replace(self._wish(needs, backends, change), taken=taken)
        if refused := needs.why_not_cached(wish.k, wish.v):
            raise NoPlan(refused, "Take another type, such as f16.")
        # In threads, as it can take longer than a key may wait: a misfit is many plans.
        planned: Planned | None = None
        if change.split:
            planned = await asyncio.to_thread(plan_split, needs, wish, change.split, backends, host, lessons)
        if planned is None:
            planned = await asyncio.to_thread(plan_placement, needs, wish, backends, host, lessons)
        if isinstance(planned, Misfit) and self._is_context_free(change):
            smaller = next((near.wish for near in planned.nearest if near.wish.context < wish.context), None)
            if smaller is not None:
                return await asyncio.to_thread(plan_placement, needs, smaller, backends, host, lessons)
        if isinstance(planned, Misfit) and change.anyway:
            return await asyncio.to_thread(
                plan_placement, needs, replace(wish, anyway=True), backends, host, lessons
            )
        return planned

    def wants_every(self, change: Change) -> bool:
        """Whether all backends are to be used, not the fewest that hold a model."""
        if change.every is not None:
            return change.every
        return self.placement.backends == "all" and change.only is None

    def _lessons(self) -> Lessons:
        """Blocks on the disk. A history that cannot be read teaches nothing; whoever asks for it is told."""
        past = self._history.known()[:LOADS_READ] if self._history else ()
        if past != self._learnt[0]:
            self._learnt = past, learn(past)
        return self._learnt[1]

    def _is_context_free(self, change: Change) -> bool:
        return change.context is None and self.coordinator.context is None

    def _wish(self, needs: Needs, backends: Sequence[Backend], change: Change) -> Wish:
        known = frozenset(backend.address for backend in backends)
        context = change.context or self.coordinator.context or needs.trained_context or LEAST_CONTEXT
        return Wish(
            context,
            change.cache or CacheType(self.coordinator.cache_k),
            change.cache or CacheType(self.coordinator.cache_v),
            left_out=change.left_out | (known - change.only if change.only is not None else frozenset()),
            forced=change.forced,
            every=self.wants_every(change),
            margin_bytes=round(self.placement.margin_gib * GIB),
        )


def _memory_of_this_box(freed_bytes: int) -> Memory:
    """What is there, and what programs could still have of it once so much is freed. Blocks on /proc."""
    memory = psutil.virtual_memory()
    return Memory(min(memory.total, memory.available + freed_bytes), memory.total)


def _needs(path: Path) -> Needs:
    """Blocks on the disk, and remembers what it has read while the file stays as it is."""
    status = path.stat() if path.exists() else None
    return _read_needs(path, status and (status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=_KEPT)
def _read_needs(path: Path, _stamp: tuple[int, int] | None) -> Needs:
    return needs_of(read_model(path))
