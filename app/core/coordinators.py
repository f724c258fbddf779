"""Which coordinator runs on this box: starts one for a model, adopts one that was left, stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.config.record import CoordinatorRecord, RecordFolder
from app.config.settings import CoordinatorSettings
from app.core.backends import Backends
from app.core.coordinator import Coordinator, Deadlines, Means
from app.core.coordinator_status import CoordinatorStatus
from app.core.events import Bus, Severity
from app.core.launch import Launch, LaunchPlan, StartLock, prepare
from app.core.placement_history import PlacementHistory, past_placement
from app.llama.command import tied_to_us
from app.llama.engine import Engine
from app.llama.process import Child, ProcessIdentity, find_process
from app.text.address import parse_address

Resolve = Callable[[], Awaitable[LaunchPlan]]


@dataclass(frozen=True, slots=True)
class CoordinatorPlaces:
    """Where coordinators keep what outlives them."""

    records: Path
    """One record for each that runs, so that the next process can adopt it."""
    logs: Path
    history: Path
    """The file of what was planned and what came of it."""
    temporary: bool = False
    """Nothing there outlives this process, so a coordinator must not either."""


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
        self.history = PlacementHistory(places.history)
        self._places = places
        self.settings = settings
        """Of the next start; the one that runs keeps its own."""
        self._environment = environment
        self._life: asyncio.Task[None] | None = None
        self._one_change_at_a_time = asyncio.Lock()
        self.current: Coordinator | None = None
        """The present or the last one; None where there was none."""

    @property
    def running(self) -> Coordinator | None:
        """The one that is on its way or serving, if any."""
        return self.current if self.current is not None and self.current.running else None

    @property
    def _deadlines(self) -> Deadlines:
        return Deadlines(
            start_s=self.settings.start_deadline_s,
            load_s=self.settings.load_deadline_s,
            load_s_per_gib=self.settings.load_deadline_s_per_gib,
            stop_grace_s=self.settings.stop_grace_s,
        )

    async def adopt(self) -> None:
        """Take over what another process of ours left running; records of what is gone are removed."""
        async with self._one_change_at_a_time:
            await self._adopt()

    async def ensure(self, model: str, resolve: Resolve, engine: Engine) -> Coordinator:
        """The coordinator that serves `model`, ready: the running one, or a new one in place of another.

        Cancelling the wait does not end the load; `stop` does.

        Raises:
            CoordinatorFailed: it could not be started, with the first true cause and what to do.
            Problem: another process of ours is starting one right now.
        """
        async with self._one_change_at_a_time:
            await self._adopt()
            coordinator = self.running
            if coordinator is None or coordinator.status.model != model:
                await self._stop()
                coordinator = await self._begin(model, resolve, engine)
        await coordinator.until_ready()
        return coordinator

    async def stop(self, *models: str) -> bool:
        """End the coordinator, also one that another process left running; whether there was one.

        Where models are named, only one of these.
        """
        async with self._one_change_at_a_time:
            await self._adopt()
            running = self.running
            if running is None or (models and running.status.model not in models):
                return False
            await self._stop()
            return True

    async def leave(self) -> None:
        """Stop watching; a coordinator that runs goes on, and its record stays."""
        if self._life is not None:
            self._life.cancel()
            with suppress(asyncio.CancelledError):
                await self._life
        if self.current is not None:
            await self.current.leave()

    async def _stop(self) -> None:
        if self.running is not None and self._life is not None:
            stopping = self.running
            await stopping.stop()
            if stopping.log is None:
                # It has no process yet, so nothing else ends its life.
                self._life.cancel()
            await asyncio.wait([self._life])

    async def _begin(self, model: str, resolve: Resolve, engine: Engine) -> Coordinator:
        lock = StartLock(self._places.records)
        lock.acquire()
        coordinator = Coordinator(self._bus, self._backends, self._deadlines, model, self.history.add_speed)
        record: CoordinatorRecord | None = None

        async def ready_to_run(plan: LaunchPlan) -> Launch:
            nonlocal record
            launch = await asyncio.to_thread(
                prepare, plan, engine, self._places.logs, self.settings, self._environment
            )
            if self._places.temporary:
                launch = replace(launch, argv=tuple(tied_to_us(launch.argv)))
            # Written before there is a process: whatever happens to us, the next one finds it by its command.
            record = _record(plan, launch)
            await asyncio.to_thread(self._records.save, record)
            return launch

        async def started(child: Child) -> None:
            nonlocal record
            assert record is not None
            record = replace(record, pid=child.identity.pid, started=child.identity.started)
            await asyncio.to_thread(self._records.save, record)
            lock.release()

        async def placed(status: CoordinatorStatus) -> None:
            links = {backend.address: backend.latency_ms for backend in self._backends.known}
            await asyncio.to_thread(self.history.add, past_placement(status, engine.version, links))

        async def life() -> None:
            try:
                await coordinator.live(Means(resolve, ready_to_run, started, placed))
            finally:
                lock.release()
                if record is not None and not coordinator.running:
                    self._records.remove(record)

        await self._begin_life(coordinator, life())
        return coordinator

    async def _adopt(self) -> None:
        if self.running is not None:
            return
        records, problems = await asyncio.to_thread(self._records.all)
        for problem in problems:
            self._bus.say("coordinator", problem, Severity.WARNING)
        for record in records:
            child = await asyncio.to_thread(_find, record)
            if child is None:
                await asyncio.to_thread(self._records.remove, record)
            elif self.running is None:
                await self._take_over(record, child)

    async def _take_over(self, record: CoordinatorRecord, child: Child) -> None:
        coordinator = Coordinator(
            self._bus, self._backends, self._deadlines, record.model, self.history.add_speed
        )
        backends = tuple(parse_address(word) for word in record.backends)
        self.current = coordinator
        await coordinator.adopt(
            child, port=record.port, key=record.key, log=Path(record.log), backends=backends
        )

        async def life() -> None:
            try:
                await coordinator.live_on()
            finally:
                if not coordinator.running:
                    self._records.remove(record)

        await self._begin_life(coordinator, life())

    async def _begin_life(self, coordinator: Coordinator, life: Coroutine[Any, Any, None]) -> None:
        begun = asyncio.Event()

        async def live() -> None:
            begun.set()
            await life

        self.current = coordinator
        self._life = asyncio.create_task(live(), name=f"coordinator {coordinator.status.model}")
        # A task that is cancelled before its first step never gets to what it does at its end.
        await begun.wait()


def _record(plan: LaunchPlan, launch: Launch) -> CoordinatorRecord:
    return CoordinatorRecord(
        port=launch.port,
        model=plan.model,
        argv=launch.argv,
        log=str(launch.log),
        key=launch.key,
        backends=tuple(str(address) for address in plan.backends),
    )


def _find(record: CoordinatorRecord) -> Child | None:
    """The process of a record; by its command alone where its number was not written any more."""
    if record.pid is not None and record.started is not None:
        return Child.adopt(ProcessIdentity(record.pid, record.started, record.argv))
    identity = find_process(record.argv)
    return Child.adopt(identity) if identity else None
