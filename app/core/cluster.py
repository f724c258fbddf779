"""The cluster: puts the parts together; the one object that a face is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from app.box.interfaces import is_this_box
from app.config.folders import state_folder
from app.config.origins import Resolved
from app.config.settings import Settings
from app.config.state import StateFile
from app.core.answering import Answering
from app.core.appearance import Appearance
from app.core.backends import Backend, Backends
from app.core.chat import Attachment, ChatPart, Conversation, Turn, split_using
from app.core.choices import Choices, Chosen
from app.core.conversations import Conversations
from app.core.coordinators import CoordinatorPlaces, Coordinators
from app.core.discovery import Discovery, Sweep, Where
from app.core.dispatcher import Dispatcher
from app.core.engines import Engines
from app.core.events import Bus, Severity
from app.core.facts import ModelReader
from app.core.idleness import Idleness
from app.core.landlord import Landlord
from app.core.measured_plans import MeasuredPlans
from app.core.membership import Membership
from app.core.models import Catalogue, Model, ModelPlaces
from app.core.placement_bench import PlacementBench
from app.core.planning import Planning
from app.core.pool import Node, Pool
from app.core.pulls import Pulls
from app.core.reload import Reload
from app.core.upkeep import Upkeep
from app.core.vitals import BoxWatch
from app.core.winners import Winners
from app.ollama.client import OllamaLimits
from app.rpc.probe import ProbeLimits
from app.text.address import Address
from app.text.problem import Problem
from app.text.units import UNKNOWN


@dataclass(frozen=True, slots=True)
class Places:
    """The folders and files that a cluster lives in."""

    state_file: Path
    state: Path
    """Records and logs of coordinators."""
    cache: Path
    engine: Path
    """Where the engine is put when this program fetches it."""
    home: Path
    temporary: bool = False
    """The folders vanish with this process, so that nobody could find a coordinator that outlives it."""

    @property
    def history(self) -> Path:
        """The file of what was planned and what came of it."""
        return self.state / "placements.jsonl"

    @property
    def winners(self) -> Path:
        """The file of the placements that were measured to be the fastest."""
        return self.state / "winners.json"

    @property
    def lasting(self) -> Path:
        """Where this program keeps what it tells of itself: its log and its crash reports."""
        return state_folder() if self.temporary else self.state


class Cluster:
    """The parts, wired; a face reads their state, subscribes to `bus`, and calls the use cases below.

    Use it as an async context manager. Leaving it ends every task and connection of ours; a coordinator that
    runs is left running, and its record stays for the next process.
    """

    def __init__(self, resolved: Resolved, places: Places, environment: Mapping[str, str]) -> None:
        settings = resolved.settings
        self.settings = settings
        self.resolved = resolved
        self.places = places
        state = StateFile(places.state_file)
        self.bus = Bus()
        welcomes = not (resolved.welcome_skipped or places.temporary)
        self.appearance = Appearance(state, places.cache, resolved.layout, welcomes=welcomes)
        probing = _probe_limits(settings)
        self.choices = Choices(
            self.bus, state, Chosen(settings.mode, settings.distributed_inference, settings.model)
        )
        self.backends = Backends(self.bus, probing)
        self.pool = Pool(self.bus, _node_limits(settings))
        self.pulls = Pulls(self.bus, self.pool)
        self.upkeep = Upkeep(self.bus, self.pool, self.pulls)
        self.members = Membership(self.bus, state, self.backends, self.pool)
        self.discovery = Discovery(self.bus, self.backends, probing)
        self.engines = Engines(settings.engine, places.engine, places.cache, environment)
        self.catalogue = Catalogue(
            self._model_places(settings, environment),
            ModelReader(places.cache / "headers.json"),
        )
        self.coordinators = Coordinators(
            self.bus,
            self.backends,
            CoordinatorPlaces(
                places.state / "coordinators",
                places.state / "logs",
                places.history,
                places.temporary,
            ),
            settings.coordinator,
            environment,
        )
        self.planning = Planning(settings.placement, settings.coordinator, self.coordinators.history)
        self._plans = MeasuredPlans(self.planning, Winners(places.winners), self.engines)
        self.landlord = Landlord(self.coordinators, self.backends, self._plans)
        self.bench = PlacementBench(self.bus, self.coordinators, self.backends, self.engines, self._plans)
        self.idleness = Idleness(self.bus, self.coordinators, lambda: self.settings.coordinator.idle_unload_s)
        self.box = BoxWatch(self.bus)
        self.dispatcher = Dispatcher(
            lambda: self.settings,
            self.pool_in_use,
            self.choices,
            self.backends,
            self.pool,
            self.engines,
            self.catalogue,
            self.coordinators,
            self.planning,
            self.landlord,
        )
        self._answering = Answering(
            self.dispatcher.route, self.pool, self.dispatcher.coordinator_for, settings.chat
        )
        self.conversations = Conversations(
            self.bus, places.state / "conversations", lambda: self.settings.chat.keep
        )
        self.reload = Reload(self.bus, resolved, state, self._use)
        self._watches: list[asyncio.Task[None]] = []
        self.members.know(resolved)

    async def __aenter__(self) -> Self:
        if problem := await self.engines.problem():
            self.bus.say("engine", problem, Severity.WARNING)
        await self.meet_engine()
        await self.members.recall()
        await self.coordinators.adopt()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await self.conversations.flush()
        await self.bench.end()
        await self.coordinators.leave()
        await self.pool.close()

    async def meet_engine(self) -> None:
        """Find the engine, where that is not done yet, and probe the backends by its protocol from now on."""
        self.backends.protocol = await self.engines.protocol()

    async def fetch_engine(self) -> None:
        """Fetch the engine, telling each step, and use it from now on.

        Raises:
            InstallProblem, EngineProblem: as Engines.fetch and Engines.current.
        """
        async with aclosing(self.engines.fetch()) as steps:
            async for step in steps:
                self.bus.say("engine", step)
        await self.meet_engine()
        engine = await self.engines.current()
        self.bus.say("engine", f"ready: {engine.server}, {engine.version or UNKNOWN}", Severity.GOOD)

    def watch(self, broken: Callable[[BaseException], None]) -> None:
        """Begin to watch backends, nodes and this box; a console does, a single command does not.

        A watch ends only by a fault of this program, and then `broken` gets it.
        """

        def ended(watch: asyncio.Task[None]) -> None:
            error = None if watch.cancelled() else watch.exception()
            if error is not None:
                broken(error)

        watched = {
            "backends": self.backends.watch(lambda: self.settings.discovery.interval_s),
            "nodes": self.pool.watch(lambda: self.settings.ollama.poll_interval_s),
            "this box": self.box.watch(),
            "configuration": self.reload.watch(),
            "idleness": self.idleness.watch(),
        }
        self._watches += [asyncio.create_task(loop, name=f"watch {name}") for name, loop in watched.items()]
        for watch in self._watches:
            watch.add_done_callback(ended)

    async def look(self) -> None:
        """See once how every backend and node is now, and read the models of this box."""
        await asyncio.gather(
            self.backends.check(b.address for b in self.backends.known),
            self.pool.refresh(),
            self.catalogue.read(),
        )

    def models(self) -> tuple[Model, ...]:
        """Every model that can be named, as last read."""
        return self.catalogue.models(self.pool_in_use())

    def pool_in_use(self) -> tuple[Node, ...]:
        """The nodes that may answer: all in distributed mode, those on this box in standard mode."""
        if self.choices.now.mode == "distributed":
            return self.pool.nodes
        return tuple(node for node in self.pool.nodes if is_this_box(node.url))

    async def discover(self, where: Where | None = None) -> Sweep:
        """Sweep the networks of the settings, or `where`, and save the workers that are found."""
        sweep = await self.discovery.run(where or self._where, self._addresses)
        await self.members.keep_found(sweep.backends)
        return sweep

    async def look_for_backends(self, where: Where | None = None) -> Sweep:
        """Sweep as `discover` does, and keep nothing: workers that are new are offered, for `accept`."""
        return await self.discovery.look(where or self._where, self._addresses)

    async def accept(self, addresses: Iterable[Address]) -> tuple[Backend, ...]:
        """Make known and save these of the workers that were offered; returns those."""
        return await self.members.keep_found(self.discovery.accept(addresses))

    def begin(
        self, conversation: Conversation, prompt: str, attachments: tuple[Attachment, ...] = ()
    ) -> Turn:
        """Add a turn for the chosen model, or for the one that `using MODEL` at the end names.

        Raises:
            Problem: no model is chosen.
        """
        words, named = split_using(prompt, (model.name for model in self.models()))
        model = named or self.choices.now.model
        if model is None:
            raise Problem("No model is chosen.", "Choose one with 'model NAME'; 'models' lists the names.")
        return conversation.begin(words, model, attachments)

    async def ask(self, conversation: Conversation, prompt: str) -> AsyncGenerator[ChatPart]:
        """Stream the answer to `prompt`.

        Raises:
            Problem: whatever `begin` and Answering.answer raise.
        """
        self.begin(conversation, prompt)
        async with aclosing(self.answer(conversation)) as parts:
            async for part in parts:
                yield part

    async def answer(self, conversation: Conversation) -> AsyncGenerator[ChatPart]:
        """Stream the answer to the newest turn, or its rest; kept before and after, however it ends.

        Raises:
            Problem: whatever Answering.answer raises.
        """
        self.conversations.keep(conversation)
        try:
            async with aclosing(self._answering.answer(conversation)) as parts:
                async for part in parts:
                    yield part
        finally:
            self.conversations.keep(conversation)

    async def _use(self, resolved: Resolved, changed: Collection[str]) -> None:
        """Put other settings to use; what a running coordinator was started with stays as it is."""
        before, settings = self.resolved, resolved.settings
        self.settings, self.resolved = settings, resolved
        self.backends.limits = self.discovery.limits = _probe_limits(settings)
        self.pool.configure(_node_limits(settings))
        self.coordinators.settings = settings.coordinator
        self.planning.placement, self.planning.coordinator = settings.placement, settings.coordinator
        self.catalogue.places = self._model_places(settings, resolved.sources.environment)
        self._answering.settings = settings.chat
        chosen = self.choices.now
        self.choices.take(
            Chosen(
                settings.mode if "mode" in changed else chosen.mode,
                settings.distributed_inference if "distributed_inference" in changed else chosen.distributed,
                settings.model if "model" in changed else chosen.model,
            )
        )
        await self.members.follow(before, resolved)

    @property
    def _where(self) -> Where:
        settings = self.settings
        return Where(settings.networks, settings.ports, settings.discovery.virtual_interfaces)

    @property
    def _addresses(self) -> tuple[Address, ...]:
        return tuple(backend.address for backend in self.backends.known)

    def _model_places(self, settings: Settings, environment: Mapping[str, str]) -> ModelPlaces:
        return ModelPlaces(settings.models.store, settings.models.folders, environment, self.places.home)


def _probe_limits(settings: Settings) -> ProbeLimits:
    return ProbeLimits(
        connect_s=settings.discovery.connect_timeout_s, reply_s=settings.discovery.reply_timeout_s
    )


def _node_limits(settings: Settings) -> OllamaLimits:
    return OllamaLimits(
        connect_s=settings.ollama.connect_timeout_s,
        reply_s=settings.ollama.reply_timeout_s,
        first_part_s=settings.ollama.first_part_timeout_s,
        idle_s=settings.ollama.idle_timeout_s,
    )
