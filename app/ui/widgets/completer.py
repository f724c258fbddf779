"""Completion of a command line: what it shows, and what the next Tab makes of the line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content

from app.text.problem import Problem
from app.ui.command import Completion

Complete = Callable[[str], Sequence[Completion]]
"""How a line can go on."""
Obey = Callable[[str], None]
"""Carries a line out; raises a Problem where it is no command, or one that cannot run now."""

_SHOWN = 12


class Completer:
    """What is said under a line while it is typed, and what the next Tab makes of it."""

    def __init__(self, complete: Complete) -> None:
        self._complete = complete
        self._lines: list[str] = []
        self._refused = ""
        self._problem: Problem | None = None

    def refuse(self, line: str, problem: Problem) -> None:
        """Say what is wrong with `line`, for as long as it is not changed."""
        self._refused, self._problem = line, problem

    def hint(self, line: str) -> Content:
        """How the line can go on, or why it was refused."""
        if self._problem is not None and line == self._refused:
            return problem_text(self._problem)
        self._problem = None
        return completions_text(self._complete(line))

    def next(self, line: str) -> str | None:
        """The line to show instead of `line`; None where nothing fits."""
        if line not in self._lines or len(self._lines) == 1:
            self._lines = [completion.line for completion in self._complete(line)]
            return self._lines[0] if self._lines else None
        return self._lines[(self._lines.index(line) + 1) % len(self._lines)]


def completions_text(found: Sequence[Completion]) -> Content:
    """How a line can go on, in one line; a single way with its help."""
    if len(found) == 1:
        return Content.assemble(found[0].shown, (f"  {found[0].help}", "$text-muted"))
    more = f"  … {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return Content("  ".join(completion.shown for completion in found[:_SHOWN]) + more).stylize("$text-muted")


def problem_text(problem: Problem) -> Content:
    """What is wrong with a line, and what to type instead."""
    return Content.assemble((problem.sentence, "$text-error"), f" {problem.remedy}".rstrip())
