"""Where a prompt goes, and why: the pool, or a coordinator with these backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from app.core.backends import USABLE, Backend
from app.core.models import Model
from app.core.plan import Misfit, Plan
from app.core.pool import Node
from app.core.tenancy import FREE_WAY, Way
from app.text.address import Address
from app.text.units import UNKNOWN, bytes_text, count_text, plural


class Target(StrEnum):
    """The two sides that can answer."""

    OLLAMA = "ollama"
    COORDINATOR = "coordinator"


class Lack(StrEnum):
    """What is missing where nothing can answer for a model, in a few words."""

    NODE = "no node that is up has it"
    FILE = "no GGUF of it on this box"
    LOADABLE = "llama.cpp cannot load it"
    MEMORY = "it does not fit on the backends"
    HELD = "another model holds what it needs"
    ENGINE = "no engine to run it"


@dataclass(frozen=True, slots=True)
class Policy:
    """The thresholds of routing, in parameters, and what a person has pinned."""

    pool_up_to: int = 13_000_000_000
    """Up to here the pool answers."""
    pool_preferred_up_to: int = 70_000_000_000
    """Up to here the pool answers if a node has the model."""
    pins: Mapping[str, Target] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is to choose from, at the moment of choosing."""

    distributed: bool
    """Whether llama.cpp distribution is on."""
    nodes: tuple[Node, ...]
    """Nodes that are up and have the model, the one to ask first at the front."""
    backends: tuple[Backend, ...]
    """Every backend that is known, as last seen."""
    coordinator_problem: str | None = None
    """Why no coordinator can be started at all, such as a missing engine; None where one can."""
    local_only: str | None = None
    """Why no coordinator can use backends, such as an engine without RPC; None where it can."""
    serving: tuple[Address, ...] | None = None
    """The backends of the coordinator that serves the model already; None where none does."""
    placement: Plan | Misfit | None = None
    """Where the layers would go; None where that was not planned."""
    unplanned: str | None = None
    """Why it was not, in a sentence; None where nobody needs to know."""
    way: Way = FREE_WAY
    """Who has to make way for a coordinator of it."""


@dataclass(frozen=True, slots=True)
class Route:
    """The decision, with its reasons line by line."""

    model: Model
    target: Target | None
    """None: nothing here can answer, and the reasons say why."""
    node: str | None
    backends: tuple[Address, ...]
    """Empty for a coordinator that runs on this box alone."""
    reasons: tuple[str, ...]
    lack: Lack | None = None
    """Why nothing here can answer; None where something can."""
    placement: Plan | None = None
    """Which layers a coordinator is to put where; None where that was not planned."""
    stops: tuple[str, ...] = ()
    """The models whose coordinators are stopped for it."""

    @property
    def cautions(self) -> tuple[str, ...]:
        """What goes wrong with the model where it would run; Ollama knows its own models."""
        return self.model.facts.cautions if self.target is Target.COORDINATOR else ()

    @property
    def summary(self) -> str:
        """In a few words: `ollama at http://…`, `coordinator over 3 backends`."""
        if self.target is Target.OLLAMA:
            return f"ollama at {self.node}"
        if self.target is Target.COORDINATOR and self.backends:
            return f"coordinator over {plural(len(self.backends), 'backend')}"
        return "coordinator on this box alone" if self.target else "nowhere"


@dataclass(frozen=True, slots=True)
class _Choice:
    """One side that was looked at: can it answer, and what is there to say about it."""

    target: Target
    reasons: tuple[str, ...]
    lack: Lack | None = None
    """Why it cannot answer; None where it can."""
    node: str | None = None
    backends: tuple[Address, ...] = ()
    placement: Plan | None = None
    stops: tuple[str, ...] = ()


def decide(model: Model, policy: Policy, around: Surroundings) -> Route:
    """Choose who answers for `model`: from real sizes and what is there now, never from a name."""
    pool, coordinator = _pool(around), _coordinator(model, around)
    order, why = _preference(model, policy, pool, coordinator)
    reasons = [_size(model), why]
    for choice in order:
        reasons.extend(choice.reasons)
        if choice.lack is None:
            return Route(
                model,
                choice.target,
                choice.node,
                choice.backends,
                tuple(reasons),
                placement=choice.placement,
                stops=choice.stops,
            )
    return Route(model, None, None, (), tuple(reasons), order[-1].lack)


def decide_start(model: Model, around: Surroundings) -> Route:
    """The side of the coordinator alone: for whoever wants one, wherever prompts would go."""
    choice = _coordinator(model, around)
    return Route(
        model,
        choice.target if choice.lack is None else None,
        None,
        choice.backends,
        (_size(model), *choice.reasons),
        choice.lack,
        choice.placement,
        choice.stops,
    )


