"""Measures placements of a model one after the other, each on a coordinator of its own; keeps the fastest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from app.core.answering import true_cause
from app.core.backends import Backends
from app.core.bench_steps import Begun, Loaded, Speed, Step, Trial, Tried, Verdict, speed_of, winner_of
from app.core.candidates import Candidate, candidates
from app.core.coordinator import Coordinator
from app.core.coordinator_status import CoordinatorState
from app.core.coordinators import Claim, Coordinators
from app.core.engines import Engines
from app.core.events import Bus, Severity
from app.core.launch import LaunchPlan
from app.core.measured_plans import MeasuredPlans
from app.core.models import Model
from app.core.winners import Contest, Winner
from app.llama.engine import Engine
from app.text.answer import AnswerBroken, Finished, Message, Stage, Timings
from app.text.problem import Problem
from app.text.units import duration_text, rate_text

QUESTION = Message(
    "user",
    "A ship sails from the harbour at dawn with forty barrels of salt, twelve sacks of grain and a letter "
    "for the keeper of the lighthouse. Tell what happens on the way, who is on board, and how it ends.",
)
"""The same for every model; even a tokenizer that knows none of its words needs fewer than 300 tokens."""
OPTIONS: Mapping[str, object] = {
    "n_predict": 32,
    "temperature": 0,
    "ignore_eos": True,
    # Else the second request would not read the prompt again.
    "cache_prompt": False,
}
REQUESTS = 5


@dataclass(frozen=True, slots=True)
class BenchLimits:
    """How much is tried."""

    candidates: int = 4
    budget_s: float = 300.0
    """For all of them together. Each has at most half of what is left, the last one all of it."""


class PlacementBench:
    """Runs one bench at a time, while no coordinator runs."""

    def __init__(
        self,
        bus: Bus,
        coordinators: Coordinators,
        backends: Backends,
        engines: Engines,
        plans: MeasuredPlans,
    ) -> None:
        self._bus = bus
        self._coordinators = coordinators
        self._backends = backends
        self._engines = engines
        self._plans = plans
        self.running: str | None = None
        """The model that is measured; None while no bench is under way."""
        self._has_started = False
        """Whether a coordinator of the bench is on its way or serving."""

    async def run(self, model: Model, limits: BenchLimits = BenchLimits()) -> AsyncGenerator[Step]:
        """Measure placements of `model`, telling each step; the last one is the Verdict.

        However it ends, also by closing the stream, no coordinator of it is left running.

        Raises:
            Problem: a coordinator or a bench is under way, nothing can be planned, or the coordinator was
                stopped by somebody else.
        """
        if self.running is not None:
            raise Problem(f"A bench of {self.running} is under way.", "Wait for its end, or end it.")
        self.running = model.name
        try:
            async with aclosing(self._steps(model, limits)) as steps:
                async for step in steps:
                    failed = isinstance(step, Tried) and step.trial.speed is None
                    self._bus.say("bench", str(step), Severity.WARNING if failed else Severity.INFO)
                    yield step
        finally:
            self.running = None

    async def end(self) -> None:
        """Stop the coordinator of a bench that is under way, and with it the bench."""
        if self._has_started and self.running is not None:
            await self._coordinators.stop(self.running)

    async def forget(self, model: Model) -> int:
        """Plan the model again as if it had never been measured; returns how many measurements that were.

        Raises:
            Problem: the file of them cannot be read or written.
        """
        return await asyncio.to_thread(self._plans.winners.forget, _path(model))

    async def _steps(self, model: Model, limits: BenchLimits) -> AsyncGenerator[Step]:
        clock = asyncio.get_running_loop().time
        end = clock() + limits.budget_s
        await self._only_while_none_runs()
        if without_backends := await self._engines.problem_with_backends():
            raise Problem(without_backends)
        engine = await self._engines.current()
        path, backends = _path(model), self._backends.at_their_best
        planned = partial(self._plans.planning.plan, path, backends)
        found = await candidates(planned, backends, limits.candidates)
        contest = await self._plans.contest(path, found[0].plan, backends)
        trials: list[Trial] = []
        for number, candidate in enumerate(found, 1):
            left = end - clock()
            if left <= min((trial.ready_in_s for trial in trials if trial.ready_in_s), default=0.0):
                trials.append(Trial(candidate, problem="No time was left for it."))
                yield Tried(number, trials[-1])
                continue
            yield Begun(number, len(found), candidate)
            if number > 1:
                await self._only_while_none_runs()
            share_s = left if number == len(found) else left / 2
            async with aclosing(self._try(number, model, candidate, engine, share_s)) as steps:
                async for step in steps:
                    if isinstance(step, Tried):
                        trials.append(step.trial)
                    yield step
        winner = winner_of(trials)
        remark = await self._keep(contest, trials, winner)
        yield Verdict(model.name, found[0].plan.context, tuple(trials), winner, remark)

    async def _only_while_none_runs(self) -> None:
        await self._coordinators.adopt()
        running = self._coordinators.running
        if running is not None:
            raise Problem(
                f"A coordinator of {running.status.model} is running, and would be in the way of a bench.",
                "Stop it first, with 'stop'.",
            )

    async def _try(
        self, number: int, model: Model, candidate: Candidate, engine: Engine, share_s: float
    ) -> AsyncGenerator[Loaded | Tried]:
        clock = asyncio.get_running_loop().time
        deadline = clock() + share_s

        async def resolve() -> LaunchPlan:
            self._has_started = True
            plan = candidate.plan
            return LaunchPlan(model.name, _path(model), model.facts.size, plan.backends, plan)

        ready_in_s, problem = None, ""
        measured: list[Timings] = []
        try:
            async with asyncio.timeout_at(deadline):
                claim = Claim(model.name, candidate.plan.backends)
                coordinator = await self._coordinators.ensure(claim, resolve, engine)
            if not self._has_started:
                raise Problem(f"A coordinator of {model.name} was started in the middle of the bench.")
            ready_in_s = coordinator.status.ready_in_s
            yield Loaded(number, ready_in_s)
            await _ask(coordinator, deadline)
            while len(measured) < REQUESTS:
                measured.append(await _ask(coordinator, deadline))
        except TimeoutError:
            problem = f"It took longer than the {duration_text(share_s)} that it had."
        except Problem as failed:
            if not self._has_started or self._was_stopped():
                raise
            problem = failed.sentence
            measured.clear()
        finally:
            await asyncio.shield(self.end())
            self._has_started = False
        speed = speed_of(measured)
        if speed is None and not problem:
            problem = "The engine does not say how fast it was."
        yield Tried(number, Trial(candidate, ready_in_s, speed, "" if speed else problem))

    def _was_stopped(self) -> bool:
        current = self._coordinators.current
        stopped = (CoordinatorState.STOPPING, CoordinatorState.STOPPED)
        return current is not None and current.status.state in stopped

    async def _keep(self, contest: Contest | None, trials: list[Trial], winner: Trial | None) -> str:
        """Remember the winner; what there is to say of it."""
        if winner is None or winner.speed is None:
            return "No placement could be measured, so that nothing is remembered."
        rate = rate_text(winner.speed.generation_per_s)
        said = f"The fastest is '{winner.candidate.name}', {rate}"
        if winner is trials[0]:
            said = f"Nothing is faster than as planned, {rate}"
        if contest is None:
            return f"{said}; it is not remembered, as the engine does not say which build it is."
        try:
            await asyncio.to_thread(self._plans.winners.keep, _winner(contest, trials, winner, winner.speed))
        except Problem as problem:
            return f"{said}; it is not remembered: {problem}"
        return f"{said}; the next starts of the model are placed like that."


async def _ask(coordinator: Coordinator, deadline: float) -> Timings:
    """One request; what the engine measured.

    Raises:
        TimeoutError: it took too long.
        AnswerBroken: it failed, with the true cause.
    """
    left_s = max(0.0, deadline - asyncio.get_running_loop().time())
    try:
        async with (
            asyncio.timeout_at(deadline),
            aclosing(coordinator.answer((QUESTION,), OPTIONS, left_s + 1)) as parts,
        ):
            async for part in parts:
                if isinstance(part, Finished):
                    return part.timings
    except AnswerBroken as broken:
        raise await true_cause(coordinator, broken) from broken
    raise AnswerBroken(Stage.CUT_SHORT, "The answer ended without its last part.")


def _winner(contest: Contest, trials: list[Trial], winner: Trial, speed: Speed) -> Winner:
    return Winner(
        contest,
        datetime.now(UTC),
        winner.candidate.plan.split,
        winner.candidate.plan.context,
        speed.generation_per_s,
        speed.prompt_per_s,
        sum(trial.speed is not None for trial in trials),
    )


def _path(model: Model) -> Path:
    assert model.path is not None, "only a model of this box is measured"
    return model.path
