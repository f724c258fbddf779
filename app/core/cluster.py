"""The cluster: puts the parts together; the one object that a face is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from app.box.interfaces import is_this_box
from app.config.folders import state_folder
from app.config.origins import Resolved
from app.config.settings import Settings, Swap
from app.config.state import StateFile
from app.core.answering import Answering
from app.core.appearance import Appearance
from app.core.backends import USABLE, Backend, Backends
from app.core.chat import Attachment, ChatPart, Conversation, Turn, split_using
from app.core.choices import Choices, Chosen
from app.core.conversations import Conversations
from app.core.coordinator import Coordinator
from app.core.coordinator_status import CoordinatorStatus
from app.core.coordinators import Claim, CoordinatorPlaces, Coordinators
from app.core.discovery import Discovery, Sweep, Where
from app.core.engines import Engines
from app.core.events import Bus, Severity
from app.core.facts import ModelReader
from app.core.first_load import is_of_a_large_model, was_loaded_before
from app.core.idleness import Idleness
from app.core.landlord import Landlord
from app.core.launch import LaunchPlan
from app.core.measured_plans import MeasuredPlans
from app.core.membership import Membership
from app.core.models import Catalogue, Model, ModelPlaces, Source
from app.core.node_plan import plan_of_node
from app.core.past_speed import past_rate
from app.core.placement_bench import PlacementBench
from app.core.plan import Plan
from app.core.planning import AS_SET, Change, Planned, Planning
from app.core.pool import Node, Pool
from app.core.pulls import Pulls
from app.core.reload import Reload
from app.core.routing import Lack, Policy, Route, Surroundings, Target, decide, decide_start
from app.core.tenancy import CHANCES, Overtaken
from app.core.upkeep import Upkeep
from app.core.vitals import BoxWatch
from app.core.winners import Winners
from app.ollama.client import OllamaLimits
from app.rpc.probe import ProbeLimits
from app.text.address import Address
from app.text.problem import Problem
from app.text.units import UNKNOWN

_OVERFILL = "'!' in the plan view, or 'synaptic-tui start MODEL --anyway', loads it all the same."


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
        self._answering = Answering(self.route, self.pool, self._coordinator_for, settings.chat)
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

    async def route(self, name: str) -> Route:
        """Where a prompt for `name` would go, as things were last seen, and why.

        Raises:
            UnknownModel: no model has that name.
        """
        await self._look_at_the_unseen()
        return await self.route_of(await self.catalogue.find(name, self.pool_in_use()))

    async def route_of(self, model: Model) -> Route:
        """Where a prompt for this model would go, as things were last seen, and why."""
        return decide(model, self._policy(), await self._around(model))

    async def is_first_load(self, route: Route) -> bool:
        """Whether a person is to see where the layers go before they do: of a large model, the first time."""
        if not self.settings.placement.confirm:
            return False
        if not is_of_a_large_model(route, self.settings.routing.pool_up_to):
            return False
        history, name = self.coordinators.history, route.model.name
        return not await asyncio.to_thread(was_loaded_before, history, name)

    async def _around(self, model: Model, plan: Plan | None = None, swap: Swap | None = None) -> Surroundings:
        """What there is to choose from for a model; with where its layers would go, if that is a question."""
        await self._look_at_the_unseen()
        nodes = self.pool_in_use()
        serving = self.serving(model.name) if plan is None else None
        around = Surroundings(
            distributed=self.choices.now.distributed,
            nodes=tuple(n for n in self.pool.candidates(model.name) if n in nodes),
            backends=tuple(backend for backend in self.backends.known if backend.enabled),
            coordinator_problem=await self.engines.problem(),
            local_only=await self.engines.problem_with_backends(),
            serving=serving.status.backends if serving else None,
        )
        if serving or model.path is None or model.problem is not None:
            return around
        spreads = around.distributed and not around.local_only
        if not spreads or not any(backend.state in USABLE for backend in around.backends):
            return replace(around, way=await self.landlord.clear(model.name, (), swap))
        if plan is not None:
            way = await self.landlord.clear(model.name, plan.backends, swap)
            return replace(around, placement=plan, way=way)
        try:
            placement, way = await self.landlord.place(model.name, model.path, AS_SET, swap)
        except Problem as problem:
            way = await self.landlord.clear(model.name, self._addresses, swap)
            return replace(around, unplanned=str(problem), way=way)
        return replace(around, placement=placement, way=way)

    async def plan(self, name: str, change: Change = AS_SET) -> Planned:
        """Where the layers of a model would go, over the backends as they were last seen.

        Raises:
            UnknownModel: no model has that name.
            Problem: llama.cpp cannot load it, or nothing can be planned.
        """
        await self._look_at_the_unseen()
        model = await self.catalogue.find(name, self.pool_in_use())
        if model.source is Source.NODE:
            return await plan_of_node(model, self.pool, self.planning, self.backends.at_their_best, change)
        model = await self.loadable(name)
        assert model.path is not None, "it is on this box"
        placed, way = await self.landlord.place(model.name, model.path, change, None)
        planned = replace(placed, reasons=(*placed.reasons, *way.reasons))
        if isinstance(planned, Plan):
            past = await asyncio.to_thread(self.coordinators.history.known)
            planned = replace(planned, past_rate=past_rate(past, model.name, planned))
        return planned

    async def loadable(self, name: str) -> Model:
        """The model of that name, which a coordinator of this box can load; no backend is unseen afterwards.

        Raises:
            UnknownModel: no model has that name.
            Problem: it has no file here that llama.cpp can load.
        """
        await self._look_at_the_unseen()
        model = await self.catalogue.find(name, self.pool_in_use())
        if model.path is None or model.problem is not None:
            raise Problem(
                model.problem or f"No GGUF of {model.name} is on this box.",
                "" if model.problem else "Pull it on this box with 'ollama pull', or give a path.",
            )
        return model

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

    async def start(self, name: str, plan: Plan | None = None, swap: Swap | None = None) -> CoordinatorStatus:
        """Have `name` loaded by a coordinator, wherever its prompts would go, and wait until it is ready.

        `plan` says which layers go where; None: as planned now. For it, one that serves the model makes way.
        `swap` says who else may have to; None: as the settings say.

        Raises:
            Problem: no coordinator can serve it, or it failed; with the cause and the remedy.
        """
        for _ in range(CHANCES):
            route = await self.route_of_start(name, plan, swap)
            if route.target is None or (plan is not None and route.placement is None):
                remedy = _OVERFILL if route.lack is Lack.MEMORY else ""
                raise Problem(f"{route.model.name}: {' '.join(route.reasons[1:])}", remedy)
            if plan is not None:
                await self.coordinators.stop(route.model.name)
            with suppress(Overtaken):
                return (await self._coordinator_for(route, swap)).status
        raise Overtaken

    async def route_of_start(self, name: str, plan: Plan | None = None, swap: Swap | None = None) -> Route:
        """Where `start` would have it loaded, and why.

        Raises:
            UnknownModel: no model has that name.
        """
        await self._look_at_the_unseen()
        model = await self.catalogue.find(name, self.pool_in_use())
        return decide_start(model, await self._around(model, plan, swap))

    def serving(self, model: str) -> Coordinator | None:
        """The coordinator that serves it, or is on its way to."""
        return self.coordinators.of(model)

    async def restart(self, name: str | None = None) -> CoordinatorStatus:
        """Load `name`, or the model of the newest coordinator, again, on backends that are chosen anew.

        Raises:
            Problem: there was none, or what `start` raises.
        """
        current = self.coordinators.current
        model = name or (current.status.model if current is not None else None)
        if model is None:
            raise Problem("No coordinator has run yet.", "Start one with 'start MODEL'.")
        await self.coordinators.stop(model)
        await self.backends.check(backend.address for backend in self.backends.known)
        return await self.start(model)

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

    async def _look_at_the_unseen(self) -> None:
        """Nothing is decided on a backend or node that nobody has looked at yet."""
        unseen = [
            backend.address for backend in self.backends.known if backend.enabled and backend.state is None
        ]
        looks = [self.backends.check(unseen)] if unseen else []
        if any(node.up is None for node in self.pool.nodes):
            await asyncio.gather(self.pool.refresh(), *looks)
        else:
            await asyncio.gather(*looks)

    async def _coordinator_for(self, route: Route, swap: Swap | None = None) -> Coordinator:
        async def resolve() -> LaunchPlan:
            model = await self.catalogue.current(route.model)
            if model.path is None or model.problem is not None:
                raise Problem(model.problem or f"No GGUF of {model.name} is on this box.")
            return LaunchPlan(model.name, model.path, model.facts.size, route.backends, route.placement)

        claim = Claim(route.model.name, route.backends, route.stops, self.landlord.swap(swap))
        return await self.coordinators.ensure(claim, resolve, await self.engines.current())

    def _policy(self) -> Policy:
        routing = self.settings.routing
        return Policy(
            routing.pool_up_to,
            routing.pool_preferred_up_to,
            {name: Target(target) for name, target in routing.pins.items()},
        )


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
