"""What a coordinator is, as everybody else sees it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from app.core.events import CoordinatorChange
from app.core.placement import Placement
from app.core.plan import Plan
from app.llama.failure import Failure
from app.text.address import Address
from app.text.problem import Problem


class CoordinatorState(StrEnum):
    """Where a coordinator is in its life."""

    RESOLVING = "resolving"
    """The model's weights are being looked up."""
    CHECKING = "checking"
    """Every chosen backend is being probed."""
    STARTING = "starting"
    """The process runs and connects to its backends; its HTTP port is not open yet."""
    LOADING = "loading"
    """It answers, and loads the model."""
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


LOADS = frozenset({CoordinatorState.STARTING, CoordinatorState.LOADING})
"""The states in which a load is under way."""
ENDED = frozenset({CoordinatorState.STOPPED, CoordinatorState.FAILED})


@dataclass(frozen=True, slots=True)
class CoordinatorStatus:
    """What a face shows of a coordinator."""

    state: CoordinatorState
    model: str
    backends: tuple[Address, ...] = ()
    since: datetime | None = None
    """When it was asked for."""
    started: datetime | None = None
    """When its process was: the log counts its seconds from here."""
    pid: int | None = None
    port: int | None = None
    log: Path | None = None
    argv: tuple[str, ...] = ()
    ready_in_s: float | None = None
    """From the wish to readiness; None for one that was adopted, or is not ready."""
    context: int | None = None
    """Tokens that one conversation can have, once it is ready and says so."""
    planned: Plan | None = None
    """Which layers were to go where; None where that was not planned, or is not known any more."""
    placement: tuple[Placement, ...] = ()
    """The actual placement, read back after the load."""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class CoordinatorChanged(CoordinatorChange):
    """The coordinator is now as `status` says."""

    status: CoordinatorStatus

    @property
    def thing(self) -> Hashable:
        """One coordinator."""
        return "coordinator", self.of


@dataclass(frozen=True, slots=True)
class CoordinatorForgotten(CoordinatorChange):
    """A coordinator that had ended is of no interest any more, for another was begun."""

    @property
    def thing(self) -> Hashable:
        """One coordinator: replaces whatever was said of it before."""
        return "coordinator", self.of


class CoordinatorFailed(Problem):
    """No coordinator is running for the model, and why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.cause, failure.remedy)
        self.failure = failure
