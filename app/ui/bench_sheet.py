"""What the sheet of a bench shows."""

from __future__ import annotations

from app.core.bench_steps import Trial, Verdict
from app.text.units import UNKNOWN, duration_text, rate_text
from app.ui.sheets import Section

HEADINGS = ("", "ready in", "prompt", "answer", "from", "backends and layers")


def bench_sheet(verdict: Verdict) -> tuple[Section, ...]:
    """The verdict, each placement with its speed, and why some have none."""
    failed = tuple((trial.candidate.name, trial.problem) for trial in verdict.trials if trial.problem)
    return (
        Section((("", verdict.remark),)),
        Section(
            (HEADINGS, *map(trial_row, verdict.trials)),
            f"Placements, tokens per second with a context of {verdict.context:,}",
        ),
        *((Section(failed, "Not measured"),) if failed else ()),
    )


def trial_row(trial: Trial) -> tuple[str, ...]:
    """What a candidate is called, how fast it was, and where its layers were."""
    speed = trial.speed
    return (
        trial.candidate.name,
        duration_text(trial.ready_in_s),
        rate_text(speed.prompt_per_s if speed else None),
        rate_text(speed.generation_per_s if speed else None),
        speed.spread if speed else UNKNOWN,
        trial.candidate.where,
    )
