"""What a person is told when this program fails: two sentences, and where the report is."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from app.cli.output import say
from app.text.problem import Problem
from app.text.secrets import masked

if TYPE_CHECKING:
    from app.core.cluster import Cluster

FAILED = 1


async def tell_fault(cluster: Cluster, error: BaseException) -> int:
    """Keep a report of what has ended the console, and say so; returns the exit code."""
    from app.core.faults import keep_fault

    try:
        report = await keep_fault(cluster, error)
    except Problem as problem:
        say(f"{_what_happened(error)} There is no report: {problem}")
    else:
        say(_told(error, report))
    return FAILED


def tell_any_fault() -> None:
    """From now on a fault that nothing else catches is told in the same way."""
    sys.excepthook = _excepthook


def _excepthook(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    from app.config import folders
    from app.config.crashes import Circumstances, write_report

    try:
        report = write_report(folders.state_folder(), error, Circumstances())
    except Problem as problem:
        say(f"{_what_happened(error)} There is no report: {problem}")
    else:
        say(_told(error, report))


def _told(error: BaseException, report: Path) -> str:
    return f"{_what_happened(error)} The report, which holds no keys, is {report}"


def _what_happened(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    said = masked(" ".join(str(error).split()))
    return f"synaptic-tui ended by a fault of its own ({type(error).__name__}{': ' if said else ''}{said})."
