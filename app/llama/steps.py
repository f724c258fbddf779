"""How fetching the engine is told while it is under way."""

from __future__ import annotations

from dataclasses import dataclass

from app.text.problem import Problem

OTHERWISE = "Check the network, or build it here: 'synaptic-tui engine get --source'."


class InstallProblem(Problem):
    """The engine could not be fetched."""


@dataclass(frozen=True, slots=True)
class InstallStep:
    """What is being done now, and how far it is; None where that is not known."""

    text: str
    done: int | None = None
    total: int | None = None
    """In one unit of their own: bytes, or per cent."""

    @property
    def in_tenths(self) -> str:
        """The step, in tenths of the way, so that a slow download says little."""
        return f"{self.text}: {(self.done or 0) * 10 // self.total * 10} %" if self.total else self.text