def _preference(
    model: Model, policy: Policy, pool: _Choice, coordinator: _Choice
) -> tuple[tuple[_Choice, ...], str]:
    pin = policy.pins.get(model.name)
    if pin is not None:
        return (pool if pin is Target.OLLAMA else coordinator,), f"Pinned to {pin} by a person."
    parameters = model.facts.parameters
    if parameters is None:
        return (pool, coordinator), "Without a size there is no threshold to apply: the pool is asked first."
    low, high = _threshold(policy.pool_up_to), _threshold(policy.pool_preferred_up_to)
    if parameters <= policy.pool_up_to:
        return (pool, coordinator), f"Up to {low}: the Ollama pool answers."
    if parameters <= policy.pool_preferred_up_to:
        return (
            pool,
            coordinator,
        ), f"Above {low} and up to {high}: the pool if a node has it, else distributed."
    if coordinator.backends or coordinator.lack in (Lack.MEMORY, Lack.HELD):
        return (coordinator, pool), f"Above {high}: distributed."
    return (
        pool,
        coordinator,
    ), f"Above {high}: distributed, but no backend can be used, so the pool is asked first."


def _threshold(parameters: int) -> str:
    """As people write it: 70B, not 70.0B."""
    return count_text(parameters).replace(".0", "")


def _size(model: Model) -> str:
    facts = model.facts
    if facts.parameters is None:
        return f"The parameters of {model.name} are not known ({bytes_text(facts.size)})."
    active = f", {count_text(facts.active_parameters)} active per token" if _is_sparse(model) else ""
    told_by = "its GGUF header" if model.path else "its node"
    quantization = facts.quantization or UNKNOWN
    return (
        f"{model.name} has {count_text(facts.parameters)} parameters{active} "
        f"({bytes_text(facts.size)}, {quantization}), as {told_by} says."
    )


def _is_sparse(model: Model) -> bool:
    return model.facts.active_parameters not in (None, model.facts.parameters)


def _pool(around: Surroundings) -> _Choice:
    if not around.nodes:
        return _Choice(Target.OLLAMA, ("No Ollama node that is up has it.",), Lack.NODE)
    first, *others = around.nodes
    busy = f", {plural(first.in_flight, 'request')} of ours in flight" if first.in_flight else ""
    rest = (
        f"; so {'has' if len(others) == 1 else 'have'} {plural(len(others), 'other node')}" if others else ""
    )
    return _Choice(Target.OLLAMA, (f"{first.url} has it{busy}{rest}.",), node=first.url)


def _coordinator(model: Model, around: Surroundings) -> _Choice:
    obstacle = _obstacle(model, around)
    if obstacle is not None:
        lack, reason = obstacle
        return _Choice(Target.COORDINATOR, (reason,), lack)
    if around.way.refusals:
        return _Choice(Target.COORDINATOR, around.way.reasons, Lack.HELD)
    choice = _without_obstacle(around)
    stops = tuple(tenant.model for tenant in around.way.stops)
    return replace(choice, reasons=(*choice.reasons, *around.way.reasons), stops=stops)


def _without_obstacle(around: Surroundings) -> _Choice:
    if not around.distributed:
        return _Choice(Target.COORDINATOR, ("Distribution is off: a coordinator on this box alone.",))
    if around.local_only:
        return _Choice(Target.COORDINATOR, (f"On this box alone: {around.local_only}",))
    return _over_backends(around)


def _over_backends(around: Surroundings) -> _Choice:
    if around.serving is not None:
        over = _over(around.serving) if around.serving else "A coordinator on this box alone."
        return _Choice(Target.COORDINATOR, (over, "It is running already."), backends=around.serving)
    usable = [b for b in around.backends if b.state in USABLE]
    left_out = [f"{b.address} is left out: {_why_not(b)}." for b in around.backends if b.state not in USABLE]
    if not usable:
        known = "no backend is known" if not around.backends else "no backend is free"
        return _Choice(Target.COORDINATOR, (*left_out, f"On this box alone: {known}."))
    planned = around.placement
    if planned is None:
        addresses = tuple(b.address for b in usable)
        unplanned = (around.unplanned,) if around.unplanned else ()
        return _Choice(Target.COORDINATOR, (*left_out, _over(addresses), *unplanned), backends=addresses)
    excluded = [f"{each.address} is left out: {each.reason}" for each in planned.excluded]
    if isinstance(planned, Misfit):
        short = f"It does not fit on the backends: {bytes_text(planned.short_by)} of it have no place."
        reasons = (*excluded, short, *map(str, planned.nearest))
        return _Choice(Target.COORDINATOR, reasons, Lack.MEMORY)
    reasons = (*excluded, _over(planned.backends), *planned.reasons)
    return _Choice(Target.COORDINATOR, reasons, backends=planned.backends, placement=planned)


def _over(backends: Sequence[Address]) -> str:
    return f"A coordinator over {plural(len(backends), 'backend')}: {', '.join(map(str, backends))}."


def _obstacle(model: Model, around: Surroundings) -> tuple[Lack, str] | None:
    if model.path is None and model.problem is None:
        return Lack.FILE, f"No GGUF of {model.name} is on this box for a coordinator to load."
    if model.problem is not None:
        said = model.problem if model.path is None else f"No coordinator can load it. {model.problem}"
        return Lack.LOADABLE, said
    if around.coordinator_problem is not None:
        return Lack.ENGINE, f"No coordinator can start: {around.coordinator_problem}"
    return None


def _why_not(backend: Backend) -> str:
    if backend.state is None:
        return "not probed yet"
    return f"{backend.state} ({backend.detail})" if backend.detail else str(backend.state)
