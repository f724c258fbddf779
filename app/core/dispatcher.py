"""Sends each model where it goes: decides its route, plans its layers, and has a coordinator load it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from app.config.settings import Settings, Swap
from app.core.backends import USABLE, Backends
from app.core.choices import Choices
from app.core.coordinator import Coordinator
from app.core.coordinator_status import CoordinatorStatus
from app.core.coordinators import Claim, Coordinators
from app.core.engines import Engines
from app.core.first_load import is_of_a_large_model, was_loaded_before
from app.core.landlord import Landlord
from app.core.launch import LaunchPlan
from app.core.models import Catalogue, Model, Source
from app.core.node_plan import plan_of_node
from app.core.past_speed import past_rate
from app.core.plan import Plan
from app.core.planning import AS_SET, Change, Planned, Planning
from app.core.pool import Node, Pool
from app.core.routing import Lack, Policy, Route, Surroundings, Target, decide, decide_start
from app.core.tenancy import CHANCES, Overtaken
from app.text.problem import Problem

_OVERFILL = "'!' in the plan view, or 'synaptic-tui start MODEL --anyway', loads it all the same."


class Dispatcher:
    """Knows nothing itself: it asks the parts of the cluster how things are, and then decides."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        pool_in_use: Callable[[], tuple[Node, ...]],
        choices: Choices,
        backends: Backends,
        pool: Pool,
        engines: Engines,
        catalogue: Catalogue,
        coordinators: Coordinators,
        planning: Planning,
        landlord: Landlord,
    ) -> None:
        self._settings = settings
        self._pool_in_use = pool_in_use
        """The nodes that may answer now."""
        self._choices = choices
        self._backends = backends
        self._pool = pool
        self._engines = engines
        self._catalogue = catalogue
        self._coordinators = coordinators
        self._planning = planning
        self._landlord = landlord

    async def route(self, name: str) -> Route:
        """Where a prompt for `name` would go, as things were last seen, and why.

        Raises:
            UnknownModel: no model has that name.
        """
        return await self.route_of(await self._find(name))

    async def route_of(self, model: Model) -> Route:
        """Where a prompt for this model would go, as things were last seen, and why."""
        return decide(model, self._policy(), await self._around(model))

    async def is_first_load(self, route: Route) -> bool:
        """Whether a person is to see where the layers go before they do: of a large model, the first time."""
        if not self._settings().placement.confirm:
            return False
        if not is_of_a_large_model(route, self._settings().routing.pool_up_to):
            return False
        history, name = self._coordinators.history, route.model.name
        return not await asyncio.to_thread(was_loaded_before, history, name)

    async def _around(self, model: Model, plan: Plan | None = None, swap: Swap | None = None) -> Surroundings:
        """What there is to choose from for a model; with where its layers would go, if that is a question."""
        await self._look_at_the_unseen()
        nodes = self._pool_in_use()
        serving = self.serving(model.name) if plan is None else None
        around = Surroundings(
            distributed=self._choices.now.distributed,
            nodes=tuple(n for n in self._pool.candidates(model.name) if n in nodes),
            backends=tuple(backend for backend in self._backends.known if backend.enabled),
            coordinator_problem=await self._engines.problem(),
            local_only=await self._engines.problem_with_backends(),
            serving=serving.status.backends if serving else None,
        )
        if serving or model.path is None or model.problem is not None:
            return around
        spreads = around.distributed and not around.local_only
        if not spreads or not any(backend.state in USABLE for backend in around.backends):
            return replace(around, way=await self._landlord.clear(model.name, (), swap))
        if plan is not None:
            way = await self._landlord.clear(model.name, plan.backends, swap)
            return replace(around, placement=plan, way=way)
        try:
            placement, way = await self._landlord.place(model.name, model.path, AS_SET, swap)
        except Problem as problem:
            everywhere = tuple(backend.address for backend in self._backends.known)
            way = await self._landlord.clear(model.name, everywhere, swap)
            return replace(around, unplanned=str(problem), way=way)
        return replace(around, placement=placement, way=way)

    async def plan(self, name: str, change: Change = AS_SET) -> Planned:
        """Where the layers of a model would go, over the backends as they were last seen.

        Raises:
            UnknownModel: no model has that name.
            Problem: llama.cpp cannot load it, or nothing can be planned.
        """
        model = await self._find(name)
        if model.source is Source.NODE:
            return await plan_of_node(model, self._pool, self._planning, self._backends.at_their_best, change)
        placed, way = await self._landlord.place(model.name, _path(model), change, None)
        planned = replace(placed, reasons=(*placed.reasons, *way.reasons))
        if isinstance(planned, Plan):
            past = await asyncio.to_thread(self._coordinators.history.known)
            planned = replace(planned, past_rate=past_rate(past, model.name, planned))
        return planned

    async def loadable(self, name: str) -> Model:
        """The model of that name, which a coordinator of this box can load; no backend is unseen afterwards.

        Raises:
            UnknownModel: no model has that name.
            Problem: it has no file here that llama.cpp can load.
        """
        model = await self._find(name)
        _path(model)
        return model

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
                await self._coordinators.stop(route.model.name)
            with suppress(Overtaken):
                return (await self.coordinator_for(route, swap)).status
        raise Overtaken

    async def route_of_start(self, name: str, plan: Plan | None = None, swap: Swap | None = None) -> Route:
        """Where `start` would have it loaded, and why.

        Raises:
            UnknownModel: no model has that name.
        """
        model = await self._find(name)
        return decide_start(model, await self._around(model, plan, swap))

    def serving(self, model: str) -> Coordinator | None:
        """The coordinator that serves it, or is on its way to."""
        return self._coordinators.of(model)

    async def restart(self, name: str | None = None) -> CoordinatorStatus:
        """Load `name`, or the model of the newest coordinator, again, on backends that are chosen anew.

        Raises:
            Problem: there was none, or what `start` raises.
        """
        current = self._coordinators.current
        model = name or (current.status.model if current is not None else None)
        if model is None:
            raise Problem("No coordinator has run yet.", "Start one with 'start MODEL'.")
        await self._coordinators.stop(model)
        await self._backends.check(backend.address for backend in self._backends.known)
        return await self.start(model)

    async def _find(self, name: str) -> Model:
        await self._look_at_the_unseen()
        return await self._catalogue.find(name, self._pool_in_use())

    async def _look_at_the_unseen(self) -> None:
        """Nothing is decided on a backend or node that nobody has looked at yet."""
        unseen = [
            backend.address for backend in self._backends.known if backend.enabled and backend.state is None
        ]
        looks = [self._backends.check(unseen)] if unseen else []
        if any(node.up is None for node in self._pool.nodes):
            await asyncio.gather(self._pool.refresh(), *looks)
        else:
            await asyncio.gather(*looks)

    async def coordinator_for(self, route: Route, swap: Swap | None = None) -> Coordinator:
        """The coordinator that a route leads to, ready.

        Raises:
            Overtaken: the route does not hold any more.
            Problem: it could not be started.
        """

        async def resolve() -> LaunchPlan:
            model = await self._catalogue.current(route.model)
            return LaunchPlan(model.name, _path(model), model.facts.size, route.backends, route.placement)

        claim = Claim(route.model.name, route.backends, route.stops, self._landlord.swap(swap))
        return await self._coordinators.ensure(claim, resolve, await self._engines.current())

    def _policy(self) -> Policy:
        routing = self._settings().routing
        return Policy(
            routing.pool_up_to,
            routing.pool_preferred_up_to,
            {name: Target(target) for name, target in routing.pins.items()},
        )


def _path(model: Model) -> Path:
    """The file that a coordinator of this box would load.

    Raises:
        Problem: there is none, or llama.cpp cannot load it.
    """
    if model.path is None or model.problem is not None:
        raise Problem(
            model.problem or f"No GGUF of {model.name} is on this box.",
            "" if model.problem else "Pull it on this box with 'ollama pull', or give a path.",
        )
    return model.path
