"""What the title of the terminal's window says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.coordinator_status import CoordinatorState
from app.ui.title import title_of
from tests.support.console import ready_status


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (CoordinatorState.READY, "synaptic-tui: llama3.1:405b ready"),
        (CoordinatorState.LOADING, "synaptic-tui: llama3.1:405b loading"),
        (CoordinatorState.FAILED, "synaptic-tui: llama3.1:405b failed"),
        (CoordinatorState.STOPPED, "synaptic-tui"),
    ],
)
def test_the_state_is_in_it(state: CoordinatorState, title: str) -> None:
    assert title_of(replace(ready_status(), state=state)) == title


def test_it_is_the_name_where_nothing_has_run() -> None:
    assert title_of(None) == "synaptic-tui"
