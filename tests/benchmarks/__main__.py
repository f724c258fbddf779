"""Runs all benchmarks but that of placement, and keeps their figures: `python -m tests.benchmarks`."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from tests.benchmarks import estimate, log, rate, startup, streaming, table, typing
from tests.benchmarks.readme import keep


def main() -> None:
    """Measure, and keep the figures."""
    keep("figures", "\n".join((*_machine(), "", *_programs(), "", *_console())))


def _machine() -> Iterator[str]:
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} shared cores, Python {platform.python_version()}, "
        f"Textual {version('textual')}, load average before: {load}."
    )


def _programs() -> Iterator[str]:
    measured = startup.measure()
    names = list(
        dict.fromkeys(n for figures in measured.values() if isinstance(figures, dict) for n in figures)
    )
    yield f"| program | {' | '.join(names)} |"
    yield f"|---|{'---:|' * len(names)}"
    for title, figures in measured.items():
        if isinstance(figures, str):
            yield f"| {title} | {figures} |{' |' * (len(names) - 1)}"
        else:
            yield f"| {title} | {' | '.join(_shown(figures.get(name)) for name in names)} |"


def _console() -> Iterator[str]:
    yield "| the console under load | |"
    yield "|---|---:|"
    for benchmark in (log, streaming, typing, table, rate, estimate):
        for name, figure in benchmark.measure().items():
            yield f"| {name} | {_shown(figure)} |"


def _shown(figure: float | None) -> str:
    return "—" if figure is None else f"{figure:,.1f}"


if __name__ == "__main__":
    main()
