"""`synaptic-tui bench`."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict
from typing import Any

import click

from app.cli.narration import narrated
from app.cli.options import ClusterOptions, cluster_options, complete_model
from app.cli.output import json_option, print_json, print_table, say
from app.cli.running import run
from app.cli.session import open_cluster
from app.core.bench_steps import Trial, Verdict
from app.core.cluster import Cluster
from app.core.placement_bench import BenchLimits
from app.text.units import plural
from app.ui.bench_sheet import trial_row

_USUAL = BenchLimits()


@click.group()
def bench() -> None:
    """Measure with the real engine what is the fastest."""


@bench.command()
@click.argument("name", metavar="MODEL", shell_complete=complete_model)
@click.option(
    "--candidates",
    type=click.IntRange(1, 50),
    default=_USUAL.candidates,
    show_default=True,
    help="How many placements to try at most.",
)
@click.option(
    "--budget",
    type=click.FloatRange(1.0, 86_400.0),
    default=_USUAL.budget_s,
    show_default=True,
    metavar="SECONDS",
    help="How long all of it may take.",
)
@json_option
@cluster_options
def placement(options: ClusterOptions, name: str, candidates: int, budget: float, as_json: bool) -> int:
    """Load MODEL as planned and in other ways, measure each, and remember the fastest for its next starts.

    It is forgotten by itself when the model, the workers or the engine are others. Exits 1 where nothing
    could be measured.
    """
    return run(_placement(options, name, BenchLimits(candidates, budget), as_json=as_json))


@bench.command()
@click.argument("name", metavar="MODEL", shell_complete=complete_model)
@cluster_options
def forget(options: ClusterOptions, name: str) -> int:
    """Place MODEL again as if it had never been measured."""
    return run(_forget(options, name))


async def _placement(options: ClusterOptions, name: str, limits: BenchLimits, *, as_json: bool) -> int:
    async with open_cluster(options) as cluster, narrated(cluster):
        await cluster.look()
        verdict = await _measured(cluster, name, limits)
    if as_json:
        print_json(verdict_form(verdict))
    else:
        print_verdict(verdict)
    return 0 if verdict.winner is not None else 1


async def _measured(cluster: Cluster, name: str, limits: BenchLimits) -> Verdict:
    async with aclosing(cluster.bench.run(await cluster.dispatcher.loadable(name), limits)) as steps:
        async for step in steps:
            if isinstance(step, Verdict):
                return step
    raise AssertionError("the last step is the verdict")


async def _forget(options: ClusterOptions, name: str) -> int:
    async with open_cluster(options) as cluster:
        forgotten = await cluster.bench.forget(await cluster.dispatcher.loadable(name))
    say(f"{plural(forgotten, 'measurement')} of {name} forgotten.")
    return 0


def print_verdict(verdict: Verdict) -> None:
    """One line a placement."""
    print_table(
        ("placement", "ready", "prompt", "answer", "from", "backends and layers", "remark"),
        [_row(trial, verdict) for trial in verdict.trials],
    )


def _row(trial: Trial, verdict: Verdict) -> tuple[str, ...]:
    remark = trial.problem or ("fastest" if trial is verdict.winner else "")
    return (*trial_row(trial), remark)


def verdict_form(verdict: Verdict) -> dict[str, Any]:
    """What a bench came to."""
    return {
        "model": verdict.model,
        "context": verdict.context,
        "placements": [
            {
                "name": trial.candidate.name,
                "rpc": ",".join(map(str, trial.candidate.plan.backends)),
                "tensor_split": ",".join(map(str, trial.candidate.plan.tensor_split)),
                "ready_in_s": trial.ready_in_s,
                "speed": trial.speed and asdict(trial.speed),
                "problem": trial.problem or None,
                "is_fastest": trial is verdict.winner,
            }
            for trial in verdict.trials
        ],
        "remark": verdict.remark,
    }
