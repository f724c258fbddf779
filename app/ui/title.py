"""The title of the terminal's window: what runs, to be seen from another one."""

from __future__ import annotations

from textual.app import App

from app.core.coordinator_status import CoordinatorState, CoordinatorStatus
from app.ui.terminal import TerminalDriver

NAME = "synaptic-tui"


def entitle(app: App[object], status: CoordinatorStatus | None, *, wanted: bool) -> None:
    """Have the title say how the coordinator is; where none is wanted, what it said before."""
    if isinstance(app._driver, TerminalDriver):
        app._driver.show_title(title_of(status) if wanted else None)


def title_of(status: CoordinatorStatus | None) -> str:
    """`synaptic-tui: llama3.1:405b ready`; the name alone where nothing runs."""
    if status is None or status.state is CoordinatorState.STOPPED:
        return NAME
    return f"{NAME}: {status.model} {status.state}"
