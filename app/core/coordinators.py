"""Which coordinator runs on this box: starts one for a model, adopts one that was left, stops it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from app.config.record import CoordinatorRecord, RecordFolder
from app.config.settings import CoordinatorSettings
from app.core.backends import Backends
from app.core.coordinator import Coordinator, Deadlines, Means
from app.core.events import Bus, Severity
from app.core.launch import Launch, LaunchPlan, prepare, start_lock
from app.llama.engine import Engine
from app.llama.process import Child, ProcessIdentity
from app.text.address import parse_address


@dataclass(frozen=True, slots=True)
class CoordinatorPlaces:
    """Where coordinators keep what outlives them."""

    records: Path
    """One record for each that runs, so that the next process can adopt it."""
    logs: Path


class Coordinators:
    """Keeps at most one coordinator on this box, whichever process of ours started it."""

    def __init__(
        self,
        bus: Bus,
        backends: Backends,
        places: CoordinatorPlaces,
        settings: CoordinatorSettings,
        environment: Mapping[str, str],
    ) -> None:
        self._bus = bus
        self._backends = backends
        self._records = RecordFolder(places.records)
        self._places = places
        self._settings = settings
        self._environment = environment
        self._deadlines = Deadlines(
            start_s=settings.start_deadline_s,
            load_s=settings.load_deadline_s,
            load_s_per_gib=settings.load_deadline_s_per_gib,
            stop_grace_s=settings.stop_grace_s,
        )
        self._life: asyncio.Task[None] | None = None
        self._one_change_at_a_time = asyncio.Lock()
        self.current: Coordinator | None = None
        """The present or the last one; None where there was none."""

    @property
    def running(self) -> Coordinator | None:
        """The one that is on its way or serving, if any."""
        return self.current if self.current is not None and self.current.running else None

    async def adopt(self) -> None:
        """Take over what another process of ours left running; records of what is gone are removed."""
        async with self._one_change_at_a_time:
            await self._adopt()

    async def ensure(
        self, model: str, resolve: Callable[[], Awaitable[LaunchPlan]], engine: Engine
    ) -> Coordinator:
        """The coordinator that serves `model`, ready: the running one, or a new one in place of another.

        Cancelling the wait does not end the load; `stop` does.

        Raises:
            CoordinatorFailed: it could not be started, with the first true cause and what to do.
        """
        async with self._one_change_at_a_time:
            await self._adopt()
            coordinator = self.running
            if coordinator is None or coordinator.status.model != model:
                await self._stop()
                coordinator = self._begin(model, resolve, engine)
        await coordinator.until_ready()
        return coordinator

    async def stop(self) -> bool:
        """End the coordinator, also one that another process left running; whether there was one."""
        async with self._one_change_at_a_time:
            await self._adopt()
            was_running = self.running is not None
            await self._stop()
            return was_running

    async def leave(self) -> None:
        """Stop watching; a coordinator that runs goes on, and its record stays."""
        if self._life is not None:
            self._life.cancel()
            with suppress(asyncio.CancelledError):
                await self._life

    async def _stop(self) -> None:
        if self.running is not None and self._life is not None:
            await self.running.stop()
            if self.running is not None:
                self._life.cancel()
            await asyncio.wait([self._life])

    def _begin(self, model: str, resolve: Callable[[], Awaitable[LaunchPlan]], engine: Engine) -> Coordinator:
        coordinator = Coordinator(self._bus, self._backends, self._deadlines, model)

        async def ready_to_run(plan: LaunchPlan) -> Launch:
            return await asyncio.to_thread(
                prepare,
                plan,
                engine,
                logs=self._places.logs,
                context=self._settings.context,
                threads=self._settings.threads,
                extra=self._settings.extra_arguments,
                environment=self._environment,
            )

        async def keep(launch: Launch, child: Child) -> None:
            await asyncio.to_thread(self._records.save, _record(coordinator, launch, child.identity))

        async def life() -> None:
            with start_lock(self._places.records):
                ...

        self.current = coordinator
        self._life = asyncio.create_task(
            self._ending(coordinator, coordinator.live(Means(resolve, ready_to_run, keep))),
            name=f"coordinator {model}",
        )
        return coordinator

    async def _ending(self, coordinator: Coordinator, life: Awaitable[None]) -> None:
        """Live the life, then remove the record of whatever has ended."""
        await life
        if not coordinator.running:
            await asyncio.to_thread(self._records.remove_pid, coordinator.status.pid)
