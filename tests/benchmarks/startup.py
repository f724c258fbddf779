"""How soon a program is there, what it takes, and what it does while nothing happens; beside its peers.

`python -m tests.benchmarks.startup` prints the figures.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.pace import Ended, Timed
from tests.benchmarks.peers import NotInstalled, Program, elia, empty, oterm, ours, posting, toolong

ROUNDS = 7
SETTLING_S = 4.0
RESTING_S = 10.0
PROGRAMS: tuple[Callable[[], Program], ...] = (ours, empty, toolong, posting, oterm, elia)

Figures = dict[str, float]


def measure() -> dict[str, Figures | str]:
    """Medians by program; a sentence for a program that cannot be measured."""
    measured: dict[str, Figures | str] = {}
    programs: list[Program] = []
    for made in PROGRAMS:
        try:
            programs.append(made())
        except NotInstalled as why:
            measured[made.__name__] = f"cannot be installed: {why}"
    rounds: dict[str, list[Figures]] = {_title(program): [] for program in programs}
    # Round by round, so that a busy moment of the machine meets all of them.
    for number in range(ROUNDS):
        for program in programs:
            title = _title(program)
            try:
                rounds[title].append(_one_round(program, rests=number == 0))
            except Ended as why:
                measured[title] = f"does not start: {why}"
    for title, figures in rounds.items():
        if figures:
            measured[title] = dict(_medians(figures))
    return measured


def _title(program: Program) -> str:
    return f"{program.name} {program.version}"


def _one_round(program: Program, *, rests: bool) -> Figures:
    with tempfile.TemporaryDirectory() as home:
        for name, text in program.files.items():
            Path(home, name).parent.mkdir(parents=True, exist_ok=True)
            Path(home, name).write_text(text)
        with Timed(program.command, _environment(home), Path(home)) as timed:
            painted = timed.first_paint()
            figures = {"first paint, ms": painted * 1000}
            if rests:
                timed.rest(SETTLING_S)
                figures["memory, MB"] = timed.memory_mb()
                written, busy = timed.rest(RESTING_S)
                figures["idle, bytes/s"] = written / RESTING_S
                figures["idle, % of a core"] = busy
            else:
                figures["first key, ms"] = (
                    timed.first_key(program.key.encode(), program.answer.encode()) * 1000
                )
    return figures


def _environment(home: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {"LANG": "C.UTF-8", **kept, "HOME": home, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def _medians(rounds: list[Figures]) -> Iterator[tuple[str, float]]:
    for name in dict.fromkeys(name for figures in rounds for name in figures):
        yield name, statistics.median(figures[name] for figures in rounds if name in figures)


def main() -> None:
    """Print what was measured."""
    for title, figures in measure().items():
        said = figures if isinstance(figures, str) else ", ".join(f"{n} {v:,.1f}" for n, v in figures.items())
        sys.stdout.write(f"{title}: {said}\n")


if __name__ == "__main__":
    main()
