"""One coordinator: a llama-server of ours, from the wish for a model to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.backends import Backends
from app.core.coordinator_status import (
    ENDED,
    CoordinatorChanged,
    CoordinatorFailed,
    CoordinatorState,
    CoordinatorStatus,
)
from app.core.diagnosis import check, why_ended, why_silent, why_slow
from app.core.events import Severity, Teller
from app.core.launch import Launch, LaunchPlan
from app.core.loading import Loading, LoadProgress
from app.core.log_watch import LogWatch
from app.core.placement import read_placement, unused
from app.core.placement_history import Speed
from app.core.proof import prove, surprises
from app.core.speeds import SpeedKeeper
from app.llama.failure import Failure
from app.llama.health import Health
from app.llama.log_book import LogBook
from app.llama.process import Child
from app.text.address import Address
from app.text.answer import AnswerPart, Message
from app.text.problem import Problem
from app.text.units import GIB, duration_text, plural

if TYPE_CHECKING:
    from app.llama.client import LlamaClient, Slot

HEALTH_POLL_S = 0.1
EXIT_S = 2.0
"""How long an aborting llama-server may take to be gone after its streams broke; it takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each phase may take, in seconds."""

    start_s: float
    """From the start of the process until its HTTP port opens."""
    load_s: float
    load_s_per_gib: float
    stop_grace_s: float

    def load(self, size: int | None) -> float:
        """Time allowed for loading weights of `size` bytes."""
        return self.load_s + self.load_s_per_gib * (size or 0) / GIB


@dataclass(frozen=True, slots=True)
class _Served:
    """A process of ours, and how to speak to it."""

    child: Child
    client: LlamaClient
    log: LogWatch
    loading: Loading
    speeds: SpeedKeeper


@dataclass(frozen=True, slots=True)
class Means:
    """What the owner of a coordinator does for it on its way."""

    resolve: Callable[[], Awaitable[LaunchPlan]]
    """Look the weights up, now."""
    prepare: Callable[[LaunchPlan], Awaitable[Launch]]
    """Make the command."""
    started: Callable[[Child], Awaitable[None]]
    """Told as soon as there is a process."""
    placed: Callable[[CoordinatorStatus], Awaitable[None]]
    """Told what came of the plan, once the model is loaded."""


class Coordinator:
    """One llama-server, watched from the wish for it, or from its adoption, to its end.

    Its owner runs `live` or `live_on` in a task of its own; everybody else looks at `status` and calls the
    rest. It outlives this process unless `stop` is called.
    """

    def __init__(
        self,
        bus: Teller,
        backends: Backends,
        deadlines: Deadlines,
        model: str,
        keep_speed: Callable[[Speed], None],
    ) -> None:
        self._bus = bus
        self._backends = backends
        self._deadlines = deadlines
        self._keep_speed = keep_speed
        """Blocks on the disk."""
        self._served: _Served | None = None
        self._placed: Callable[[CoordinatorStatus], Awaitable[None]] | None = None
        self._began = time.monotonic()
        self._settled = asyncio.Event()
        """Set when it is ready, or has ended."""
        self._launched = asyncio.Event()
        """Set when it has its backends and a process, or has ended."""
        self._ended = asyncio.Event()
        self._stopping: asyncio.Task[None] | None = None
        self._answers = 0
        """Under way, by this process."""
        self.status = CoordinatorStatus(CoordinatorState.RESOLVING, model, since=datetime.now(UTC))
        self._show()

    @property
    def running(self) -> bool:
        """Whether it is on its way, or serving."""
        return self.status.state not in ENDED

    @property
    def log(self) -> LogWatch | None:
        """Its log and what that tells; None until there is a process."""
        return self._served.log if self._served is not None else None

    @property
    def load(self) -> LoadProgress | None:
        """How far its load is; None unless it is under way."""
        loads = self._served is not None and not self._settled.is_set()
        return self._served.loading.latest if self._served is not None and loads else None

    def _is_stopping(self) -> bool:
        return self.status.state is CoordinatorState.STOPPING

    async def live(self, means: Means) -> None:
        """Resolve, check, start, load, serve, end; what goes wrong is in the status afterwards."""
        try:
            plan = await means.resolve()
            self._placed = means.placed
            self._show(state=CoordinatorState.CHECKING, backends=plan.backends, planned=plan.placement)
            if plan.backends:
                self._say(f"checking {plural(len(plan.backends), 'backend')}")
                await check(self._backends, plan.backends)
            launch = await means.prepare(plan)
            self._backends.hold(plan.backends, self)
            await _load_client()
            child = await Child.start(launch.argv, environment=launch.environment, log=launch.log)
            served = self._attach(child, launch.port, launch.key, launch.log)
            await means.started(child)
            self._launched.set()
            await self._watch(served, self._deadlines.load(plan.size))
        except CoordinatorFailed as failed:
            await self._fail(failed.failure)
        except Problem as problem:
            await self._fail(Failure(problem.sentence, problem.remedy))
        finally:
            self._end()

    async def adopt(
        self, child: Child, *, port: int, key: str, log: Path, backends: tuple[Address, ...]
    ) -> None:
        """Take over a process that runs already; the status is true when this returns."""
        self._backends.hold(backends, self)
        self._show(backends=backends, since=None)
        await _load_client()
        served = self._attach(child, port, key, log)
        self._launched.set()
        if await served.client.health() is Health.READY:
            await self._became_ready(served)

    async def live_on(self) -> None:
        """Watch an adopted process to its end; what goes wrong is in the status afterwards."""
        assert self._served is not None, "adopted first"
        try:
            await self._watch(self._served, self._deadlines.load(None))
        except CoordinatorFailed as failed:
            await self._fail(failed.failure)
        finally:
            self._end()

    @property
    def launched(self) -> bool:
        """Whether it has its backends and a process, or has ended."""
        return self._launched.is_set()

    async def until_launched(self) -> None:
        """Wait until it has its backends and a process, or has ended; its deadlines bound the wait."""
        await self._launched.wait()

    async def until_ready(self) -> None:
        """Wait until it can answer; cancelling the wait changes nothing.

        Raises:
            CoordinatorFailed: it ended instead.
        """
        await self._settled.wait()
        if self.status.state is not CoordinatorState.READY:
            raise CoordinatorFailed(self.status.failure or Failure(f"{self.status.model} was stopped.", ""))

    async def settled(self) -> CoordinatorStatus:
        """The status, once a process that may be on its way out has had the time to be gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(EXIT_S):
                await self._ended.wait()
        return self.status

    async def answer(
        self, messages: Sequence[Message], options: Mapping[str, object], idle_s: float
    ) -> AsyncGenerator[AnswerPart]:
        """Stream the answer; closing the stream frees the slot at once.

        Raises:
            AnswerBroken: the answer did not end as it should; see its stage.
        """
        assert self._served is not None, "asked before it was ready"
        self._answers += 1
        try:
            async with aclosing(self._served.client.chat(messages, options=options, idle_s=idle_s)) as parts:
                async for part in parts:
                    yield part
        finally:
            self._answers -= 1

    async def slots(self) -> tuple[Slot, ...] | None:
        """Its places for conversations, and which are at work; None unless it is ready and says so."""
        if self._served is None or self.status.state is not CoordinatorState.READY:
            return None
        from app.llama.client import ClientProblem

        try:
            return await self._served.client.slots()
        except ClientProblem:
            return None

    async def occupation(self) -> str | None:
        """What it is in the middle of, such as `answering`; None where a stop would break nothing off."""
        if not self.running:
            return None
        if self.status.state is not CoordinatorState.READY:
            return str(self.status.state)
        slots = await self.slots()
        if self._answers or any(slot.is_busy for slot in slots or ()):
            return "answering"
        return "too busy to say what it does" if slots is None and self.running else None

    async def leave(self) -> None:
        """Close our connections; the process goes on."""
        if self._served is not None:
            await self._served.client.aclose()

    async def stop(self) -> None:
        """Break our own streams off, then end the process; returns when it is gone and reaped.

        Returns at once where there is no process yet. Cancelling the wait leaves nothing half stopped.
        """
        if self.running and not self._is_stopping():
            self._say("stopping")
            self._show(state=CoordinatorState.STOPPING)
            if self._served is not None:
                ending = self._end_process(self._served)
                self._stopping = asyncio.create_task(ending, name=f"stop of {self.status.model}")
        if self._stopping is not None:
            await asyncio.shield(self._stopping)

    async def _end_process(self, served: _Served) -> None:
        await served.client.aclose()
        await served.child.stop(self._deadlines.stop_grace_s)

    def _attach(self, child: Child, port: int, key: str, log: Path) -> _Served:
        identity = child.identity
        loading = Loading(
            self._bus, identity.pid, self.status.backends, plan=self.status.planned, age_s=identity.age_s
        )
        from app.llama.client import LlamaClient

        client = LlamaClient(f"http://127.0.0.1:{port}", key)
        watch = LogWatch(self._bus, LogBook(log), loading)
        speeds = SpeedKeeper(self._bus, watch, self._keep_speed)
        served = self._served = _Served(child, client, watch, loading, speeds)
        self._show(
            state=CoordinatorState.STARTING,
            started=identity.started_at,
            pid=identity.pid,
            port=port,
            log=log,
            argv=tuple(identity.argv),
        )
        self._say(f"starting {self.status.model}, pid {identity.pid}, port {port}")
        return served

    async def _watch(self, served: _Served, load_s: float) -> None:
        """From a process to its end."""
        exited = asyncio.create_task(served.child.wait(), name=f"exit of {self.status.model}")
        follower = asyncio.create_task(served.log.follow(), name=f"log of {self.status.model}")
        keeper = asyncio.create_task(served.speeds.watch(), name=f"speed of {self.status.model}")
        try:
            if self.status.state is CoordinatorState.READY or await self._loads(served, exited, load_s):
                await asyncio.wait([exited])
            if not self._is_stopping():
                self._backends.hold((), self)
                chosen, log = self.status.backends, served.log.book.path
                raise CoordinatorFailed(await why_ended(self._backends, chosen, log, exited.result()))
        finally:
            for task in (exited, follower, keeper):
                task.cancel()
            await asyncio.gather(exited, follower, keeper, return_exceptions=True)
            if not served.child.running:
                await served.log.finish()
            elif served.log.is_abreast:
                await served.log.catch_up()
            await served.speeds.keep()

    async def _loads(self, served: _Served, exited: asyncio.Task[int | None], load_s: float) -> bool:
        """Whether it became ready, rather than ended, by itself or because it was told to."""
        progress = asyncio.create_task(served.loading.watch(), name=f"progress of {self.status.model}")
        try:
            return await self._is_loaded(served, exited, load_s)
        finally:
            progress.cancel()
            await asyncio.gather(progress, return_exceptions=True)

    async def _is_loaded(self, served: _Served, exited: asyncio.Task[int | None], load_s: float) -> bool:
        deadline = time.monotonic() + self._deadlines.start_s
        while not exited.done() and not self._is_stopping():
            health = await served.client.health()
            if self._is_stopping():
                break
            if health is Health.READY:
                await self._became_ready(served)
                return True
            if health is Health.LOADING and self.status.state is CoordinatorState.STARTING:
                self._show(state=CoordinatorState.LOADING)
                self._say("loading")
                deadline = time.monotonic() + load_s
            if time.monotonic() > deadline:
                raise CoordinatorFailed(await self._give_up(served))
            await asyncio.wait([exited], timeout=HEALTH_POLL_S)
        await asyncio.wait([exited])
        return False

    async def _became_ready(self, served: _Served) -> None:
        placement = await asyncio.to_thread(read_placement, served.log.book.path)
        context = await served.client.context()
        if self._is_stopping():
            return
        adopted = self.status.since is None
        took = None if adopted else time.monotonic() - self._began
        self._show(state=CoordinatorState.READY, ready_in_s=took, context=context, placement=placement)
        where = plural(len(self.status.backends), "backend") if self.status.backends else "this box alone"
        ready = "ready, adopted" if adopted else f"ready in {duration_text(took)}"
        self._say(f"{ready} ({where})", Severity.GOOD)
        self._backends.find_unused(unused(self.status.backends, placement))
        await self._compare_with_plan()
        # Only now: whoever waits for it may leave at once, and what came of the plan is to be kept before.
        self._settled.set()

    async def _compare_with_plan(self) -> None:
        planned, placement = self.status.planned, self.status.placement
        if planned is None or not placement or self._placed is None:
            return
        for surprise in surprises(prove(planned, placement)):
            self._say(surprise, Severity.WARNING)
        try:
            await self._placed(self.status)
        except Problem as problem:
            self._say(str(problem), Severity.WARNING)

    async def _give_up(self, served: _Served) -> Failure:
        """Why a phase took too long: the process is ended first, so that its backends can be asked."""
        phase = self.status.state
        await served.child.stop(self._deadlines.stop_grace_s)
        if phase is CoordinatorState.LOADING:
            return why_slow(self.status.model)
        self._backends.hold((), self)
        return await why_silent(self._backends, self.status.backends, self._deadlines.start_s)

    async def _fail(self, failure: Failure) -> None:
        if self._is_stopping():
            return
        if self._served is not None:
            await self._served.child.stop(self._deadlines.stop_grace_s)
        self._show(state=CoordinatorState.FAILED, failure=failure)
        self._bus.report("coordinator", f"failed: {failure.cause}", failure)

    def _end(self) -> None:
        """Whatever the way it ended: nobody waits any more, and the backends are free of us."""
        if self._is_stopping():
            self._show(state=CoordinatorState.STOPPED)
            self._say("stopped")
        self._settled.set()
        self._launched.set()
        if not self.running:
            self._ended.set()
            self._backends.hold((), self)

    def _say(self, text: str, severity: Severity = Severity.INFO) -> None:
        self._bus.say("coordinator", text, severity)

    def _show(self, **changed: Any) -> None:  # noqa: ANN401  the fields of CoordinatorStatus, which checks them
        self.status = replace(self.status, **changed)
        self._bus.publish(CoordinatorChanged(self.status))


async def _load_client() -> None:
    """Without a coordinator nobody needs an HTTP client, which is large; with one, no key may wait for it."""
    await asyncio.to_thread(import_module, "app.llama.client")
