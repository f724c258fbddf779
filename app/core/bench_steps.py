"""What a bench of placements tells on its way, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from app.core.candidates import Candidate
from app.text.answer import Timings
from app.text.units import duration_text, rate_text

NOISE = 0.03
"""A placement that is faster by less than this share than the one as planned is not faster."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens per second over some requests, by the engine's own clock."""

    generation_per_s: float
    """The median, as is the next."""
    prompt_per_s: float | None
    slowest_per_s: float
    """Of generating, as is the next."""
    fastest_per_s: float
    requests: int

    @property
    def spread(self) -> str:
        """The slowest and the fastest request."""
        decimals = 1 if self.fastest_per_s < 100 else 0
        return f"{self.slowest_per_s:.{decimals}f} to {self.fastest_per_s:.{decimals}f}"


def speed_of(measured: Sequence[Timings]) -> Speed | None:
    """The speed over these requests; None where the engine has not measured any."""
    generation = [t.tokens / t.generation_s for t in measured if t.tokens and t.generation_s]
    prompt = [t.prompt_tokens / t.prompt_s for t in measured if t.prompt_tokens and t.prompt_s]
    if not generation:
        return None
    return Speed(
        median(generation),
        median(prompt) if prompt else None,
        min(generation),
        max(generation),
        len(generation),
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one candidate."""

    candidate: Candidate
    ready_in_s: float | None = None
    speed: Speed | None = None
    """None where it was not measured."""
    problem: str = ""
    """Why it was not, in a sentence."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A candidate is being loaded."""

    number: int
    of: int
    candidate: Candidate

    def __str__(self) -> str:
        return f"placement {self.number} of {self.of}, {self.candidate.name}: {self.candidate.where}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """It is ready, and is warmed up."""

    number: int
    ready_in_s: float | None

    def __str__(self) -> str:
        return f"placement {self.number} is ready in {duration_text(self.ready_in_s)}"


@dataclass(frozen=True, slots=True)
class Tried:
    """It was measured, has failed, or was passed over."""

    number: int
    trial: Trial

    def __str__(self) -> str:
        speed = self.trial.speed
        if speed is None:
            return f"placement {self.number} is not measured: {self.trial.problem}"
        return (
            f"placement {self.number}: {rate_text(speed.generation_per_s)} "
            f"({speed.spread}), prompt {rate_text(speed.prompt_per_s)}"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """The last step: all trials, and which of them won."""

    model: str
    context: int
    trials: tuple[Trial, ...]
    winner: Trial | None
    """None where nothing was measured."""
    remark: str
    """What is made of it, in a sentence."""

    def __str__(self) -> str:
        return self.remark


Step = Begun | Loaded | Tried | Verdict


def winner_of(trials: Sequence[Trial]) -> Trial | None:
    """The fastest; the first, which is as planned, where no other is faster by more than noise.

    Noise is also what its own requests have reached: on a busy box they differ by far more than placements.
    """
    measured = [(trial.speed.generation_per_s, trial) for trial in trials if trial.speed is not None]
    if not measured:
        return None
    rate, fastest = max(measured, key=lambda pair: pair[0])
    planned = trials[0].speed
    if planned is not None and rate <= max(planned.generation_per_s * (1 + NOISE), planned.fastest_per_s):
        return trials[0]
    return fastest
